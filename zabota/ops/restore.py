"""`zabota restore` and `zabota verify-backup`: a backup is read whole before anything is changed.

The former tables stand aside in a schema of their own until the new ones are complete; a marker in
the data folder keeps `zabota up` away from a restore that was cut off.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

import psycopg
from django.conf import settings
from django.db import connections

from zabota.ops import backup
from zabota.ops.archive import BLOB, DUMP, KEY, Content, Damaged, read, sync_folder
from zabota.ops.filling import fill
from zabota.ops.postgres import DATABASE, Server
from zabota.ops.scratch import scratch
from zabota.ops.words import gettext as _

ASIDE = "zabota_before_restore"
MARKER = "restoring"

# What a backup names by its SHA-256.
_NAMED = """
SELECT sha256 FROM tickets_attachment WHERE sha256 <> ''
UNION SELECT sha256 FROM channels_rawmessage WHERE sha256 <> ''
"""


class RestoreFailed(Exception):
    """Nothing was restored; the text is for a person."""


def restore(path: Path, *, replace: bool) -> Content:
    """Put a backup in the place of this installation's data; the caller has the database to
    himself. Raises RestoreFailed or Damaged, or what the disk and the database refuse; whatever it
    is, the former data is in its place again.

    The copy stands still: it neither fetches nor sends until an administrator says so.
    """
    with scratch(Path(settings.DATA_DIR), ".restore-", young=0.0) as place:
        content = read(path, partial(_kept, place))
        _fits(content)
        with backup.connect() as found:
            _be_alone(found)
            _finish_former(found)
            if not replace and _has_data(found):
                raise RestoreFailed(
                    _("There is data here already. To put the backup in its place: --replace")
                )
            # Files are named by what they hold: more of them change nothing.
            _take_blobs(place)
            _mark(True)
            _swap(found, place, content)
            found.execute(f"DROP SCHEMA {ASIDE} CASCADE")
        _mark(False)
    return content


def verify(path: Path, say: Callable[[str], None]) -> Content:
    """Read the backup, restore it into a throw-away database and compare rows, checksums and
    attachments. Raises Damaged or RestoreFailed."""
    # The embedded server may run as another account than this process.
    with scratch(Path(tempfile.gettempdir()), "zabota-verify-", mode=0o711) as place:
        dump = place / DUMP
        content = read(path, lambda name: dump.open("wb") if name == DUMP else None)
        say(_("The file is whole: every part has its checksum."))
        server = Server(place / "data", options={"fsync": "off"}, purpose="verify-backup")
        server.start()
        try:
            values = {"host": str(server.socket_dir), "user": "postgres", "dbname": DATABASE}
            _load(dump, values)
            with backup.connect(values) as found:
                _compare(content, found)
                named = {str(sha) for (sha,) in found.execute(_NAMED).fetchall()}
        finally:
            server.stop()
        if lost := named - content.blobs:
            raise Damaged(
                _("Files that the database names and the backup lacks: %(count)d")
                % {"count": len(lost)}
            )
    return content


def interrupted(data: Path) -> bool:
    """Whether a restore was cut off here: nothing may start over half of it."""
    return (data / MARKER).exists()


def _kept(place: Path, name: str) -> IO[bytes] | None:
    found = BLOB.fullmatch(name)
    if found is None:
        return (place / name).open("wb")
    # What is here already needs no second copy; its digest is checked all the same.
    if (Path(settings.BLOB_DIR) / found[1] / found[2]).exists():
        return None
    (place / "blobs" / found[1]).mkdir(parents=True, exist_ok=True)
    return (place / name).open("wb")


def _fits(content: Content) -> None:
    from zabota.ops.prepare import known_migrations

    newer = sorted(set(content.manifest.migrations) - known_migrations())
    if newer:
        raise RestoreFailed(
            _(
                "The backup was made by a newer Zabota (%(version)s): this one does not know "
                "%(last)s. Install that version first; nothing was changed."
            )
            % {"version": content.manifest.version, "last": newer[-1]}
        )


def _be_alone(found: psycopg.Connection[tuple[object, ...]]) -> None:
    row = found.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    ).fetchone()
    if row and row[0]:
        raise RestoreFailed(_("The database is in use. Stop Zabota on all machines first."))


def _has_data(found: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = found.execute(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind = 'r' LIMIT 1"
    ).fetchone()
    return row is not None


def _finish_former(found: psycopg.Connection[tuple[object, ...]]) -> None:
    """A restore that was cut off left the former tables aside: they are the data of this place."""
    row = found.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [ASIDE]).fetchone()
    if row is not None:
        _put_back(found)


def _swap(found: psycopg.Connection[tuple[object, ...]], place: Path, content: Content) -> None:
    """The backup's tables, brought to this version and silent, and its key last of all."""
    found.execute(f"ALTER SCHEMA public RENAME TO {ASIDE}")
    try:
        found.execute("CREATE SCHEMA public")
        _load(place / DUMP, backup.connection_values())
        _compare(content, found)
        _stand_still(content)
        _take_key(place)
    except BaseException:
        connections.close_all()
        _put_back(found)
        _mark(False)
        raise


def _put_back(found: psycopg.Connection[tuple[object, ...]]) -> None:
    with found.transaction():
        found.execute("DROP SCHEMA IF EXISTS public CASCADE")
        found.execute(f"ALTER SCHEMA {ASIDE} RENAME TO public")


def _load(dump: Path, values: dict[str, str]) -> None:
    try:
        fill(dump, values)
    except backup.BackupFailed as error:
        raise RestoreFailed(str(error)) from error


def _compare(content: Content, found: psycopg.Connection[tuple[object, ...]]) -> None:
    is_here = backup.fingerprints(found)
    wrong = sorted(
        name
        for name in content.manifest.tables.keys() | is_here.keys()
        if content.manifest.tables.get(name) != is_here.get(name)
    )
    if wrong:
        raise Damaged(
            _("Other rows came out than went in, in: %(tables)s") % {"tables": ", ".join(wrong)}
        )


def _take_blobs(place: Path) -> None:
    folders = set()
    for path in (place / "blobs").glob("*/*"):
        target = Path(settings.BLOB_DIR) / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.replace(target)
        folders.add(target.parent)
    for folder in folders:
        sync_folder(folder)


def _take_key(place: Path) -> None:
    """The backup's key; another one that was here is kept beside it."""
    fresh, target = place / KEY, Path(settings.DATA_DIR) / backup.KEY_FILE
    if not fresh.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh.chmod(0o600)
    if target.exists() and target.read_bytes() != fresh.read_bytes():
        # A second name first: at no moment is there no key.
        aside = target.with_name("secret.before-restore")
        aside.unlink(missing_ok=True)
        os.link(target, aside)
    fresh.replace(target)


def _stand_still(content: Content) -> None:
    from zabota.channels import standstill
    from zabota.events.actor import system
    from zabota.ops.prepare import migrate

    # The file itself is the backup of what is changed here.
    migrate(save=False)
    standstill.begin(content.manifest.made_at, by=system("restore"))


def _mark(is_on: bool) -> None:
    marker = Path(settings.DATA_DIR) / MARKER
    if is_on:
        marker.touch()
    else:
        with suppress(FileNotFoundError):
            marker.unlink()
    sync_folder(marker.parent)
