"""Mail headers as people and robots really write them: folded, raw 8-bit, broken, missing."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import collapse_rfc2231_value, parsedate_tz

from zabota.channels.contract import Address
from zabota.channels.kinds.mail.charsets import decode
from zabota.lib.text import one_line

MAX_HEADER = 32_768  # bytes of one header that are read
MAX_HEADERS = 2_000
_FIELD = re.compile(rb"^([!-9;-~]{1,120})[ \t]*:")
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,2000})\?=")
_ID = re.compile(r"<\s*([^<>\s]{1,998})\s*>")
_EMAIL = re.compile(r"[^\s<>()\",;:\\]+@[^\s<>()\",;:\\]+")
_QUOTED = re.compile(r"\\(.)")
# Bounded repetitions: an unclosed quote must not be searched to the end from every character.
_ADDRESS_PIECE = re.compile(
    r'"(?:[^"\\]|\\.){0,400}"|\((?:[^()\\]|\\.){0,400}\)|<[^<>]{0,400}>'
    r"|=\?[^?\s]{1,60}\?[bBqQ]\?[^?]{0,400}\?=|[,;]"
    r'|[^"(<,;=]+|.',
    re.DOTALL,
)
_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?")


def decode_words(value: str) -> str:
    """`value` with RFC 2047 encoded words decoded, on one line.

    Neighbouring words of one charset are joined as bytes first: senders cut inside a letter.
    """
    parts: list[str] = []
    pending, charset, end = b"", "", 0
    for match in _WORD.finditer(value):
        between = value[end : match.start()]
        if between.strip() or match[1].lower() != charset:
            if pending:
                parts.append(decode(pending, charset)[0])
            pending = b""
        if between.strip() or not end:
            parts.append(between)
        charset, end = match[1].lower(), match.end()
        pending += _word_bytes(match[2], match[3])
    if pending:
        parts.append(decode(pending, charset)[0])
    return one_line("".join(parts) + value[end:])


def _word_bytes(encoding: str, body: str) -> bytes:
    data = body.encode("utf-8", "surrogateescape")
    if encoding in "bB":
        return decode_base64(data)
    return quopri.decodestring(data.replace(b"_", b" "), header=False)


def decode_base64(data: bytes) -> bytes:
    """Bytes of `data`; foreign characters are skipped, missing padding is added."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        return base64.b64decode(letters + b"=" * (-len(letters) % 4))


class Headers:
    """The header block of one message or part: names without case, values as unicode."""

    def __init__(self, fields: list[tuple[str, bytes]]) -> None:
        self._fields = fields
        self._raw: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self._fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Every field in order: lower-case name, decoded value."""
        for name, value in self._fields:
            yield name, decode_words(_unicode(value))

    def raw(self, name: str) -> str:
        """First value of `name` (lower case), encoded words kept; '' when absent."""
        if name not in self._raw:
            value = next((value for key, value in self._fields if key == name), b"")
            self._raw[name] = _unicode(value)
        return self._raw[name]

    def raw_all(self, name: str) -> list[str]:
        """All values of `name` (lower case), encoded words kept."""
        return [_unicode(value) for key, value in self._fields if key == name]

    def get(self, name: str) -> str:
        """First value of `name` (lower case), decoded, on one line; '' when absent."""
        return decode_words(self.raw(name))

    def structured(self, name: str) -> Message:
        """A stdlib message with only `name`, for its parameters (RFC 2231)."""
        message = Message()
        if name in self:
            message[name] = self.raw(name)
        return message


def _unicode(value: bytes) -> str:
    return decode(value[:MAX_HEADER])[0].replace("\n", " ").strip()


def split_headers(block: bytes) -> tuple[Headers, int]:
    """The headers at the beginning of `block` and the offset of its body.

    A line that is neither a field nor a continuation ends the headers, as no empty line follows.
    """
    fields: list[tuple[str, bytes]] = []
    position, size = 0, len(block)
    while position < size:
        end = block.find(b"\n", position)
        end = size if end < 0 else end
        line = block[position:end].rstrip(b"\r")
        if not line:
            return Headers(fields), min(end + 1, size)
        if line[:1] in b" \t" and fields:
            name, value = fields[-1]
            if len(value) < MAX_HEADER:
                fields[-1] = (name, value + b" " + line.strip())
        elif match := _FIELD.match(line):
            if len(fields) < MAX_HEADERS:
                fields.append((match[1].decode("ascii").lower(), line[match.end() :].strip()))
        elif not (line.startswith((b"From ", b">From ")) and not fields):
            return Headers(fields), position
        position = end + 1
    return Headers(fields), size


def parameter(headers: Headers, header: str, name: str) -> str:
    """A parameter such as `charset` or `filename`, by RFC 2231, RFC 2047 or raw; '' when absent."""
    try:
        found = headers.structured(header).get_param(name, header=header)
        value = collapse_rfc2231_value(found) if found else ""
    except (ValueError, LookupError, IndexError, TypeError):
        match = re.search(rf"(?i)\b{name}\*?(?:\d\*?)?\s*=\s*\"?([^\";]+)", headers.raw(header))
        value = match[1] if match else ""
    return decode_words(value) if value else ""


def _flush(words: list[str], bracket: str | None, comment: str) -> Address | None:
    phrase = " ".join("".join(words).split())
    if bracket is not None:
        email = "".join(bracket.split())
        name = phrase or comment
    else:
        match = _EMAIL.search(phrase)
        email = match[0] if match else ""
        rest = phrase.replace(email, " ") if email else phrase
        name = " ".join(rest.split()) or comment
    email = email.strip("<>'\" ").removeprefix("mailto:").lower()
    if "@" not in email:
        name, email = (name or email), ""
    name = decode_words(name).strip("\"' ")
    if name.lower() == email:
        name = ""
    return Address(one_line(email)[:254], name[:200]) if email or name else None


def parse_addresses(value: str, limit: int = 500) -> tuple[Address, ...]:
    """Addresses of one header value (encoded words kept in it), groups flattened.

    `Иванов, Иван <a@b>` written without quotes is one person: a word without an address goes to
    the name of the next one.
    """
    found: list[Address] = []
    words: list[str] = []
    bracket: str | None = None
    comment, carried = "", ""
    for match in _ADDRESS_PIECE.finditer(value + ","):
        piece = match[0]
        if piece in ",;":
            address = _flush(words, bracket, comment)
            words, bracket, comment = [], None, ""
            if address and not address.email and piece == ",":
                carried = f"{carried}, {address.name}" if carried else address.name
                continue
            if address:
                name = f"{carried}, {address.name}" if carried and address.name else ""
                found.append(Address(address.email, (name or carried or address.name)[:200]))
            carried = ""
            if len(found) >= limit:
                break
        elif piece[0] == '"' and len(piece) > 1:
            words.append(" " + _QUOTED.sub(r"\1", piece[1:-1]) + " ")
        elif piece[0] == "(" and len(piece) > 1:
            comment = decode_words(piece[1:-1])
        elif piece[0] == "<" and len(piece) > 1:
            bracket = piece[1:-1]
        elif bracket is None:
            words.append(_without_group(piece))
    if carried:
        found.append(Address("", carried[:200]))
    return tuple(found)


def _without_group(piece: str) -> str:
    """`undisclosed-recipients:` and other group names dropped."""
    head, colon, rest = piece.rpartition(":")
    return rest if colon and "@" not in head else piece


def message_ids(value: str, limit: int = 1000) -> tuple[str, ...]:
    """Message-IDs without < >, in order, each once. Bare ones are taken when none has brackets."""
    found = _ID.findall(value) or [word for word in value.split() if "@" in word]
    return tuple(dict.fromkeys(one_line(word.strip("<>")) for word in found[:limit]))


def parse_date(value: str) -> tuple[datetime | None, str]:
    """The moment in a Date header (aware) and the repair made; None when there is none."""
    if not value:
        return None, "no Date"
    try:
        parts = parsedate_tz(value)
        if parts:
            year, month, day, hour, minute, second = parts[:6]
            offset = parts[9] if isinstance(parts[9], int) else 0
            moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
            moment -= timedelta(seconds=offset)
            return _plausible(moment, value)
        if match := _ISO_DATE.search(value):
            numbers = [int(number or 0) for number in match.groups()]
            moment = datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]
            return _plausible(moment, value)
    except (ValueError, OverflowError, TypeError, IndexError):
        pass
    return None, f"Date not understood: {value[:80]!r}"


def _plausible(moment: datetime, value: str) -> tuple[datetime | None, str]:
    # Mail is older than the web, but a date outside these years is a broken clock.
    if 1982 <= moment.year <= 2100:
        return moment, ""
    return None, f"absurd Date: {value[:80]!r}"
