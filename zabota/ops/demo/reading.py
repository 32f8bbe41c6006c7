"""A stored letter as the mailbox page shows it."""

from __future__ import annotations

import email
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses

from zabota.lib.html import clean_html, html_to_text, resolve_cids
from zabota.lib.text import clean, shorten
from zabota.ops.demo.store import Letter


@dataclass(frozen=True)
class Part:
    """A file of a letter."""

    number: int
    name: str
    content_type: str
    size: int
    content: bytes
    content_id: str


@dataclass(frozen=True)
class Shown:
    """What the page needs of a letter. `answer_to` is where an answer goes."""

    id: int
    kind: str
    seen: bool
    at: datetime
    name: str
    address: str
    to: str
    answer_to: str
    subject: str
    message_id: str
    references: tuple[str, ...]
    text: str
    html: str
    files: tuple[Part, ...]

    @property
    def snippet(self) -> str:
        """The beginning of the text."""
        return shorten(self.text, 120)


def read(letter: Letter) -> Shown:
    """The letter understood; what is missing stays empty."""
    mail = email.message_from_bytes(letter.content, policy=default)
    assert isinstance(mail, EmailMessage)
    text, html = _body(mail, "plain"), _body(mail, "html")
    name, address = _address(mail, "from")
    return Shown(
        id=letter.id,
        kind=letter.kind,
        seen=letter.seen,
        at=datetime.fromtimestamp(letter.at, UTC),
        name=name or address,
        address=address,
        to=_address(mail, "to")[1],
        answer_to=_address(mail, "reply-to")[1] or address,
        subject=clean(str(mail.get("subject", ""))),
        message_id="".join(_ids(mail, "message-id")[:1]),
        references=tuple(_ids(mail, "references")),
        text=clean(text) if text else html_to_text(html),
        html=clean_html(html) if html else "",
        files=tuple(_files(mail)),
    )


def document(letter: Shown, base: str) -> str:
    """The HTML body as a page for a sandboxed frame; its pictures by `base`/number."""
    pictures = {
        part.content_id: f"{base}/{part.number}" for part in letter.files if part.content_id
    }
    body = resolve_cids(letter.html, pictures)
    return (
        '<!doctype html><meta charset="utf-8"><base target="_blank"><style>body{margin:12px;'
        "font:14px/1.5 system-ui,sans-serif;color:#171b24;background:#fff;overflow-wrap:anywhere}"
        "img{max-width:100%;height:auto}blockquote{margin:8px 0 8px 4px;padding-left:10px;"
        f"border-left:2px solid #c4cad5;color:#4b5363}}</style><body>{body}"
    )


def _body(mail: EmailMessage, kind: str) -> str:
    try:
        part = mail.get_body((kind,))
        content = part.get_content() if part is not None else ""
    except (LookupError, ValueError, KeyError):
        return ""
    return content if isinstance(content, str) else ""


def _address(mail: EmailMessage, header: str) -> tuple[str, str]:
    found = getaddresses([str(mail.get(header, ""))])
    return (clean(found[0][0]), found[0][1]) if found else ("", "")


def _ids(mail: EmailMessage, header: str) -> list[str]:
    return [word.strip("<>") for word in str(mail.get(header, "")).split()]


def _files(mail: EmailMessage) -> list[Part]:
    found: list[Part] = []
    for part in mail.walk():
        is_body = part.is_multipart() or part.get_content_type() in {"text/plain", "text/html"}
        if is_body and part.get_content_disposition() != "attachment":
            continue
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        name = part.get_filename() or f"file-{len(found) + 1}"
        content_id = str(part.get("content-id", "")).strip("<> ")
        found.append(
            Part(
                len(found), clean(name), part.get_content_type(), len(content), content, content_id
            )
        )
    return found
