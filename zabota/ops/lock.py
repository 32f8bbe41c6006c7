"""A folder's lock: held by one process, gone with it, naming its holder to the next who comes."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from zabota.ops.words import gettext as _


class Busy(Exception):
    """Another process holds the lock; the text says which."""


class FolderLock:
    """An flock(2) on `path`. `purpose` is what the holder does, for the message of the next one."""

    def __init__(self, path: Path, purpose: str) -> None:
        self.path = path
        self.purpose = purpose
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock at once or raise Busy; OSError when the folder cannot be written."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise Busy(holder or _("another process")) from None
        if os.geteuid() == 0:
            # Root may run once over somebody's folder: the owner must be able to lock it again.
            folder = self.path.parent.stat()
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{self.purpose}, PID {os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; does nothing when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
