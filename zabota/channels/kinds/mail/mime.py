"""Raw bytes of a mail to a ParsedMessage: tolerant, bounded, every repair named."""

from __future__ import annotations

import mimetypes
import re
from typing import Any

from django.utils.translation import gettext_noop

from zabota.channels.contract import Address, ParsedFile, ParsedMessage, ParseError, Robot
from zabota.channels.kinds.mail import delivery, tnef
from zabota.channels.kinds.mail.charsets import decode
from zabota.channels.kinds.mail.flowed import unflow
from zabota.channels.kinds.mail.forwards import forwarded_from, says_forward
from zabota.channels.kinds.mail.headers import (
    Headers,
    message_ids,
    parameter,
    parse_addresses,
    parse_date,
    split_headers,
)
from zabota.channels.kinds.mail.language import guess_language, guess_timezone
from zabota.channels.kinds.mail.parts import Leaf, decoded, encoded_size, leaves
from zabota.channels.kinds.mail.quotes import split_body
from zabota.channels.kinds.mail.robots import recognise
from zabota.channels.kinds.mail.signatures import split_signature
from zabota.lib.html import MAX_HTML, html_to_text, text_to_html, tidy
from zabota.lib.text import clean, one_line, safe_filename

MAX_FILE = 50 * 1024 * 1024  # bytes; larger attachments are recorded, their content is not kept
MAX_TEXT = 1_000_000  # characters of a body that are shown; the original is stored whole
MAX_ENCODED = 4 * MAX_TEXT  # bytes of a text part that are decoded at all
MAX_KEPT_HEADERS = 200
_FIRST = 16 * 1024
_KNOWN = {
    *("from", "to", "cc", "subject", "date", "message-id", "received", "return-path", "sender"),
    *("reply-to", "mime-version", "content-type", "delivered-to", "content-transfer-encoding"),
    *("x-mailer", "in-reply-to", "references", "user-agent", "dkim-signature", "bcc"),
}
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to")
_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
TNEF = {"application/ms-tnef", "application/vnd.ms-tnef"}
_NAMES = {
    "message/rfc822": ("message", ".eml"),
    "text/calendar": ("invite", ".ics"),
    "application/ms-tnef": ("winmail", ".dat"),
    "application/vnd.ms-tnef": ("winmail", ".dat"),
    "message/delivery-status": ("delivery-status", ".txt"),
    "text/rfc822-headers": ("headers", ".txt"),
    "application/pgp-signature": ("signature", ".asc"),
    "application/pkcs7-signature": ("smime", ".p7s"),
    "text/plain": ("text", ".txt"),
    "text/html": ("page", ".html"),
}


def parse(raw: bytes, *, max_file: int = MAX_FILE, russian: bool = True) -> ParsedMessage:
    """Understand one mail.

    Attachments over `max_file` bytes are recorded without content. `russian` chooses the last
    resort for text whose character set nobody can tell. Raises ParseError when the bytes do not
    even begin like a mail.
    """
    raw = _prepared(raw)
    repairs: list[str] = []
    headers, parts = leaves(raw, repairs)
    # Google's AMP form of the same text is of no use to anybody here.
    parts = [part for part in parts if part.content_type != "text/x-amp-html"]
    bodies = [part for part in parts if _is_body(part)]
    text, html = _body(bodies, russian, repairs)
    shown = {id(part) for part in bodies}
    others = [(n, part) for n, part in enumerate(parts, 1) if id(part) not in shown]
    files = tuple(one for number, part in others for one in _files(part, number, max_file, repairs))
    sender = _sender(headers, repairs)
    date, trouble = parse_date(headers.get("date"))
    repairs += [trouble] if trouble else []
    repairs += [] if "message-id" in headers else ["no Message-ID"]
    return ParsedMessage(
        sender=sender,
        reply_to=_addresses(headers, "reply-to"),
        to=_addresses(headers, "to"),
        cc=_addresses(headers, "cc"),
        message_id=next(iter(message_ids(headers.raw("message-id"))), ""),
        in_reply_to=message_ids(headers.raw("in-reply-to")),
        references=message_ids(headers.raw("references")),
        date=date,
        delivered_to=_delivered_to(headers),
        return_path=_return_path(headers),
        files=files,
        repairs=tuple(dict.fromkeys(repairs)),
        headers=_kept(headers),
        **_understood(headers, parts, sender, text, html),
    )


def _understood(
    headers: Headers, parts: list[Leaf], sender: Address, text: str, html: str
) -> dict[str, Any]:
    """What the mail says and who says it: a person or a robot."""
    subject = headers.get("subject")[:998]
    kinds = frozenset(part.content_type for part in parts)
    robot, sign = recognise(headers, sender, subject, kinds=kinds, text=text)
    split = split_body(text, html)
    said, signature = split_signature(split.reply)
    person = robot is Robot.NONE
    return {
        "subject": subject,
        "text": text,
        "html": split.html,
        "reply": split.reply,
        "quoted": split.quoted,
        "html_reply": split.html_reply,
        "html_quoted": split.html_quoted,
        "said": said,
        "signature": signature,
        "robot": robot,
        "robot_sign": sign,
        "language": guess_language(split.reply) or guess_language(f"{subject}\n{text}"),
        "timezone": guess_timezone(headers.get("date")) if person else "",
        "forwarded_from": _forwarded(parts, text, subject) if person else None,
        "bounce": None
        if robot is not Robot.BOUNCE
        else delivery.read(headers, parts, text, subject),
    }


def _prepared(raw: bytes) -> bytes:
    """`raw` with usable line ends and without leading blank lines; raises ParseError if no mail."""
    start = raw[:_FIRST].lstrip(b"\xef\xbb\xbf\r\n\t \0")
    if not start:
        raise ParseError(gettext_noop("The message is empty."))
    raw = raw[len(raw[:_FIRST]) - len(start) :]
    if b"\n" not in start and b"\r" in start:
        raw = raw.replace(b"\r", b"\n")
    headers, _ = split_headers(raw[: 64 * _FIRST])
    if not any(name in _KNOWN for name, _ in headers):
        raise ParseError(gettext_noop("There are no mail headers: this is not a mail."))
    return raw


def _is_body(leaf: Leaf) -> bool:
    kind = leaf.content_type
    if kind not in {"text/plain", "text/html", "text/enriched", "text/richtext"}:
        return False
    disposition = leaf.headers.raw("content-disposition").partition(";")[0].strip().lower()
    if disposition == "attachment":
        return False
    if leaf.alone:
        return True
    if leaf.related and kind != "text/html":
        return False
    return not _file_name(leaf.headers)


def _file_name(headers: Headers) -> str:
    return parameter(headers, "content-disposition", "filename") or parameter(
        headers, "content-type", "name"
    )


def _text_of(leaf: Leaf, russian: bool, repairs: list[str]) -> str:
    """Text of a body part, at most MAX_TEXT characters of it."""
    data = decoded(leaf, repairs, MAX_ENCODED)
    limit = MAX_HTML if leaf.content_type == "text/html" else MAX_TEXT
    cut = len(leaf.body) > MAX_ENCODED
    if cut:
        # A letter cut in two would make the declared charset look wrong.
        data = data[: data.rfind(b"\n", len(data) - 10_000) + 1 or len(data) - 4]
    charset = parameter(leaf.headers, "content-type", "charset")
    if not charset and leaf.content_type == "text/html":
        found = _META_CHARSET.search(data[:4096])
        charset = found[1].decode("ascii", "replace") if found else ""
    text, repair = decode(data, charset[:60], russian=russian)
    if repair:
        repairs.append(repair)
    if cut or len(text) > limit:
        repairs.append(f"body longer than {limit} characters: the rest is only in the original")
        text = text[:limit]
    if parameter(leaf.headers, "content-type", "format").lower() == "flowed":
        delsp = parameter(leaf.headers, "content-type", "delsp").lower() == "yes"
        text = unflow(text, delsp)
    return text


def _body(bodies: list[Leaf], russian: bool, repairs: list[str]) -> tuple[str, str]:
    """Plain text and raw HTML ('' when no part is HTML) of all body parts together.

    Parts of one multipart/alternative are two forms of the same; everything else is joined in
    order (Apple Mail sends text, picture, text).
    """
    segments: dict[int, tuple[list[str], list[str]]] = {}
    for number, leaf in enumerate(bodies):
        plain, html = segments.setdefault(leaf.alternative or -number - 1, ([], []))
        target = html if leaf.content_type == "text/html" else plain
        target.append(_text_of(leaf, russian, repairs))
    any_html = any("".join(html).strip() for _, html in segments.values())
    texts, htmls = [], []
    for plain_parts, html_parts in segments.values():
        shown, markup = tidy("\n".join(plain_parts)), "\n".join(html_parts)
        texts.append(shown if shown.strip() else html_to_text(markup))
        if any_html:
            htmls.append(markup if markup.strip() else text_to_html(shown))
    whole, page = "\n\n".join(part for part in texts if part.strip()), "\n".join(htmls)
    if len(whole) > MAX_TEXT or len(page) > MAX_HTML:
        repairs.append(f"body longer than {MAX_TEXT} characters: the rest is only in the original")
    return whole[:MAX_TEXT], page[:MAX_HTML]


def _forwarded(parts: list[Leaf], text: str, subject: str) -> Address | None:
    """The original sender of a mail forwarded as text, or whole as an attachment."""
    found = forwarded_from(text, subject)
    if found or not says_forward(subject):
        return found
    original = delivery.original(parts)
    people = parse_addresses(original.raw("from"), limit=1) if original is not None else ()
    return people[0] if people else None


def _files(leaf: Leaf, number: int, max_file: int, repairs: list[str]) -> list[ParsedFile]:
    """The file of a part; those of Outlook's winmail.dat instead of it."""
    whole = _file(leaf, number, max_file, repairs)
    if whole.content is None or not (leaf.content_type in TNEF or whole.name == "winmail.dat"):
        return [whole]
    inside = tnef.read(whole.content)
    if inside is None or not inside.files:
        return [whole]
    repairs.append("files taken out of winmail.dat")
    return [
        ParsedFile(
            name=safe_filename(name, fallback=f"file-{place}.bin"),
            content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
            size=len(content),
            content=content,
        )
        for place, (name, content) in enumerate(inside.files, 1)
    ]


def _file(leaf: Leaf, number: int, max_file: int, repairs: list[str]) -> ParsedFile:
    size = encoded_size(leaf)
    content = None
    if size <= max_file:
        content = decoded(leaf, repairs)
        size = len(content)
    if size > max_file:
        content = None
        repairs.append(f"attachment {number} has {size} bytes, more than {max_file}: not kept")
    disposition = leaf.headers.raw("content-disposition").partition(";")[0].strip().lower()
    content_id = one_line(leaf.headers.raw("content-id")).strip("<> ")[:250]
    inline = disposition == "inline" or (bool(content_id) and disposition != "attachment")
    return ParsedFile(
        name=_name(leaf, number, content),
        content_type=leaf.content_type,
        size=size,
        content=content,
        inline=inline,
        content_id=content_id,
        too_large=content is None,
    )


def _name(leaf: Leaf, number: int, content: bytes | None) -> str:
    """The given name made safe; an invented one that tells the kind when there is none."""
    stem, ending = _NAMES.get(leaf.content_type, ("", ""))
    if not stem:
        stem = f"{leaf.content_type.partition('/')[0]}-{number}"
        ending = mimetypes.guess_extension(leaf.content_type) or ".bin"
    if leaf.content_type == "message/rfc822" and content:
        inner, _ = split_headers(content[: 4 * _FIRST])
        stem = inner.get("subject")[:120] or stem
        return safe_filename(_file_name(leaf.headers) or stem.replace("/", "_") + ending)
    return safe_filename(_file_name(leaf.headers), fallback=stem + ending)


def _addresses(headers: Headers, name: str) -> tuple[Address, ...]:
    found = parse_addresses(", ".join(headers.raw_all(name))[:64_000])
    return tuple(address for address in found if address.email)


def _sender(headers: Headers, repairs: list[str]) -> Address:
    """From, else Sender, Return-Path, Reply-To; the name alone when there is no address at all."""
    written = parse_addresses(headers.raw("from"), limit=20)
    for name in ("from", "sender", "return-path", "reply-to"):
        found = next((a for a in parse_addresses(headers.raw(name), limit=20) if a.email), None)
        if found:
            if name != "from":
                repairs.append(f"no address in From: taken from {name.title()}")
                return Address(found.email, written[0].name if written else found.name)
            return found
    repairs.append("no sender address")
    return Address("", written[0].name if written else "")


def _delivered_to(headers: Headers) -> tuple[str, ...]:
    values = (value for name in _DELIVERED for value in headers.raw_all(name))
    found = (address.email for value in values for address in parse_addresses(value[:2_000]))
    return tuple(dict.fromkeys(email for email in found if email))[:50]


def _return_path(headers: Headers) -> str | None:
    if "return-path" not in headers:
        return None
    return next((a.email for a in parse_addresses(headers.raw("return-path")) if a.email), "")


def _kept(headers: Headers) -> dict[str, str]:
    """Decoded headers by lower-case name, repeated ones joined by line feeds, bounded."""
    kept: dict[str, str] = {}
    for name, value in headers:
        if name in kept:
            if len(kept[name]) < 4_000:
                kept[name] += "\n" + clean(value[:2_000])
        elif len(kept) < MAX_KEPT_HEADERS:
            kept[name] = clean(value[:4_000])
    return kept
