"""Static files: names carry a hash of their contents, so browsers keep them for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.management import call_command

STAMP = "published.txt"


class HashedStatic(ManifestStaticFilesStorage):
    """Hashed names in CSS and in ES module imports; plain names before anything was published."""

    support_js_module_import_aggregation = True
    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """The hashed name; the plain one while the file is not published (tests, style guide)."""
        known = self.hashed_files.get(self.hash_key(self.clean_name(name)))
        if known is not None:
            return str(known)
        if finders.find(name) is None:
            raise ValueError(f"There is no static file {name!r}")
        return name


def _sources() -> str:
    """A fingerprint of all source files: names, sizes and times of change."""
    digest = hashlib.sha256()
    for finder in finders.get_finders():
        for name, storage in finder.list([]):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name}:{stat.st_size}:{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def publish() -> bool:
    """Fill STATIC_ROOT when the sources have changed since the last time; True when it did.

    Call it before the web process starts: names are read from the manifest once per process.
    """
    root = Path(settings.STATIC_ROOT)
    stamp = root / STAMP
    fingerprint = _sources()
    if stamp.is_file() and stamp.read_text() == fingerprint:
        return False
    call_command("collectstatic", interactive=False, clear=root.is_dir(), verbosity=0)
    stamp.write_text(fingerprint)
    return True
