"""Data of an older major version of PostgreSQL: dumped by it, loaded into a new cluster, compared.

The former cluster is only read and then stands aside; until the new one is complete a marker says
so, and whoever starts next puts the former back. `pg_upgrade` would be quicker, but it keeps the
locale of the old cluster, and checks no row.
"""

from __future__ import annotations

import pwd
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from zabota.ops import backup, binaries
from zabota.ops.archive import sync_folder
from zabota.ops.cluster import PostgresError
from zabota.ops.words import gettext as _

if TYPE_CHECKING:
    from zabota.ops.postgres import Server

MARKER = "postgres.upgrading"
DUMP = "postgres.dump"
DATABASE = "zabota"
Tables = Mapping[str, tuple[int, str]]


def put_back(cluster: Path) -> None:
    """After an upgrade that was cut off: the former cluster takes its place again."""
    marker = cluster.with_name(MARKER)
    if not marker.exists():
        return
    former = cluster.with_name(marker.read_text().strip() or "-")
    if former.exists():
        shutil.rmtree(cluster, ignore_errors=True)
        former.rename(cluster)
    cluster.with_name(DUMP).unlink(missing_ok=True)
    marker.unlink()
    sync_folder(cluster.parent)


def fit(server: Server, programs: Path, account: pwd.struct_passwd) -> None:
    """Bring the server's cluster to our major version when it is older; the server does not run.

    Raises PostgresError where that is impossible; then the data is as before.
    """
    major = int((server.cluster / "PG_VERSION").read_text().strip())
    if major == binaries.MAJOR:
        return
    if major > binaries.MAJOR:
        raise PostgresError(
            _(
                "The database in %(folder)s was made by PostgreSQL %(found)d, newer than the "
                "%(ours)d of this Zabota. Install the Zabota that made it; nothing was changed."
            )
            % {"folder": server.cluster, "found": major, "ours": binaries.MAJOR}
        )
    install = binaries.install_of(major)
    if install is None:
        raise PostgresError(
            _(
                "The database in %(folder)s was made by PostgreSQL %(found)d; this Zabota brings "
                "%(ours)d and cannot read it. Nothing was changed. With the former Zabota run: "
                "zabota backup. Then move %(folder)s away, and with this one run: "
                "zabota restore FILE, zabota resume"
            )
            % {"folder": server.cluster, "found": major, "ours": binaries.MAJOR}
        )
    older = binaries.bin_dir_for(account.pw_uid, account.pw_gid, install)
    server.say(
        _("The database moves from PostgreSQL %(found)d to %(ours)d; large ones take minutes.")
        % {"found": major, "ours": binaries.MAJOR}
    )
    _has_room(server.cluster)
    try:
        former = _move(server, programs, older, account, major)
    except (backup.BackupFailed, psycopg.Error, OSError, PostgresError) as error:
        server.halt()
        put_back(server.cluster)
        raise PostgresError(
            _(
                "The database could not move to PostgreSQL %(ours)d: %(why)s. The former data is "
                "in its place; the former Zabota goes on with it."
            )
            % {"ours": binaries.MAJOR, "why": error}
        ) from error
    server.say(
        _("Done. The former database stays in %(folder)s; remove it when all is well.")
        % {"folder": former}
    )


def _has_room(cluster: Path) -> None:
    size = sum(path.stat().st_size for path in cluster.rglob("*") if path.is_file())
    free = shutil.disk_usage(cluster.parent).free
    # The dump is smaller than the data, and so is the new cluster.
    if free < 2 * size:
        raise PostgresError(
            _(
                "The database needs %(need).1f GB of free space to move to a newer PostgreSQL; "
                "%(folder)s has %(free).1f GB. Free some and start again; nothing was changed."
            )
            % {"need": 2 * size / 1024**3, "folder": cluster.parent, "free": free / 1024**3}
        )


def _move(
    server: Server, programs: Path, older: Path, account: pwd.struct_passwd, major: int
) -> Path:
    cluster = server.cluster
    dump, marker = cluster.with_name(DUMP), cluster.with_name(MARKER)
    former = cluster.with_name(f"{cluster.name}-{major}")
    if former.exists():
        raise PostgresError(_("%(folder)s is in the way; move it away") % {"folder": former})
    values = {"host": str(server.socket_dir), "user": "postgres", "dbname": DATABASE}
    server.run_with(older, account)
    before = _dump(dump, values)
    server.halt()

    marker.write_text(f"{former.name}\n")
    sync_folder(cluster.parent)
    cluster.rename(former)
    server.make(programs, account)
    server.run_with(programs, account)
    _load(server, dump, values, before)
    server.halt()
    dump.unlink()
    marker.unlink()
    sync_folder(cluster.parent)
    return former


def _dump(dump: Path, values: dict[str, str]) -> Tables:
    dump.unlink(missing_ok=True)
    dump.touch(mode=0o600)
    with backup.connect(values) as found:
        before = backup.fingerprints(found)
    backup.run("pg_dump", "-Fc", "-Z", "1", "-f", str(dump), values=values)
    return before


def _load(server: Server, dump: Path, values: dict[str, str], before: Tables) -> None:
    with server.connect("postgres") as found:
        found.execute(f'CREATE DATABASE "{DATABASE}"')
    backup.run("pg_restore", "--exit-on-error", "-j", "2", str(dump), values=values)
    with backup.connect(values) as found:
        if backup.fingerprints(found) != before:
            raise PostgresError(_("other rows came out than went in"))
        # A dump brings no statistics, without which every plan is a guess.
        found.execute("ANALYZE")
