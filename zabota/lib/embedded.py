"""Where the embedded PostgreSQL keeps its files and its socket. Pure path rules, no server here.

PostgreSQL refuses to run as root, so under root it runs as an ordinary account that must be able to
enter the folder. Folders above are never opened for it: the cluster then stands in `ROOT_HOME`.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import tempfile
from pathlib import Path

ROOT_HOME = Path("/var/lib/zabota")
ROOT_ACCOUNTS = ("zabota", "nobody")
POINTER = "postgres.location"
LONGEST_SOCKET_DIR = 85  # bytes; with "/.s.PGSQL.5432.lock" a socket path stays below 108, unix(7)


def root_account() -> pwd.struct_passwd:
    """The ordinary account that runs PostgreSQL for root; raises LookupError when there is none."""
    for name in ROOT_ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LookupError(f"no user account named {' or '.join(ROOT_ACCOUNTS)}")


def may_enter(folder: Path, uid: int, gid: int) -> bool:
    """Whether the account may pass through `folder` and all folders above it (those that exist)."""
    for step in (folder, *folder.parents):
        try:
            found = step.stat()
        except OSError:
            continue
        if found.st_uid == uid:
            bit = 0o100
        elif found.st_gid == gid:
            bit = 0o010
        else:
            bit = 0o001
        if not found.st_mode & bit:
            return False
    return True


def cluster_dir(data: Path) -> Path:
    """The cluster's folder for the data folder `data`.

    A cluster that exists is always found again: first inside `data`, then where the pointer file
    says. Only a new one is placed by who may enter which folder.
    """
    inside = data / "postgres"
    if os.path.exists(inside):
        return inside
    try:
        return Path((data / POINTER).read_text().strip())
    except OSError:
        pass
    if os.geteuid() != 0:
        return inside
    try:
        account = root_account()
    except LookupError:
        return inside
    if may_enter(data, account.pw_uid, account.pw_gid):
        return inside
    return ROOT_HOME / _digest(data) / "postgres"


def cluster_uid(cluster: Path) -> int:
    """The user id that runs the server: the owner of an existing cluster, else the chosen one."""
    try:
        return cluster.stat().st_uid
    except OSError:
        pass
    if os.geteuid() != 0:
        return os.geteuid()
    try:
        return root_account().pw_uid
    except LookupError:
        return os.geteuid()


def socket_dir(cluster: Path) -> Path:
    """Folder of the server's socket: the cluster itself, or one in /tmp where that is too long."""
    if len(os.fsencode(cluster)) <= LONGEST_SOCKET_DIR:
        return cluster
    name = f"zabota-{cluster_uid(cluster)}-{_digest(cluster)}"
    return Path(tempfile.gettempdir()) / name


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
