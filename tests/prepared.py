"""Installations made once in a test run, copied for every test that is not about the first start.

The commands that make them are those of a person; xdist's processes share them, whoever asks first
makes one. A copy gets a key of its own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from zabota.lib import embedded
from zabota.ops.binaries import bin_dir
from zabota.ops.postgres import DATABASE, Server

ROOT = Path(__file__).resolve().parents[1]
OWN = ("ZABOTA_", "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "PYTEST_")
# The name's first part; the database's own files are copied by themselves.
APART = frozenset({"keys", "postgres"})
# A client's mail and an agent, made by the house's own ways.
FILL = """
import sys
from zabota.ops.command import database
with database():
    from tests import make
    make.agent()
    make.ticket("Не приходит код", files=(make.file("журнал.txt", b"x" * 100_000),))
"""


def clean_env() -> dict[str, str]:
    """The environment without this test run's own settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OWN)}


def python(env: dict[str, str], folder: Path, code: str, *words: str) -> str:
    """What `code` prints over the installation in `folder`; fails with its words."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**env, "ZABOTA_DATA": str(folder), "LANG": "C", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def migrated(folder: Path) -> None:
    """Make `folder` an installation that was started once, without anybody in it."""
    copy(source(), folder, folder)


def source() -> Path:
    """What `migrated` copies, for a process that copies it itself."""
    return _made("migrated", _migrate)


def with_a_ticket(folder: Path, *, files: Path | None = None) -> None:
    """Make `folder` an installation with one agent and one ticket, whose file has 100,000 bytes.
    `files`: a data folder of its own for everything that is not the database."""
    copy(_made("with-a-ticket", _fill), folder, files or folder)


def dump() -> Path:
    """A dump (pg_dump -Fc) of the database of `migrated`."""
    return _made("dump", _dump) / "dump"


def forget() -> None:
    """Take away what an earlier run left in the same place: its code was another."""
    shutil.rmtree(_place(), ignore_errors=True)


def copy(source: Path, folder: Path, files: Path) -> None:
    """Copy a stopped installation into a folder without one; the database's files keep their
    owner. There is no key in it: the first command makes one."""
    server = Server(folder)
    server._make_place()
    _cp([embedded.cluster_dir(source)], server.cluster.parent)
    _cp([path for path in source.iterdir() if path.name.split(".")[0] not in APART], files)


def _cp(parts: list[Path], folder: Path) -> None:
    subprocess.run(["cp", "-a", *map(str, parts), str(folder)], check=True)


def _place() -> Path:
    return Path(os.environ["ZABOTA_TEST_DATA"]) / "prepared"


def _made(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name, made unless it is there; under a lock that ends with its holder."""
    place = _place()
    place.mkdir(exist_ok=True, mode=0o711)
    whole, half = place / name, place / f"{name}.half"
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir(mode=0o711)
            make(half)
            half.rename(whole)
    return whole


def _migrate(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zabota.ops.cli", "migrate"],
        env={**clean_env(), "ZABOTA_DATA": str(folder), "LANG": "C"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "The database is up to date." in done.stderr


def _fill(folder: Path) -> None:
    migrated(folder)
    python(clean_env() | {"DJANGO_SETTINGS_MODULE": "zabota.config.settings"}, folder, FILL)


def _dump(folder: Path) -> None:
    migrated(folder)
    server = Server(folder)
    server.start()
    try:
        command = [str(bin_dir() / "pg_dump"), "-Fc", "--no-owner", "--no-privileges"]
        where = ["-h", str(server.socket_dir), "-U", "postgres", "-d", DATABASE]
        subprocess.run([*command, *where, "-f", str(folder / "dump")], check=True)
    finally:
        server.stop()
