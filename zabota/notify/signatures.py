"""How a program knows that a call is ours: the convention of Standard Webhooks
(standardwebhooks.com, version 1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

START = "whsec_"


def new_secret() -> str:
    """A secret of 256 bits as programs write it."""
    return START + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def headers(name: str, at: datetime, body: bytes, keys: Iterable[str]) -> dict[str, str]:
    """The three headers; each of the secrets `keys` signs."""
    stamp = str(int(at.timestamp()))
    signed = " ".join(_signed(name, stamp, body, key) for key in keys)
    return {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": signed}


def _signed(name: str, stamp: str, body: bytes, key: str) -> str:
    content = b".".join((name.encode(), stamp.encode(), body))
    digest = hmac.new(base64.b64decode(key.removeprefix(START)), content, hashlib.sha256)
    return "v1," + base64.b64encode(digest.digest()).decode("ascii")
