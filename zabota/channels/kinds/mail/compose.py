"""An envelope to the bytes of a mail. The same envelope gives the same bytes every time."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage, Message
from email.policy import EmailPolicy
from email.utils import format_datetime

from zabota.channels.contract import Address, Envelope, OutgoingFile, PermanentError
from zabota.lib import clock
from zabota.lib.html import text_to_html
from zabota.lib.text import one_line, safe_filename

Loader = Callable[[str], bytes]
MAX_REFERENCES = 20  # besides the first: longer headers are refused or cut by some servers
MAX_PLAIN = 900  # RFC 5322 §2.1.1 allows 998 characters in a line
WORD_BYTES = 42  # 56 letters of base64 and the frame: under the 75 of RFC 2047, with room in front
_IDS = {"message-id", "in-reply-to", "references"}
_ADDRESSES = {"from", "to", "cc", "reply-to", "sender"}
_TOKEN = re.compile(r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+$")
_SENSELESS = re.compile(r"[\s@<>()\[\],;:\"\\]")
_NAME = re.compile(r"^[!-9;-~]+$")
_TYPE = re.compile(r"^[\w!#$&^.+-]{1,60}/[\w!#$&^.+-]{1,60}$")
_OWN = _IDS | _ADDRESSES | {"subject", "date", "mime-version", "bcc", "auto-submitted"}


class _Policy(EmailPolicy):
    """SMTP line ends and 7-bit bodies; headers folded by rules that keep them readable.

    The stock folder encodes a Message-ID longer than a line as if it were text, which breaks the
    thread at the other end, and loses blanks between encoded and plain words.
    """

    def fold(self, name: str, value: str) -> str:
        lower = name.lower()
        if lower in _IDS:
            return f"{name}: " + "\r\n ".join(value.split()) + "\r\n"
        if lower in _ADDRESSES:
            shown = [_address(found) for found in getattr(value, "addresses", ())]
            return f"{name}: " + ",\r\n ".join(shown) + "\r\n"
        if lower == "subject":
            return f"{name}: {_encoded(str(value), len(name) + 2)}\r\n"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: str) -> bytes:
        charset = "utf-8" if self.utf8 else "ascii"
        return self.fold(name, value).encode(charset, "surrogateescape")


_POLICY = _Policy(linesep="\r\n", cte_type="7bit", utf8=False, max_line_length=78)
# Only for addresses whose local part has letters beyond ASCII (RFC 6532).
_POLICY_UTF8 = _POLICY.clone(utf8=True)


def _encoded(text: str, used: int = 0) -> str:
    """`text` as RFC 2047 words of at most 75 characters, one per line, cut between words.

    `used`: characters already on the first line.
    """
    if text.isascii() and len(text) + used <= MAX_PLAIN and "=?" not in text:
        return text
    words: list[bytes] = []
    for piece in re.findall(r"\S*\s*", text):
        for letter in _pieces(piece):
            if words and len(words[-1]) + len(letter) <= WORD_BYTES:
                words[-1] += letter
            else:
                words.append(letter)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in words)


def _pieces(word: str) -> list[bytes]:
    """The bytes of one word, letter by letter when it is too long for one encoded word."""
    data = word.encode()
    return [data] if len(data) <= WORD_BYTES else [letter.encode() for letter in word]


def _address(address: HeaderAddress) -> str:
    domain = address.domain
    if not domain.isascii():
        domain = domain.encode("idna").decode("ascii")
    spec = f"{address.username}@{domain}" if domain else address.username
    name = address.display_name
    if not name:
        return spec
    if not name.isascii():
        return f"{_encoded(name)}\r\n <{spec}>"
    quoted = name if _TOKEN.match(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{quoted} <{spec}>"


def needs_utf8(envelope: Envelope) -> bool:
    """Whether an address has letters beyond ASCII before its @, so that SMTPUTF8 is required."""
    everybody = (envelope.sender, *envelope.to, *envelope.cc, *envelope.reply_to)
    return any(not address.email.rpartition("@")[0].isascii() for address in everybody)


def compose(envelope: Envelope, load: Loader) -> bytes:
    """The mail of `envelope`; `load` gives the bytes of a file by its SHA-256.

    Line breaks in names, subject and header values are removed, so that nothing can be injected.
    Raises PermanentError when an address cannot be written.
    """
    message = EmailMessage(_POLICY_UTF8 if needs_utf8(envelope) else _POLICY)
    _set_headers(message, envelope)
    text = envelope.text.replace("\r\n", "\n").replace("\r", "\n")
    message.set_content(text.rstrip("\n") + "\n", cte=_transfer_encoding(text))
    html = _wrapped(envelope.html or text_to_html(envelope.text))
    message.add_alternative(html, subtype="html", cte=_transfer_encoding(html))
    pictures = [file for file in envelope.files if file.inline and file.content_id]
    for file in pictures:
        _html_part(message).add_related(
            load(file.sha256),
            *_media_type(file),
            filename=safe_filename(file.name),
            cid=f"<{one_line(file.content_id).strip('<>')}>",
            disposition="inline",
        )
    for file in envelope.files:
        if file not in pictures:
            content = load(file.sha256)
            message.add_attachment(content, *_media_type(file), filename=safe_filename(file.name))
    _set_boundaries(message, envelope.message_id)
    return message.as_bytes()


def _set_headers(message: EmailMessage, envelope: Envelope) -> None:
    message["From"] = _header_addresses([envelope.sender])
    if envelope.to:
        message["To"] = _header_addresses(envelope.to)
    if envelope.cc:
        message["Cc"] = _header_addresses(envelope.cc)
    if envelope.reply_to:
        message["Reply-To"] = _header_addresses(envelope.reply_to)
    message["Subject"] = one_line(envelope.subject)
    message["Date"] = format_datetime(envelope.date or clock.now())
    message["Message-ID"] = _ids([envelope.message_id])
    if answered := _ids([envelope.in_reply_to]):
        message["In-Reply-To"] = answered
    if references := _ids(capped_references(envelope)):
        message["References"] = references
    if envelope.automatic:
        # RFC 3834 §5.1.6 and the header by which Exchange keeps silent.
        message["Auto-Submitted"] = "auto-replied"
        message["X-Auto-Response-Suppress"] = "All"
    for name, value in envelope.headers.items():
        if _NAME.match(name) and name.lower() not in _OWN and name not in message:
            message[name] = one_line(value)


def capped_references(envelope: Envelope) -> list[str]:
    """References with In-Reply-To at the end: the first one and the last 20."""
    chain = list(dict.fromkeys(envelope.references))
    if envelope.in_reply_to:
        chain = [known for known in chain if known != envelope.in_reply_to]
        chain.append(envelope.in_reply_to)
    return chain if len(chain) <= MAX_REFERENCES + 1 else [chain[0], *chain[-MAX_REFERENCES:]]


def _ids(ids: Iterable[str]) -> str:
    cleaned = (re.sub(r"[\s<>]", "", one_line(name)) for name in ids)
    # A client's Message-ID with letters beyond ASCII cannot be repeated in a 7-bit header.
    return " ".join(f"<{name}>" for name in cleaned if name and name.isascii())


def _header_addresses(addresses: Iterable[Address]) -> list[HeaderAddress]:
    found = []
    for address in addresses:
        username, _, domain = one_line(address.email).rpartition("@")
        try:
            shown = HeaderAddress(one_line(address.name), username, domain)
            str(shown)
            if not domain.isascii():
                domain.encode("idna")
        except (ValueError, IndexError) as error:
            raise PermanentError(f"The address {address.email!r} cannot be written.") from error
        if not username or not domain or _SENSELESS.search(username + domain):
            raise PermanentError(f"The address {address.email!r} cannot be written.")
        found.append(shown)
    return found


def _transfer_encoding(text: str) -> str:
    """base64 for mostly Cyrillic text: quoted-printable would triple it."""
    foreign = sum(not letter.isascii() for letter in text[:20_000])
    if foreign * 6 > min(len(text), 20_000):
        return "base64"
    long_line = any(len(line) > 900 for line in text.split("\n"))
    return "quoted-printable" if foreign or long_line else "7bit"


def _wrapped(html: str) -> str:
    """`html` as a page whose body carries our mark: a reply to it is split there."""
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>'
        f'<div class="zabota-message" data-zabota="message">{html}</div></body></html>\n'
    )


def _html_part(message: EmailMessage) -> EmailMessage:
    part = message.get_body(("related", "html"))
    assert isinstance(part, EmailMessage)
    return part


def _media_type(file: OutgoingFile) -> tuple[str, str]:
    kind = file.content_type.lower()
    # A nested message or multipart may not be base64 (RFC 2046 §5.2.1): sent as plain bytes.
    if not _TYPE.match(kind) or kind.startswith(("message/", "multipart/")):
        kind = "application/octet-stream"
    main, _, sub = kind.partition("/")
    return main, sub


def _set_boundaries(message: Message, seed: str) -> None:
    """Boundaries from the Message-ID: a second attempt must be the same mail, byte for byte."""
    for number, part in enumerate(message.walk()):
        if part.get_content_maintype() == "multipart":
            digest = hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()[:40]
            part.set_boundary(f"=_{digest}")
