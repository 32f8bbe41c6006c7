"""`zabota backup`: everything in one file, while the system works.

The dump is taken of one moment (an exported snapshot), and only then the attachments are listed:
bytes are stored before the row that names them, and none are removed meanwhile, so none can be
missing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

from zabota import __version__
from zabota.channels.blobs import kept
from zabota.lib import backups, clock
from zabota.ops.archive import DUMP, Manifest, write
from zabota.ops.binaries import MAJOR, bin_dir
from zabota.ops.bridge import reached
from zabota.ops.lock import Busy, FolderLock
from zabota.ops.processes import die_with_parent
from zabota.ops.scratch import scratch
from zabota.ops.words import gettext as _

KEY_FILE = Path("keys") / "secret"
COMPRESSION = "3"  # of pg_dump: nearly as small as 6 and much quicker
SPARE = 256 * 1024 * 1024  # bytes that a backup never takes


class BackupFailed(Exception):
    """No backup was made; the text is for a person at the terminal, `reason` and `values` (see
    lib/backups) for whoever reads of it later."""

    def __init__(self, reason: str, **values: object) -> None:
        self.reason = reason
        self.values = {name: str(value) for name, value in values.items()}
        super().__init__(backups.in_words(reason, self.values, _))


def make(folder: Path, *, with_key: bool = True, sort: str = "") -> Path:
    """Write a backup into the folder; its path. Raises BackupFailed with the reason; then nothing
    that looks like a backup is left. One at a time over a data folder; what killed runs left in
    the folder is cleared away."""
    lock = FolderLock(Path(settings.DATA_DIR) / "backup.lock", "zabota backup")
    try:
        lock.take()
    except Busy as busy:
        raise BackupFailed("busy", who=busy) from None
    except OSError as error:
        raise BackupFailed("other", why=error) from error
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in folder.glob(".zabota-*.tar.part"):
            part.unlink(missing_ok=True)
        with scratch(folder, ".backup-", young=0.0) as place, kept():
            return _make(folder, place, with_key, sort)
    except (OSError, psycopg.Error) as error:
        raise BackupFailed("other", why=error) from error
    finally:
        lock.release()


def _make(folder: Path, place: Path, with_key: bool, sort: str) -> Path:
    now = clock.now()
    dump = place / DUMP
    with connect() as snapshot, snapshot.transaction():
        _can_read(snapshot)
        snapshot.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        _has_room(folder, snapshot)
        row = snapshot.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        _dump(dump, str(row[0]))
        tables = fingerprints(snapshot)
        rows = snapshot.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")
        migrations = [str(name) for (name,) in rows.fetchall()]
    blobs = sorted(Path(settings.BLOB_DIR).glob("[0-9a-f][0-9a-f]/" + "[0-9a-f]" * 64))
    key = _key() if with_key else b""
    with dump.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    manifest = Manifest(
        version=__version__,
        made_at=now.isoformat(timespec="seconds"),
        migrations=migrations,
        tables=tables,
        dump_sha256=digest,
        dump_size=dump.stat().st_size,
        blobs=len(blobs),
        key_sha256=hashlib.sha256(key).hexdigest() if key else "",
    )
    target = folder / backups.name_for(sort, now)
    write(target, manifest, dump, key, blobs)
    return target


def _can_read(found: psycopg.Connection[tuple[object, ...]]) -> None:
    """pg_dump refuses servers newer than itself."""
    server = found.info.server_version // 10000
    if server > MAJOR:
        folder = Path(settings.DATA_DIR)
        raise BackupFailed(
            "newer", server=server, ours=MAJOR, blobs=settings.BLOB_DIR, keys=folder / "keys"
        )


def _has_room(folder: Path, found: psycopg.Connection[tuple[object, ...]]) -> None:
    """As much as the newest backup took, or as the database and the attachments take."""
    before = backups.listed(folder)
    if before:
        need = before[0].size
    else:
        row = found.execute("SELECT pg_database_size(current_database())").fetchone()
        need = int(str(row[0])) if row else 0
        need += sum(path.stat().st_size for path in Path(settings.BLOB_DIR).glob("??/*"))
    need += need // 10
    free = shutil.disk_usage(folder).free
    if free < need + SPARE:
        giga = 1024**3
        told = {"need": f"{need / giga:.1f}", "free": f"{free / giga:.1f}"}
        raise BackupFailed("room", folder=folder, **told)


def _key() -> bytes:
    path = Path(settings.DATA_DIR) / KEY_FILE
    return path.read_bytes() if path.is_file() else b""


def connection_values() -> dict[str, str]:
    """How psycopg and PostgreSQL's programs reach the database in use."""
    found = connection.get_connection_params()
    # Whatever DATABASE_URL says of encryption and certificates holds here too.
    known = {one.keyword.decode() for one in Conninfo.get_defaults()}
    return {key: str(value) for key, value in found.items() if key in known and value}


def connect(
    values: dict[str, str] | None = None,
) -> psycopg.Connection[tuple[object, ...]]:
    """A connection past the pool, in UTC: checksums read times as text."""
    wanted = (values or connection_values()) | {"options": "-c timezone=UTC"}
    return psycopg.connect(make_conninfo(**wanted), autocommit=True)


def _dump(target: Path, snapshot: str) -> None:
    run("pg_dump", "-Fc", "-Z", COMPRESSION, "--no-owner", "--no-privileges",
        f"--snapshot={snapshot}", "--schema=public", "-f", str(target))  # fmt: skip


@contextmanager
def invocation(
    program: str, values: dict[str, str] | None = None
) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The first words and the environment of one of PostgreSQL's programs over the database."""
    with reached(values or connection_values()) as reach:
        # The password stands in the environment: every user of the machine sees the arguments.
        secret = {"PGPASSWORD": reach.pop("password")} if "password" in reach else {}
        command = [str(bin_dir() / program), "-d", make_conninfo(**reach)]
        # What is set for a library that knows TLS is refused by one that does not.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PGSSL")}
        yield command, kept | secret


def run(program: str, *arguments: str, values: dict[str, str] | None = None) -> None:
    """Run one of PostgreSQL's programs over the database; raises BackupFailed with its words."""
    with invocation(program, values) as (command, env):
        done = subprocess.run(
            [*command, *arguments],
            env=env | {"LC_ALL": "C"},
            capture_output=True,
            check=False,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip()[-500:]
        raise BackupFailed("program", program=program, why=why)


def fingerprints(found: psycopg.Connection[tuple[object, ...]]) -> dict[str, tuple[int, str]]:
    """Rows and a checksum of every table, whatever the order of its rows."""
    rows = found.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1"
    ).fetchall()
    tables: dict[str, tuple[int, str]] = {}
    for (name,) in rows:
        question = sql.SQL(
            "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text "
            "FROM public.{} t"
        ).format(sql.Identifier(str(name)))
        count = found.execute(question).fetchone()
        assert count is not None
        tables[str(name)] = (int(str(count[0])), str(count[1]))
    return tables
