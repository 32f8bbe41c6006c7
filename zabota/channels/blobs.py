"""Bytes kept once by SHA-256 below the data folder: raw messages and attachments."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings


def path_of(sha256: str) -> Path:
    """Where the bytes with this hash lie; raises ValueError for anything that is no SHA-256."""
    if len(sha256) != 64 or not all(letter in "0123456789abcdef" for letter in sha256):
        raise ValueError("not a SHA-256")
    return Path(settings.BLOB_DIR) / sha256[:2] / sha256


def put(chunks: Iterable[bytes]) -> tuple[str, int]:
    """Store bytes durably (file and folder synced); returns (sha256, size in bytes).

    Raises OSError when the disk is full; then nothing is left behind.
    """
    root = Path(settings.BLOB_DIR)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    descriptor, temporary = tempfile.mkstemp(dir=root, prefix="new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        target = path_of(digest.hexdigest())
        target.parent.mkdir(exist_ok=True, mode=0o700)
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return digest.hexdigest(), size


def get(sha256: str) -> bytes:
    """The bytes with this hash; raises FileNotFoundError when they are gone."""
    return path_of(sha256).read_bytes()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
