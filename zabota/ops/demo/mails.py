"""The bytes of a client's mail, written fast and plainly: every body in UTF-8 and base64."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime


@dataclass(frozen=True)
class File:
    """A file of a mail; with a `content_id` it stands inside the HTML body."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True)
class Mail:
    """What goes into the headers and bodies of one mail."""

    sender: tuple[str, str]
    to: str
    subject: str
    at: datetime
    message_id: str
    text: str
    html: str = ""
    in_reply_to: str = ""
    references: Sequence[str] = ()
    files: Sequence[File] = ()
    headers: dict[str, str] = field(default_factory=dict)


def word(text: str) -> str:
    """`text` for a header: as it is in ASCII, else in encoded words (RFC 2047)."""
    if text.isascii():
        return text
    parts = [text[start : start + 18] for start in range(0, len(text), 18)]
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(p.encode()).decode()}?=" for p in parts)


def _part(kind: str, content: bytes, extra: str = "") -> str:
    body = base64.encodebytes(content).decode().replace("\n", "\r\n")
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n{extra}\r\n{body}"


def _multi(kind: str, boundary: str, parts: list[str]) -> str:
    inner = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n{inner}--{boundary}--\r\n'


def build(mail: Mail) -> bytes:
    """The complete message with CRLF line ends."""
    name, address = mail.sender
    lines = [
        f"Return-Path: <{address}>",
        f"Date: {format_datetime(mail.at)}",
        f"From: {word(name)} <{address}>" if name else f"From: {address}",
        f"To: {mail.to}",
        f"Subject: {word(mail.subject)}",
        f"Message-ID: <{mail.message_id}>",
        "MIME-Version: 1.0",
    ]
    if mail.in_reply_to:
        lines.append(f"In-Reply-To: <{mail.in_reply_to}>")
    if mail.references:
        lines.append("References: " + "\r\n ".join(f"<{ref}>" for ref in mail.references))
    lines += [f"{key}: {value}" for key, value in mail.headers.items()]
    return ("\r\n".join(lines) + "\r\n" + _bodies(mail)).encode()


def _bodies(mail: Mail) -> str:
    mark = mail.message_id.replace("@", ".")[:50]
    body = _part("text/plain; charset=utf-8", mail.text.encode())
    if mail.html:
        html = _part("text/html; charset=utf-8", mail.html.encode())
        inline = [_file(file) for file in mail.files if file.content_id]
        if inline:
            html = _multi("related", f"r.{mark}", [html, *inline])
        body = _multi("alternative", f"a.{mark}", [body, html])
    attached = [_file(file) for file in mail.files if not file.content_id]
    return _multi("mixed", f"m.{mark}", [body, *attached]) if attached else body


def _file(file: File) -> str:
    way = "inline" if file.content_id else "attachment"
    extra = f'Content-Disposition: {way}; filename="{word(file.name)}"\r\n'
    if file.content_id:
        extra += f"Content-ID: <{file.content_id}>\r\n"
    return _part(f'{file.content_type}; name="{word(file.name)}"', file.content, extra)
