from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import prepared
from zabota.ops.lock import FolderLock
from zabota.ops.postgres import Server
from zabota.ops.progress import Progress
from zabota.ops.up import another_port


def zabota(env: dict[str, str], folder: Path, *words: str, **more: str) -> tuple[int, str]:
    """Exit status and everything printed by a command over `folder`."""
    done = subprocess.run(
        [sys.executable, "-m", "zabota.ops.cli", *words],
        env={**env, "ZABOTA_DATA": str(folder), "LANG": "C", **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    output = done.stdout + done.stderr
    assert "Traceback" not in output, output
    assert "error connecting" not in output, "its pool outlived the server"
    return done.returncode, output


def test_help_names_every_command_for_people(clean_env: dict[str, str], folder: Path) -> None:
    status, text = zabota(clean_env, folder, "--help")
    assert status == 0
    for name in (
        "up",
        "demo",
        "admin",
        "doctor",
        "migrate",
        "psql",
        "docs",
        "backup",
        "restore",
        "resume",
    ):
        assert f"\n    {name} " in text or f"\n    {name}\n" in text
    assert "say-bye" not in text


def test_port_taken(clean_env: dict[str, str], folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, text = zabota(clean_env, folder, "up", ZABOTA_LISTEN=f"127.0.0.1:{port}")
    assert status == 1
    assert f"Port {port} on 127.0.0.1" in text
    assert "ZABOTA_LISTEN=" in text


def test_a_port_for_root_is_not_proposed() -> None:
    assert another_port(80) == another_port(65535) == 8100
    assert another_port(8100) == 8101


def test_an_administrator_who_cannot_get_in(clean_env: dict[str, str], folder: Path) -> None:
    prepared.migrated(folder)
    who = ("anna@example.org", "Лебедева", "Анна")
    status, first = zabota(clean_env, folder, "admin", "create", *who)
    assert (status, first.count("/invitation/")) == (0, 1)
    status, text = zabota(clean_env, folder, "admin", "create", *who)
    assert (status, "zabota admin link anna@example.org" in text) == (1, True)
    status, text = zabota(clean_env, folder, "admin", "link", "anna@example.org")
    assert (status, text.count("/invitation/")) == (0, 1)
    assert text != first
    status, text = zabota(clean_env, folder, "admin", "link", "nobody@example.org")
    assert (status, "nobody with this address" in text) == (1, True)
    status, text = zabota(clean_env, folder, "admin", "create", "no-address", "Л", "А")
    assert (status, "Enter a valid email address." in text) == (1, True)


def test_wrong_listen_address(clean_env: dict[str, str], folder: Path) -> None:
    status, text = zabota(clean_env, folder, "up", ZABOTA_LISTEN="everywhere")
    assert status == 1
    assert "ZABOTA_LISTEN" in text
    assert "everywhere" in text


def test_folder_that_cannot_be_written(clean_env: dict[str, str], folder: Path) -> None:
    (folder / "file").write_text("")
    data = folder / "file" / "data"
    for more in ({}, {"ZABOTA_SECRET_KEY": "given"}):
        status, text = zabota(clean_env, data, "up", **more)
        assert status == 1
        assert f"{data} cannot be written" in text
        assert "ZABOTA_DATA" in text


def test_another_zabota_runs_here(clean_env: dict[str, str], folder: Path) -> None:
    lock = FolderLock(folder / "zabota.lock", "zabota up")
    lock.take()
    status, text = zabota(clean_env, folder, "up")
    lock.release()
    assert status == 1
    assert f"Another Zabota already runs over {folder}" in text
    assert f"PID {os.getpid()}" in text


def test_newer_database_is_left_alone(clean_env: dict[str, str], folder: Path) -> None:
    prepared.migrated(folder)
    status, text = zabota(clean_env, folder, "migrate")
    assert (status, "up to date" in text) == (0, True)
    server = Server(folder)
    server.start()
    with server.connect() as connection:
        connection.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('staff', '9_later', now())"
        )
    server.stop()
    status, text = zabota(clean_env, folder, "migrate")
    assert status == 1
    assert "newer than this code" in text
    assert "staff.9_later" in text
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    status, text = zabota(clean_env, folder, "up", ZABOTA_LISTEN=f"127.0.0.1:{port}")
    assert status == 1
    assert "newer than this code" in text
    status, text = zabota(clean_env, folder, "doctor")
    assert status == 1
    assert "newer than this code: staff.9_later" in text
    assert not (folder / "postgres" / "postmaster.pid").exists(), "who starts it stops it"


def test_command_uses_the_server_that_runs(clean_env: dict[str, str], folder: Path) -> None:
    server = Server(folder)
    server.start()
    status, text = zabota(clean_env, folder, "psql", "-Atc", "SELECT lower('Ж')")
    alive = server.alive()
    server.stop()
    assert (status, text.strip()) == (0, "ж")
    assert alive


def test_database_away(clean_env: dict[str, str], folder: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/zabota"
    status, text = zabota(clean_env, folder, "migrate", DATABASE_URL=url)
    assert status == 1
    assert "The database does not answer" in text


def test_a_server_of_ones_own(clean_env: dict[str, str], folder: Path) -> None:
    server = Server(folder)
    server.start()
    data = folder / "elsewhere"
    url = f"postgresql://postgres@/zabota?host={server.socket_dir}"
    migrated = zabota(clean_env, data, "migrate", DATABASE_URL=url)
    asked = zabota(clean_env, data, "psql", "-Atc", "TABLE staff_agent", DATABASE_URL=url)
    server.stop()
    assert migrated[0] == 0, migrated[1]
    assert asked == (0, "")
    assert not (data / "postgres").exists(), "no embedded server was made"


def test_wrong_database_url(clean_env: dict[str, str], folder: Path) -> None:
    status, text = zabota(clean_env, folder, "migrate", DATABASE_URL="mysql://here")
    assert status == 1
    assert "postgresql://user:password@host:5432/name" in text


def test_pages_made_from_the_code(clean_env: dict[str, str], folder: Path) -> None:
    pages = str(folder / "pages")
    assert zabota(clean_env, folder, "docs", "--check", pages)[0] == 1
    assert zabota(clean_env, folder, "docs", pages)[0] == 0
    status, text = zabota(clean_env, folder, "docs", "--check", pages)
    assert (status, text) == (0, "")
    path = folder / "pages" / "settings.md"
    page = path.read_text()
    assert "| `ZABOTA_LISTEN` | `127.0.0.1:8100` |" in page
    assert str(folder) not in page
    assert "# Facts" in (folder / "pages" / "events.md").read_text()
    path.write_text(page + "more")
    status, text = zabota(clean_env, folder, "docs", "--check", pages)
    assert status == 1
    assert "stale" in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "has_bar"), [(Terminal(), True), (io.StringIO(), False)])
def test_progress(stream: io.StringIO, has_bar: bool) -> None:
    with Progress("Tickets", 4, stream) as bar:
        for _piece in range(4):
            bar.step()
    text = stream.getvalue()
    assert text.isascii()
    assert "4/4 100%" in text
    assert text.endswith("\n")
    assert ("#" * 30 in text) is has_bar
    assert ("\r" in text) is has_bar
