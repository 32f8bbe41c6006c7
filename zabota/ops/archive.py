"""The file of a backup: one tar with a manifest first, the database's dump, the key, attachments.

Nothing in it is believed: names are checked before anything is written, sizes and digests after.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from zabota.ops.words import gettext as _

FORMAT = 1
MANIFEST, DUMP, KEY = "manifest.json", "database.dump", "key"
BLOB = re.compile(r"blobs/([0-9a-f]{2})/(\1[0-9a-f]{62})")
CHUNK = 1024 * 1024
LARGEST_MANIFEST = 10 * CHUNK


class Damaged(Exception):
    """The file is no whole backup; the text is for a person."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. `tables`: rows and checksum of each."""

    version: str
    made_at: str
    migrations: list[str]
    tables: dict[str, tuple[int, str]]
    dump_sha256: str
    dump_size: int
    blobs: int
    key_sha256: str = ""
    format: int = FORMAT


@dataclass
class Content:
    """What was read of a backup: its manifest, and what the sink was given."""

    manifest: Manifest
    blobs: set[str] = field(default_factory=set)


def write(target: Path, manifest: Manifest, dump: Path, key: bytes, blobs: list[Path]) -> None:
    """Write the tar beside its final name, sync it, then give it the name: half a file never looks
    whole. Raises OSError, for instance when the disk is full."""
    part = target.with_name(f".{target.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode()
                _add(tar, MANIFEST, io.BytesIO(text), len(text))
                with dump.open("rb") as source:
                    _add(tar, DUMP, source, manifest.dump_size)
                if key:
                    _add(tar, KEY, io.BytesIO(key), len(key))
                for path in blobs:
                    with path.open("rb") as source:
                        name = f"blobs/{path.parent.name}/{path.name}"
                        _add(tar, name, source, path.stat().st_size)
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
        sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


def _add(tar: tarfile.TarFile, name: str, source: IO[bytes], size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    tar.addfile(entry, source)


def sync_folder(folder: Path) -> None:
    """Names in the folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


Sink = Callable[[str], IO[bytes] | None]


def read(path: Path, sink: Sink) -> Content:
    """Read the whole file and check every digest. `sink` says where to write the part of a name
    (`database.dump`, `key`, `blobs/…`), None to check it only. Raises Damaged."""
    try:
        with tarfile.open(path, mode="r:") as tar:
            return _read(tar, sink)
    except OSError as error:
        raise Damaged(_("%(file)s cannot be read: %(why)s") % {
            "file": path, "why": error,
        }) from error  # fmt: skip
    except (tarfile.TarError, EOFError) as error:
        raise Damaged(_("%(file)s is no whole backup: %(why)s") % {
            "file": path, "why": error,
        }) from error  # fmt: skip


def _read(tar: tarfile.TarFile, sink: Sink) -> Content:
    entries: Iterator[tarfile.TarInfo] = iter(tar)
    first = next(entries, None)
    if first is None or first.name != MANIFEST or first.size > LARGEST_MANIFEST:
        raise Damaged(_("This file is no backup of Zabota."))
    content = Content(_manifest(_part(tar, first).read()))
    seen: set[str] = set()
    for entry in entries:
        if not entry.isreg() or entry.name in seen or not _is_known(entry.name):
            raise Damaged(_("The backup holds something foreign: %(name)s") % {"name": entry.name})
        seen.add(entry.name)
        digest = _copy(_part(tar, entry), entry.size, sink(entry.name))
        wanted = _wanted(entry.name, content.manifest)
        if digest != wanted:
            raise Damaged(_("The backup is damaged at %(name)s.") % {"name": entry.name})
        if found := BLOB.fullmatch(entry.name):
            content.blobs.add(found[2])
    must = {DUMP} | ({KEY} if content.manifest.key_sha256 else set())
    if not must <= seen or len(content.blobs) != content.manifest.blobs:
        raise Damaged(_("The backup is cut short: parts of it are missing."))
    return content


def _part(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    part = tar.extractfile(entry)
    if part is None:
        raise Damaged(_("The backup holds something foreign: %(name)s") % {"name": entry.name})
    return part


def _is_known(name: str) -> bool:
    return name in {DUMP, KEY} or BLOB.fullmatch(name) is not None


def _wanted(name: str, manifest: Manifest) -> str:
    if found := BLOB.fullmatch(name):
        return found[2]
    return manifest.dump_sha256 if name == DUMP else manifest.key_sha256


def _copy(source: IO[bytes], size: int, target: IO[bytes] | None) -> str:
    digest, left = hashlib.sha256(), size
    try:
        while left:
            chunk = source.read(min(CHUNK, left))
            if not chunk:
                raise Damaged(_("The backup is cut short: parts of it are missing."))
            digest.update(chunk)
            left -= len(chunk)
            if target is not None:
                target.write(chunk)
    finally:
        if target is not None:
            target.close()
    return digest.hexdigest()


def _manifest(text: bytes) -> Manifest:
    try:
        data: dict[str, Any] = json.loads(text)
        if data.get("format") != FORMAT:
            raise Damaged(
                _("This backup has format %(found)s; this version reads format %(known)d.")
                % {"found": data.get("format"), "known": FORMAT}
            )
        data["tables"] = {name: (int(n), str(s)) for name, (n, s) in data["tables"].items()}
        return Manifest(**data)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Damaged(_("The backup's manifest cannot be read.")) from error
