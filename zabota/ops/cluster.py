"""A cluster's folder: made whole or not at all, by the account that will run it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import TypedDict

from zabota.ops.words import gettext as _

CLEAN_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class PostgresError(Exception):
    """The embedded server cannot run; the text is for a person."""


class Identity(TypedDict, total=False):
    """Who a child process is; nothing when it is the present user."""

    user: int
    group: int
    extra_groups: list[int]


def identity(account: pwd.struct_passwd) -> Identity:
    """The account as arguments of `subprocess`."""
    if os.geteuid() != 0:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def make_cluster(
    cluster: Path, programs: Path, account: pwd.struct_passwd, *, sync: bool = True
) -> None:
    """Make the cluster aside and move it into place whole; the locale never follows LANG."""
    if cluster.is_dir() and any(cluster.iterdir()):
        raise PostgresError(
            _(
                "The database in %(folder)s is damaged: its file PG_VERSION is missing. "
                "Nothing was changed. Restore the folder from a backup, or move it away to "
                "begin anew."
            )
            % {"folder": cluster}
        )
    fresh = cluster.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(fresh, account.pw_uid, account.pw_gid)
    command = [str(programs / "initdb"), "-D", str(fresh), "-U", "postgres", "-A", "trust"]
    command += ["-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--locale=C"]
    if not sync:
        command.append("--no-sync")
    made = subprocess.run(
        command, **identity(account), env=CLEAN_ENV, cwd="/", capture_output=True, check=False
    )
    if made.returncode:
        raise PostgresError(
            _("The database could not be made in %(folder)s: %(why)s")
            % {
                "folder": cluster.parent,
                "why": made.stderr.decode(errors="replace").strip()[-500:],
            }
        )
    fresh.rename(cluster)
