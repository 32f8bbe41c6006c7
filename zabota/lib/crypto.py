"""Secrets that lie in the database (mailbox passwords, TOTP keys), sealed with a key outside it."""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class WrongKey(Exception):
    """A stored secret was encrypted with another secret key."""


@lru_cache(maxsize=4)
def _box(key: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"zabota stored secrets 1").derive(
        key.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))


def encrypt(text: str) -> str:
    """The text, readable again only with this installation's secret key."""
    return _box(settings.SECRET_KEY).encrypt(text.encode()).decode("ascii")


def decrypt(sealed: str) -> str:
    """The text that `encrypt` sealed; raises WrongKey after the secret key was lost or changed."""
    try:
        return _box(settings.SECRET_KEY).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise WrongKey(
            "A stored secret cannot be read: the secret key is not the one it was stored with. "
            "Restore keys/secret in the data folder (or ZABOTA_SECRET_KEY), or enter it anew."
        ) from None
