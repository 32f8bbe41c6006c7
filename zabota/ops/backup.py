"""`zabota backup`: everything in one file, while the system works.

The dump is taken of one moment (an exported snapshot), and only then the attachments are listed:
bytes are stored before the row that names them and never deleted, so none can be missing.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

from zabota import __version__
from zabota.lib import clock
from zabota.ops.archive import DUMP, Manifest, write
from zabota.ops.binaries import bin_dir
from zabota.ops.words import gettext as _

KEY_FILE = Path("keys") / "secret"


class BackupFailed(Exception):
    """No backup was made; the text is for a person."""


def make(folder: Path, *, with_key: bool = True) -> Path:
    """Write a backup into the folder; its path. Raises BackupFailed with the reason; then nothing
    that looks like a backup is left."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".backup-") as scratch:
            return _make(folder, Path(scratch), with_key)
    except (OSError, psycopg.Error) as error:
        raise BackupFailed(_("The backup could not be made: %(why)s") % {"why": error}) from error


def _make(folder: Path, scratch: Path, with_key: bool) -> Path:
    now = clock.now()
    dump = scratch / DUMP
    with connect() as snapshot, snapshot.transaction():
        snapshot.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
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
    target = folder / f"zabota-{now:%Y%m%d-%H%M%S}.tar"
    write(target, manifest, dump, key, blobs)
    return target


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
    run("pg_dump", "-Fc", "-Z", "3", "--no-owner", "--no-privileges", f"--snapshot={snapshot}",
        "--schema=public", "-f", str(target))  # fmt: skip


def run(program: str, *arguments: str, values: dict[str, str] | None = None) -> None:
    """Run one of PostgreSQL's programs over the database; raises BackupFailed with its words."""
    reach = dict(values or connection_values())
    # The password stands in the environment: every user of the machine sees the arguments.
    secret = {"PGPASSWORD": reach.pop("password")} if "password" in reach else {}
    done = subprocess.run(
        [str(bin_dir() / program), "-d", make_conninfo(**reach), *arguments],
        env={**os.environ, "LC_ALL": "C", **secret},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip()[-500:]
        raise BackupFailed(_("%(program)s failed: %(why)s") % {"program": program, "why": why})


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
