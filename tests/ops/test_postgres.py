from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from zabota.lib import embedded
from zabota.ops import binaries, postgres
from zabota.ops.lock import Busy
from zabota.ops.postgres import UNSAFE, PostgresError, Server, check_server, running
from zabota.ops.processes import serves

OWNER = """
import sys, time
from pathlib import Path
from zabota.ops.postgres import UNSAFE, Server
server = Server(Path(sys.argv[1]), options=UNSAFE, purpose="the first one")
server.start()
print(server.process.pid, flush=True)
time.sleep(60)
"""
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@contextmanager
def started(data: Path) -> Iterator[Server]:
    server = Server(data, options=UNSAFE)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def owner_process(data: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-c", OWNER, str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def wait_until_gone(pid: int, cluster: Path) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not serves(pid, cluster):
            return True
        time.sleep(0.02)
    return False


def one(server: Server, query: str) -> object:
    with server.connect() as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("locale", ["C", "ru_RU.KOI8-R"])
def test_russian_letters_fold_under_any_locale(
    folder: Path, monkeypatch: pytest.MonkeyPatch, locale: str
) -> None:
    monkeypatch.setenv("LANG", locale)
    monkeypatch.setenv("LC_ALL", locale)
    with started(folder) as server:
        assert one(server, "SELECT lower('Ж')") == "ж"
        assert one(server, "SELECT to_tsvector('russian', 'Обращения')::text") == "'обращен':1"
        assert one(server, "SHOW server_encoding") == "UTF8"


def test_the_same_data_after_a_restart(folder: Path) -> None:
    with started(folder) as server, server.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with started(folder) as server:
        assert one(server, "SELECT n FROM kept") == 7


def test_pid_file_of_another_program_does_not_stop_the_start(folder: Path) -> None:
    with started(folder):
        pass
    pid_file = folder / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{folder / 'postgres'}\n")
    with started(folder) as server:
        assert one(server, "SELECT 1") == 1


def test_broken_pid_file_does_not_stop_the_start(folder: Path) -> None:
    with started(folder):
        pass
    (folder / "postgres" / "postmaster.pid").write_text("")
    with started(folder) as server:
        assert one(server, "SELECT 1") == 1


def test_killed_owner_takes_the_server_with_it(folder: Path) -> None:
    with owner_process(folder) as (owner, pid):
        assert serves(pid, folder / "postgres")
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        assert wait_until_gone(pid, folder / "postgres")
    with started(folder) as server:
        assert one(server, "SELECT 1") == 1


def test_start_right_after_the_owner_was_killed(folder: Path) -> None:
    with owner_process(folder) as (owner, pid):
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        with started(folder) as server:
            assert server.process is not None
            assert server.process.pid != pid
            assert one(server, "SELECT 1") == 1


def test_a_left_over_server_that_does_not_do_as_it_is_asked_is_cut_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = Server(folder)
    former.start()
    with former.connect() as found:
        found.execute("CREATE TABLE kept AS SELECT 1 AS one")
    assert former.process is not None
    pid, kill, sent = former.process.pid, os.kill, list[int]()

    def deaf(to: int, how: int) -> None:
        sent.append(how)
        if (to, how) != (pid, signal.SIGINT):
            kill(to, how)

    monkeypatch.setattr(os, "kill", deaf)
    monkeypatch.setattr(postgres, "LEFT_OVER_LIMIT", 0.3)
    former._lock.release()
    with running(Server(folder)):
        assert former.process.wait(10) is not None
        assert sent == [signal.SIGINT, signal.SIGQUIT]
        with former.connect() as found:
            assert found.execute("TABLE kept").fetchall() == [(1,)], "the log was replayed"


def test_killed_server_recovers(folder: Path) -> None:
    with started(folder) as server:
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        assert not server.alive()
        server.restart()
        assert one(server, "SELECT 1") == 1


def test_second_owner_is_refused_by_name(folder: Path) -> None:
    with owner_process(folder) as (owner, _pid):
        with pytest.raises(Busy, match=rf"the first one, PID {owner.pid}"):
            Server(folder, options=UNSAFE).start()
        server = Server(folder, options=UNSAFE)
        assert one(server, "SELECT 1") == 1


def test_a_command_does_not_stop_the_server_under_another(folder: Path) -> None:
    code = OWNER.replace("server.start()\n", "from zabota.ops.postgres import running\n").replace(
        "print(server.process.pid, flush=True)\ntime.sleep(60)",
        "with running(server): print(server.process.pid, flush=True); time.sleep(0.5)",
    )
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        pid = int(first.stdout.readline())
        second = Server(folder, options=UNSAFE)
        with running(second) as is_ours:
            assert not is_ours
            time.sleep(1)
            assert one(second, "SELECT 1") == 1
        assert first.wait(20) == 0
    assert not serves(pid, folder / "postgres")


def test_stop_does_not_wait_for_clients(folder: Path) -> None:
    with started(folder) as server:
        connection = server.connect()
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 20
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_long_path_gets_a_short_closed_socket_folder(folder: Path) -> None:
    data = folder / ("long" * 30)
    data.mkdir(mode=0o711)
    with started(data) as server:
        assert len(str(server.socket_dir)) < 100
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700
        assert one(server, "SELECT 1") == 1
    server.socket_dir.rmdir()


def test_socket_folder_of_a_stranger_is_refused(folder: Path) -> None:
    data = folder / ("long" * 30)
    data.mkdir(mode=0o711)
    server = Server(data, options=UNSAFE)
    server.socket_dir.symlink_to(folder)
    try:
        with pytest.raises(PostgresError, match="belongs to somebody else"):
            server.start()
    finally:
        server.socket_dir.unlink()


def test_socket_and_data_are_closed_to_others(folder: Path) -> None:
    with started(folder) as server:
        socket = server.socket_dir / ".s.PGSQL.5432"
        assert socket.stat().st_mode & 0o777 == 0o700
        assert server.cluster.stat().st_mode & 0o777 == 0o700
        assert server.cluster.stat().st_uid != 0
        assert one(server, "SHOW listen_addresses") == ""


def test_statements_and_values_stay_out_of_the_log(folder: Path) -> None:
    with started(folder) as server, server.connect() as connection:
        connection.execute("CREATE TABLE t (address text UNIQUE)")
        connection.execute("INSERT INTO t VALUES ('anna@example.org')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO t VALUES ('anna@example.org')")
    text = server.log_path.read_text()
    assert "violates unique constraint" in text
    assert "anna@example.org" not in text


def test_server_without_russian_letters_is_refused(folder: Path) -> None:
    with started(folder) as server:
        with server.connect() as connection:
            assert check_server(connection) == ""
            connection.execute(
                "CREATE DATABASE plain TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'"
            )
        with server.connect("plain") as connection:
            assert "lower('Ж')" in check_server(connection)


def test_a_damaged_database_is_left_alone(folder: Path) -> None:
    with started(folder) as server:
        version = server.cluster / "PG_VERSION"
    text = version.read_text()
    version.unlink()
    with pytest.raises(PostgresError, match="PG_VERSION"):
        server.start()
    version.write_text(text)
    with started(folder) as server:
        assert one(server, "SELECT 1") == 1


def test_server_with_another_encoding_is_refused(folder: Path) -> None:
    with started(folder) as server:
        with server.connect() as connection:
            connection.execute(
                "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' "
                "LOCALE_PROVIDER libc LOCALE 'C'"
            )
        with server.connect("latin") as connection:
            assert "LATIN1" in check_server(connection)


@root_only
def test_folder_closed_to_the_account_moves_the_cluster(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "ROOT_HOME", folder / "home")
    data = folder / "closed" / "data"
    data.mkdir(parents=True)
    (folder / "closed").chmod(0o700)
    told: list[str] = []
    server = Server(data, options=UNSAFE, say=told.append)
    server.start()
    try:
        assert embedded.ROOT_HOME in server.cluster.parents
        assert one(server, "SELECT 1") == 1
    finally:
        server.stop()
    assert len(told) == 1
    assert str(server.cluster) in told[0]
    assert (folder / "closed").stat().st_mode & 0o777 == 0o700
    (folder / "closed").chmod(0o755)
    assert embedded.cluster_dir(data) == server.cluster, "a database must not vanish by a chmod"


@root_only
def test_programs_closed_to_the_account_are_copied(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "ROOT_HOME", folder / "home")
    monkeypatch.setattr(binaries, "_runnable", lambda *arguments: False)
    with started(folder) as server:
        assert server.process is not None
        assert str(folder / "home") in str(server.process.args)
        assert one(server, "SELECT lower('Ж')") == "ж"


@root_only
def test_an_ordinary_user_needs_nothing_of_root(folder: Path) -> None:
    account = embedded.root_account()
    os.chown(folder, account.pw_uid, account.pw_gid)
    # Forked, not started anew: the interpreter itself may stand where only root may go.
    child = os.fork()
    if child == 0:
        status = 4
        try:
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            with started(folder) as server:
                status = 0 if one(server, "SELECT lower('Ж')") == "ж" else 3
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    # Root may open the same folder once, and its owner can still use it afterwards.
    with started(folder):
        pass
    assert {path.stat().st_uid for path in folder.iterdir()} <= {account.pw_uid, 0}
    assert (folder / "postgres.lock").stat().st_uid == account.pw_uid
