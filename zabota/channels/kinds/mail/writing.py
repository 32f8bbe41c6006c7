"""MIME parts and headers as bytes, with CRLF and in plain ASCII.

Written out: the standard library parses each header that it is given and folds it by rules that
break threads (a long Message-ID encoded as text) and blanks between words; that took 2.5 CPU ms of
a mail's 15.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from urllib.parse import quote

EOL = "\r\n"
MAX_PLAIN = 900  # RFC 5322 §2.1.1 allows 998 characters in a line
WORD_BYTES = 42  # 56 letters of base64 and the frame: under the 75 of RFC 2047, with room in front
_PIECE = 60  # characters of a long parameter in one line
_BASE64_BYTES = 57  # 76 letters, RFC 2045 §6.8
_PLAIN_VALUE = re.compile(r"^[\w!#$&+.^`{}~ ()@,-]{1,60}$", re.ASCII)


def encoded(text: str, used: int = 0) -> str:
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
    data = word.encode("utf-8", "replace")
    whole = len(data) <= WORD_BYTES
    return [data] if whole else [letter.encode("utf-8", "replace") for letter in word]


def header(name: str, value: str) -> str:
    """One header whose value is written as it should stand there."""
    return f"{name}: {value}{EOL}"


def text_part(subtype: str, text: str) -> bytes:
    """A part of text; `text` has its lines end with a line feed."""
    transfer = _transfer_encoding(text)
    data = text.encode("utf-8", "replace")
    if transfer == "base64":
        body = _base64(data)
    elif transfer == "quoted-printable":
        body = binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")
    else:
        body = data.replace(b"\n", b"\r\n")
    head = header("Content-Type", f'text/{subtype}; charset="utf-8"')
    head += header("Content-Transfer-Encoding", transfer)
    return (head + EOL).encode() + body


def file_part(content: bytes, media_type: str, name: str, content_id: str = "") -> bytes:
    """A file; with `content_id` a picture that the HTML shows."""
    head = header("Content-Type", media_type)
    head += header("Content-Transfer-Encoding", "base64")
    where = "inline" if content_id else "attachment"
    head += header("Content-Disposition", f"{where};{EOL} {_parameter('filename', name)}")
    if content_id:
        head += header("Content-ID", f"<{content_id}>")
    return (head + EOL).encode("ascii", "replace") + _base64(content)


def multipart(subtype: str, parts: Sequence[bytes], seed: str) -> bytes:
    """Parts within one. The boundary comes from `seed`: a second attempt must be the same mail,
    byte for byte."""
    if len(parts) == 1:
        return parts[0]
    digest = hashlib.sha256(f"{seed}:{subtype}".encode("utf-8", "replace")).hexdigest()[:40]
    line = f"--=_{digest}".encode()
    head = header("Content-Type", f'multipart/{subtype}; boundary="=_{digest}"') + EOL
    inside = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts)
    return head.encode() + inside + line + b"--\r\n"


def _parameter(name: str, value: str) -> str:
    """RFC 2231 where the value is not short plain ASCII."""
    if _PLAIN_VALUE.match(value):
        return f'{name}="{value}"'
    pieces = list(_cut(quote(value, safe="", errors="replace")))
    if len(pieces) == 1:
        return f"{name}*=utf-8''{pieces[0]}"
    shown = (
        f"{name}*{number}*={'' if number else _CHARSET}{piece}"
        for number, piece in enumerate(pieces)
    )
    return f";{EOL} ".join(shown)


_CHARSET = "utf-8''"


def _cut(text: str) -> Iterable[str]:
    """Pieces of percent-encoded text; none cuts through an encoded byte."""
    while len(text) > _PIECE:
        end = text.rfind("%", _PIECE - 2, _PIECE)
        end = _PIECE if end < 0 else end
        yield text[:end]
        text = text[end:]
    yield text


def _base64(data: bytes) -> bytes:
    lines = (
        binascii.b2a_base64(data[start : start + _BASE64_BYTES], newline=False)
        for start in range(0, len(data), _BASE64_BYTES)
    )
    return b"\r\n".join(lines) + b"\r\n"


def _transfer_encoding(text: str) -> str:
    """base64 for mostly Cyrillic text: quoted-printable would triple it."""
    if text.isascii():
        foreign = 0
    else:
        head = text[:20_000]
        # Each letter beyond ASCII takes more bytes than one: nearly their number, without a loop.
        foreign = len(head.encode("utf-8", "replace")) - len(head)
        if foreign * 6 > len(head):
            return "base64"
    long_line = len(text) > MAX_PLAIN and any(len(one) > MAX_PLAIN for one in text.split("\n"))
    return "quoted-printable" if foreign or long_line else "7bit"
