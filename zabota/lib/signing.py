"""Short-lived links to stored files. A page makes one after its permission check; the file server
believes it without asking the database."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from django.conf import settings
from django.core import signing

SALT = "zabota.files"
LIFE_SECONDS = 60


class BadLink(Exception):
    """The link is forged, too old, or belongs to another session."""


@dataclass(frozen=True)
class FileLink:
    """What a link names: a stored file and how to hand it out."""

    sha256: str
    name: str
    content_type: str
    inline: bool


def file_link(
    sha256: str, name: str, content_type: str, inline: bool = False, session_key: str = ""
) -> str:
    """A path that serves the file for 60 s, only to the browser session `session_key`.

    Without a session key anybody who has the link may use it: only for pictures inside the
    sandboxed frame of a mail, whose requests carry no cookies.
    """
    content = [sha256, name, content_type, inline, _digest(session_key)]
    return f"/files/{signing.dumps(content, salt=SALT, compress=True)}"


def read_file_link(token: str, session_key: str) -> FileLink:
    """What the token names; raises BadLink."""
    try:
        content = signing.loads(token, salt=SALT, max_age=LIFE_SECONDS)
    except signing.BadSignature:
        raise BadLink from None
    sha256, name, content_type, inline, session = content
    if session and session != _digest(session_key):
        raise BadLink
    return FileLink(sha256, name, content_type, inline)


def _digest(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()[:32] if session_key else ""


_MARK = re.compile(r"/key\.([0-9a-f]{32})/")


def page_token(key: str) -> str:
    """The token (256 bits, 43 letters) of the client's page whose link has this key."""
    secret = hashlib.sha256(f"client pages:{settings.SECRET_KEY}".encode()).digest()
    digest = hmac.new(secret, key.encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def page_mark(key: str) -> str:
    """What stands for the token of a link in a mail that lies in the database."""
    return f"key.{key}"


def with_tokens(text: str) -> str:
    """The text of a mail with the tokens of its links in the places of their marks."""
    return _MARK.sub(lambda found: f"/{page_token(found[1])}/", text)
