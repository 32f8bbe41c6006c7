"""The whole thing as a person starts it: `zabota up` over an empty folder."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import prepared
from zabota.lib.running import read as read_noted
from zabota.ops.postgres import Server
from zabota.ops.processes import GIVES_WAY, left_over_pid, serves

START_LIMIT = 90.0  # seconds; the target is 15, a busy machine gets more


def processes(mark: str) -> dict[str, int]:
    """Name → id of the children of `zabota up` whose environment holds `mark`."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if mark.encode() in (folder / "environ").read_bytes() and b"zabota.ops.cli" in words:
                found[words[-2].decode()] = int(folder.name)
        except OSError:
            continue
    return found


def wait_for(question: Callable[[], object], limit: float = 30.0) -> object:
    deadline = time.monotonic() + limit
    while True:
        answer = question()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


Running = tuple[subprocess.Popen[str], str]


@pytest.fixture
def running(clean_env: dict[str, str], folder: Path, free_port: int) -> Iterator[Running]:
    """A Zabota started for the first time and what it printed until it was ready."""
    with started(clean_env, folder, free_port) as found:
        yield found


@pytest.fixture
def running_again(clean_env: dict[str, str], folder: Path, free_port: int) -> Iterator[Running]:
    """The same over a folder that a start before left."""
    prepared.migrated(folder)
    with started(clean_env, folder, free_port) as found:
        yield found


@contextmanager
def started(clean_env: dict[str, str], folder: Path, free_port: int) -> Iterator[Running]:
    env = {
        **clean_env,
        "ZABOTA_DATA": str(folder),
        "ZABOTA_LISTEN": f"127.0.0.1:{free_port}",
        "LANG": "C",
    }
    output = (folder / "output").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "zabota.ops.cli", "up"],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        text=True,
    )
    try:
        said = (folder / "output").read_text
        wait_for(lambda: "works once" in said() or process.poll() is not None, START_LIMIT)
        assert "works once" in said(), said()
        yield process, said()
    finally:
        process.kill()
        process.wait()
        output.close()


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_life_of_an_installation(running: Running, folder: Path, free_port: int) -> None:
    process, said = running
    assert f"http://127.0.0.1:{free_port}" in said
    link = re.search(r"http://\S+", said.split("works once")[1])
    assert link is not None
    with urllib.request.urlopen(link[0], timeout=5) as response:
        assert response.status == 200

    before = processes(str(folder))
    assert {"web", "worker", "fetch"} <= set(before)
    gives_way = os.getpriority(os.PRIO_PROCESS, before["web"]) + GIVES_WAY
    for name in ("worker", "fetch"):
        assert wait_for(
            lambda: os.getpriority(os.PRIO_PROCESS, before[name]) == gives_way  # noqa: B023
        )
    os.kill(before["worker"], signal.SIGKILL)
    assert wait_for(lambda: processes(str(folder)).get("worker", 0) not in (0, before["worker"]))
    assert "worker ended unexpectedly" in (folder / "output").read_text()
    noted = {one.name: (one.is_alive, one.deaths, one.memory > 0) for one in read_noted(folder)}
    assert noted == {"web": (True, 0, True), "worker": (True, 1, True), "fetch": (True, 0, True)}

    pid = left_over_pid(folder / "postgres" / "postmaster.pid")
    assert pid is not None
    assert serves(pid, folder / "postgres")
    os.kill(pid, signal.SIGKILL)
    assert wait_for(
        lambda: left_over_pid(folder / "postgres" / "postmaster.pid") not in (None, pid)
    )
    assert wait_for(lambda: answers(free_port))

    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert "could not be told" not in (folder / "output").read_text(), "the streams ended first"
    assert processes(str(folder)) == {}
    assert not (folder / "postgres" / "postmaster.pid").exists(), "PostgreSQL was stopped cleanly"
    assert not answers(free_port)


def test_kill_leaves_nothing_behind(running_again: Running, folder: Path, free_port: int) -> None:
    process, _said = running_again
    pid = left_over_pid(folder / "postgres" / "postmaster.pid")
    assert pid is not None
    process.kill()
    process.wait()
    assert wait_for(lambda: not processes(str(folder)) and not serves(pid, folder / "postgres"))
    assert not answers(free_port)
    server = Server(folder)
    server.start()
    server.stop()
