"""Stored files by signed, short-lived links: served in the event loop, so that slow clients hold no
thread."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from zabota.channels.blobs import path_of
from zabota.lib import signing

# Anything else could be run by a browser as a page of ours.
SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
POLICY = "sandbox; default-src 'none'"


async def download(request: Request) -> Response:
    """`/files/<token>`: the file the token names, for 60 s and for one session."""
    session_key = request.cookies.get(settings.SESSION_COOKIE_NAME, "")
    try:
        link = signing.read_file_link(request.path_params["token"], session_key)
        path = path_of(link.sha256)
    except (signing.BadLink, ValueError):
        return _missing()
    if not path.is_file():
        return _missing()
    inline = link.inline and link.content_type in SHOWN_INLINE
    return FileResponse(
        path,
        media_type=link.content_type if inline else "application/octet-stream",
        headers={
            "Content-Disposition": disposition(link.name, inline),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": POLICY,
            "Cache-Control": "private, no-store",
            "Referrer-Policy": "no-referrer",
        },
    )


def disposition(name: str, inline: bool = False) -> str:
    """Content-Disposition with the name in ASCII for old clients and in UTF-8 (RFC 5987, 6266)."""
    name = "".join(letter for letter in name if letter.isprintable() and letter not in '/\\"')
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace("%", "_") or "file"
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _missing() -> Response:
    return PlainTextResponse(
        "This link is out of date. Open the ticket again.\n"
        "Ссылка устарела. Откройте обращение ещё раз.\n",
        status_code=404,
        headers={"Cache-Control": "no-store"},
    )
