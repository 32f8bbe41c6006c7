"""Backup, restore and psql over a PostgreSQL of one's own: an older one, and one that is reached
by TLS only (the programs of the wheel are built without it)."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prepared
from tests.certificates import Authority
from tests.ops.external import TlsDoor, server
from tests.ops.test_backup import COUNT, saved
from tests.ops.test_cli import zabota
from tests.prepared import FILL, python
from zabota.ops import bridge
from zabota.ops.binaries import bin_dir

Env = dict[str, str]
SESSION = """
from zabota.ops.command import database
with database(migrated=False):
    from django.db import connection
    names = ["timezone", "jit", "tcp_keepalives_idle", "tcp_keepalives_interval",
             "tcp_keepalives_count", "tcp_user_timeout", "lock_timeout"]
    with connection.cursor() as cursor:
        told = [cursor.execute(f"SHOW {name}").fetchone()[0] for name in names]
    print(*told, connection.get_connection_params()["connect_timeout"])
"""


@pytest.fixture
def env(clean_env: Env) -> Env:
    return clean_env | {"DJANGO_SETTINGS_MODULE": "zabota.config.settings"}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def door(folder: Path, authority: Authority) -> Iterator[TlsDoor]:
    with server(folder) as url, TlsDoor(port_of(url), authority.sign("localhost").context()) as one:
        yield one


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def test_data_moves_from_the_embedded_database_to_an_older_one_of_ones_own(
    env: Env, folder: Path
) -> None:
    """As the how-to says: the same folder, backed up without DATABASE_URL, restored with it."""
    data = folder / "data"
    prepared.with_a_ticket(data)
    path = saved(env, data)
    with server(folder, major=16) as url:
        own = env | {"DATABASE_URL": url}
        status, text = zabota(own, data, "restore", str(path))
        assert (status, "zabota resume" in text) == (0, True), text
        assert python(own, data, COUNT) == "1 100000 True"
        assert zabota(own, data, "resume")[0] == 0
        again = saved(own, data)
        status, text = zabota(own, data, "verify-backup", str(again))
        assert status == 0, text
        # What it refuses is said in its words, and nothing was changed.
        bad = url.replace("zabota:PASSWORD", "zabota:WRONG")
        status, text = zabota(own | {"DATABASE_URL": bad}, data, "restore", str(again), "--replace")
        assert (status, "password authentication failed" in text) == (1, True), text
        assert python(own, data, COUNT) == "1 100000 False"


@pytest.mark.parametrize("major", [16, 18])
def test_a_server_that_wants_tls_is_backed_up_and_restored(
    env: Env, folder: Path, authority: Authority, major: int
) -> None:
    data, signed = folder / "data", authority.sign("localhost")
    with server(folder, major=major) as url, TlsDoor(port_of(url), signed.context()) as door:
        url = f"postgresql://zabota:PASSWORD@localhost:{door.port}/zabota?sslmode=verify-full"
        own = env | {"DATABASE_URL": f"{url}&sslrootcert={authority.file}&channel_binding=disable"}
        python(own, data, FILL)
        path = saved(own, data)
        status, text = zabota(own, data, "verify-backup", str(path))
        assert status == 0, text
        python(own, data, FILL)
        status, text = zabota(own, data, "restore", str(path), "--replace")
        assert status == 0, text
        assert python(own, data, COUNT) == "1 100000 True"
        status, text = zabota(
            own, data, "psql", "-Atc", "SELECT 'tickets', count(*) FROM tickets_ticket"
        )
        assert (status, text.strip()) == (0, "tickets|1")
        assert door.turned_away == 0
        assert door.let_in > 10


def test_sessions_end_soon_after_their_host_and_keep_what_the_url_says(
    env: Env, folder: Path
) -> None:
    with server(folder) as url:
        own = env | {"DATABASE_URL": f"{url}?connect_timeout=3&options=-c%20lock_timeout%3D7s"}
        told = python(own, folder / "data", SESSION)
    assert told == "UTC off 8 4 3 20000 7s 3"


def test_psql_hides_the_password_from_the_list_of_processes(env: Env, folder: Path) -> None:
    with server(folder) as url:
        own = env | {"DATABASE_URL": url}
        asked = r"\! tr '\\0' ' ' < /proc/$PPID/cmdline"
        status, text = zabota(own, folder / "data", "psql", "-c", asked)
    assert (status, "dbname=zabota" in text) == (0, True), text
    assert "PASSWORD" not in text


def test_the_bridge_lets_nobody_pass_to_a_server_that_shows_a_foreign_certificate(
    door: TlsDoor, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "Stranger")
    known = {"sslmode": "verify-full", "sslrootcert": str(stranger.file)}
    assert "certificate verify failed" in told_by(door, known)
    assert door.let_in == 0
    # Nobody asked for a check.
    assert told_by(door, {"sslmode": "require"}) == "1"


def told_by(door: TlsDoor, known: dict[str, str]) -> str:
    """What psql says over the bridge."""
    folder = Path(os.path.realpath("/tmp")) / f"zabota-bridge-{os.getpid()}-{len(known)}"
    folder.mkdir(mode=0o700)
    socket = folder / bridge.SOCKET
    try:
        at = ("127.0.0.1", door.port)
        with bridge._Bridge(socket, at, "localhost", bridge.context_for(known)):
            done = subprocess.run(
                [str(bin_dir() / "psql"), "-h", str(folder), "-U", "zabota", "-Atc", "SELECT 1"],
                env=os.environ | {"PGPASSWORD": "PASSWORD"},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        return (done.stdout + done.stderr).strip()
    finally:
        socket.unlink(missing_ok=True)
        folder.rmdir()


@pytest.mark.parametrize(
    ("known", "is_checked", "names_too"),
    [
        ({"sslmode": "require"}, False, False),
        ({"sslmode": "require", "sslrootcert": "ROOT"}, True, False),
        ({"sslmode": "verify-ca", "sslrootcert": "ROOT"}, True, False),
        ({"sslmode": "verify-full", "sslrootcert": "ROOT"}, True, True),
        ({"sslmode": "verify-full", "sslrootcert": "system"}, True, True),
    ],
)
def test_the_bridge_checks_what_libpq_would(
    known: dict[str, str], is_checked: bool, names_too: bool, authority: Authority,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", str(tmp_path))
    root = known.get("sslrootcert", "").replace("ROOT", str(authority.file))
    made = bridge.context_for(known | {"sslrootcert": root})
    assert (made.verify_mode == ssl.CERT_REQUIRED, made.check_hostname) == (is_checked, names_too)
    # In libpq's own place the root certificate makes `require` check as well.
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crt").write_bytes(authority.file.read_bytes())
    found = bridge.context_for({"sslmode": known["sslmode"]})
    assert found.verify_mode == ssl.CERT_REQUIRED
