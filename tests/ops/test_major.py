"""Data of an older PostgreSQL, and what is said where it cannot be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prepared
from tests.ops.test_backup import COUNT, saved
from tests.ops.test_cli import zabota
from tests.prepared import FILL, python
from zabota.lib import embedded
from zabota.ops import binaries
from zabota.ops.cluster import CLEAN_ENV, identity
from zabota.ops.postgres import DATABASE, Server

Env = dict[str, str]
OLDER = 16
# What happens to a move that is killed, and to one whose rows do not come out as they went in.
KILLED = """
import os, signal
from pathlib import Path
from zabota.ops import major
from zabota.ops.postgres import Server
load = major._load
def die(*given):
    load(*given)
    os.kill(os.getpid(), signal.SIGKILL)
major._load = die
Server(Path(os.environ["ZABOTA_DATA"])).start()
"""
UNLIKE = """
import os
from pathlib import Path
from zabota.ops import major
from zabota.ops.postgres import Server
load = major._load
major._load = lambda server, dump, values, before: load(server, dump, values, {})
try:
    Server(Path(os.environ["ZABOTA_DATA"])).start()
except Exception as error:
    print(error)
"""


@pytest.fixture
def env(clean_env: Env) -> Env:
    return clean_env | {"DJANGO_SETTINGS_MODULE": "zabota.config.settings"}


@pytest.fixture
def older(env: Env, folder: Path) -> Iterator[Path]:
    """A data folder with a ticket in it, made by PostgreSQL 16."""
    install = binaries.install_of(OLDER)
    assert install is not None, "the wheel brings an older version, too"
    server = Server(folder, purpose="older")
    server._make_place()
    account = server._account()
    programs = binaries.bin_dir_for(account.pw_uid, account.pw_gid, install)
    server.cluster.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(server.cluster, account.pw_uid, account.pw_gid)
    command = [str(programs / "initdb"), "-D", str(server.cluster), "-U", "postgres"]
    command += ["-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run(
        command, **identity(account), env=CLEAN_ENV, cwd="/", check=True, capture_output=True
    )
    server.run_with(programs, account)
    try:
        with server.connect("postgres") as found:
            found.execute(f'CREATE DATABASE "{DATABASE}"')
        url = f"postgresql://postgres@/{DATABASE}?host={server.socket_dir}"
        python(env | {"DATABASE_URL": url}, folder, FILL)
    finally:
        server.halt()
    yield server.cluster
    shutil.rmtree(server.cluster.with_name("postgres-16"), ignore_errors=True)


def version(cluster: Path) -> str:
    return (cluster / "PG_VERSION").read_text().strip()


def test_our_programs_are_of_the_version_we_say() -> None:
    assert binaries.install_of(binaries.MAJOR) == binaries.INSTALL
    assert binaries.install_of(9) is None


def test_older_data_moves_by_itself(env: Env, folder: Path, older: Path) -> None:
    assert version(older) == "16"
    # Killed when everything is loaded: it is not believed, the former data is.
    done = subprocess.run(
        [sys.executable, "-c", KILLED], env={**env, "ZABOTA_DATA": str(folder)}, timeout=120
    )
    assert done.returncode == -9
    assert version(older.with_name("postgres-16")) == "16"

    told = python(env, folder, UNLIKE)
    assert "other rows came out" in told
    assert version(older) == "16"
    assert not older.with_name("postgres-16").exists()

    assert python(env, folder, COUNT) == "1 100000 False"
    assert version(older) == str(binaries.MAJOR)
    assert version(older.with_name("postgres-16")) == "16"
    left = {path.name for path in older.parent.iterdir()}
    assert not left & {"postgres.upgrading", "postgres.dump", "postgres.new"}
    # A second start finds nothing to do.
    assert python(env, folder, COUNT) == "1 100000 False"


@pytest.fixture
def other(folder: Path) -> Iterator[Path]:
    path = folder.with_name(folder.name + "-b")
    yield path
    shutil.rmtree(embedded.socket_dir(embedded.cluster_dir(path)), ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)


def test_where_the_older_programs_are_missing_the_way_is_named_and_works(
    env: Env, folder: Path, other: Path
) -> None:
    prepared.with_a_ticket(folder)
    backup = saved(env, folder)
    cluster = Server(folder).cluster
    (cluster / "PG_VERSION").write_text("15\n")
    status, text = zabota(env, folder, "doctor")
    assert status == 1
    for word in ("made by PostgreSQL 15", "zabota backup", "zabota restore", str(cluster)):
        assert word in text
    assert version(cluster) == "15"
    # As it says.
    shutil.move(cluster, other)
    status, text = zabota(env, folder, "restore", str(backup))
    assert status == 0, text
    status, text = zabota(env, folder, "resume")
    assert status == 0, text
    assert python(env, folder, COUNT) == "1 100000 False"


def test_newer_data_is_left_alone(env: Env, folder: Path) -> None:
    prepared.migrated(folder)
    cluster = Server(folder).cluster
    (cluster / "PG_VERSION").write_text("19\n")
    status, text = zabota(env, folder, "doctor")
    assert (status, "newer than" in text) == (1, True), text
    assert version(cluster) == "19"
