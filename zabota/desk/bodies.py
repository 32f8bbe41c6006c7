"""Bodies of mail: which are worth the sandboxed frame, and the document inside it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.http import HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from zabota.lib import html
from zabota.tickets.models import Direction, Message
from zabota.tickets.reading import Said

# Mail programs wrap plain words in these; a mail of nothing else reads better as text.
_PLAIN = re.compile(r"<(?!/?(?:p|br|div|span|font|html|body|o:p|wbr)\b)[a-zA-Z]", re.IGNORECASE)
# No scripts at all. The frame keeps its origin so that its height can be measured, and cookies so
# that its pictures pass the access policy.
SANDBOX = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"


def needs_frame(message: Message | Said) -> bool:
    """Only mail from outside with pictures, tables, links or lists."""
    return message.direction == Direction.IN and _PLAIN.search(message.html) is not None


def picture_addresses(message: Message) -> dict[str, str]:
    """Addresses of the mail's own pictures by Content-ID."""
    return {
        file.content_id: reverse("desk:file", args=[message.ticket_id, file.pk]) + "?show=1"
        for file in message.attachments.exclude(content_id="")
    }


def document(message: Message, pictures: Mapping[str, str], remote: bool) -> str:
    """The whole document for the frame: a light sheet, the mail's own pictures, remote ones only
    when `remote`."""
    body = html.resolve_cids(message.html, pictures)
    if remote:
        body = html.allow_remote(body)
    return format_html(
        '<!doctype html><html lang="{}"><head><meta charset="utf-8">'
        '<meta name="referrer" content="no-referrer"><base target="_blank">'
        '<link rel="stylesheet" href="{}"></head><body><div>{}</div></body></html>',
        message.language or message.ticket.language,
        static("css/mail.css"),
        mark_safe(body),  # noqa: S308 (cleaned by lib.html when the mail was taken in)
    )


def response(text: str, remote: bool) -> HttpResponse:
    """The document with its own content policy."""
    pictures = "'self' data: https: http:" if remote else "'self' data:"
    answer = HttpResponse(text)
    answer.headers["Content-Security-Policy"] = (
        f"{SANDBOX}; default-src 'none'; img-src {pictures}; style-src 'self' 'unsafe-inline'; "
        "base-uri 'self'; form-action 'none'; frame-ancestors 'self'"
    )
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
