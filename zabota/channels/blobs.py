"""Bytes kept once by SHA-256 below the data folder: raw messages and attachments."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from django.conf import settings

# No lock can be had: NFS without its lock service, a store that may only be read, or none yet.
_NO_LOCKS = {
    errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM, errno.EROFS,
    errno.ENOENT,
}  # fmt: skip


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
        with kept():
            os.replace(temporary, target)
        _sync_folder(target.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return digest.hexdigest(), size


def get(sha256: str) -> bytes:
    """The bytes with this hash; raises FileNotFoundError when they are gone."""
    return path_of(sha256).read_bytes()


@contextmanager
def kept() -> Iterator[None]:
    """Nothing is removed meanwhile, on any host that shares the store."""
    try:
        descriptor = _locked(fcntl.LOCK_SH)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        # Where nobody can lock, nobody removes.
        yield
        return
    try:
        yield
    finally:
        os.close(descriptor)


def remove(sha256: str, *, stored_before: datetime) -> bool:
    """Remove the bytes; True when they are gone. False when they were stored (again) later than
    `stored_before`, when somebody holds `kept`, and where the file system has no locks.

    That nothing names them is for the caller to know. Raises OSError when the disk refuses.
    """
    target = path_of(sha256)
    if not target.exists():
        return True
    try:
        descriptor = _locked(fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if isinstance(error, BlockingIOError) or error.errno in _NO_LOCKS:
            return False
        raise
    try:
        # `put` gives what it stores a new time, though the same bytes were there.
        if target.stat().st_mtime >= stored_before.timestamp():
            return False
        target.unlink()
    except FileNotFoundError:
        return True
    finally:
        os.close(descriptor)
    return True


def _locked(how: int) -> int:
    """The open lock file; closing it lets go."""
    root = Path(settings.BLOB_DIR)
    descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.geteuid() == 0:
            # A command of root must not lock out the service.
            owner = root.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
