"""Folders for work in progress that a killed process leaves behind and the next one clears away."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zabota.lib import clock

YOUNG = 60.0  # seconds; one that was made a moment ago may not be locked yet


@contextmanager
def scratch(
    folder: Path, prefix: str, *, mode: int = 0o700, young: float = YOUNG
) -> Iterator[Path]:
    """A folder below `folder`, locked while it is used and gone afterwards; those whose process
    was killed go first. `young` is 0 where only one process at a time comes here."""
    clear(folder, prefix, young)
    place = Path(tempfile.mkdtemp(dir=folder, prefix=prefix))
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        place.chmod(mode)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(descriptor)


def clear(folder: Path, prefix: str, young: float = 0.0) -> None:
    """Remove folders of this prefix that nobody holds."""
    for place in folder.glob(f"{prefix}*"):
        with suppress(OSError):
            if clock.now().timestamp() - place.lstat().st_mtime < young or place.is_symlink():
                continue
            descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(place, ignore_errors=True)
            finally:
                os.close(descriptor)
