from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zabota.ops.supervisor import how_ended
from zabota.ops.up import readable

RUN = """
import sys
from zabota.ops.supervisor import Child, Supervisor

folder, *programs = sys.argv[1:]
children = [
    Child(f"child{number}", [sys.executable, "-c", program, folder], stop_limit=3.0)
    for number, program in enumerate(programs)
]
Supervisor(
    children,
    lambda name, line: print(f"{name}|{line}", flush=True),
    back_off=(0.1, 0.6),
    before_stop=lambda: print("bye", flush=True),
).run()
print("stopped", flush=True)
"""
STEADY = "import time; print('up', flush=True); time.sleep(60)"
MORTAL = "print('up', flush=True); raise SystemExit(3)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(60)"
)
PARENT = (
    "import subprocess, sys, time;"
    "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(p.pid, flush=True); time.sleep(60)"
)


@contextmanager
def supervised(*programs: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", RUN, "-", *programs]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def is_gone(pid: int, limit: float = 15.0) -> bool:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stops_cleanly(how: signal.Signals) -> None:
    with supervised(STEADY, STEADY) as process:
        assert {line(process), line(process)} == {"child0|up", "child1|up"}
        children = children_of(process.pid)
        process.send_signal(how)
        assert line(process) == "bye"
        assert line(process) == "stopped"
        assert process.wait(20) == 0
        assert len(children) == 2
        assert all(is_gone(pid) for pid in children)


def test_a_died_child_comes_back_ever_later() -> None:
    with supervised(MORTAL) as process:
        times = []
        for _again in range(4):
            assert line(process) == "child0|up"
            times.append(time.monotonic())
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert process.stderr is not None
        said = process.stderr.read()
    first, second, third = (later - sooner for sooner, later in itertools.pairwise(times))
    assert first > 0.05
    assert second > 0.5
    assert third > 0.5
    assert "child0" in said
    assert "3" in said


def test_a_killed_child_comes_back_and_its_children_go() -> None:
    with supervised(PARENT) as process:
        grandchild = int(line(process).split("|")[1])
        os.kill(children_of(process.pid)[0], signal.SIGKILL)
        again = int(line(process).split("|")[1])
        assert again != grandchild
        assert is_gone(grandchild)


def test_a_stubborn_child_is_killed_in_time() -> None:
    with supervised(STUBBORN) as process:
        assert line(process) == "child0|up"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert time.monotonic() - began > 2.9


def test_a_second_signal_kills_at_once() -> None:
    with supervised(STUBBORN) as process:
        assert line(process) == "child0|up"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert line(process) == "bye"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert time.monotonic() - began < 2.9


def test_a_killed_supervisor_takes_its_children_with_it() -> None:
    with supervised(STEADY, STUBBORN) as process:
        line(process)
        line(process)
        children = children_of(process.pid)
        assert len(children) == 2
        process.kill()
        process.wait()
        assert all(is_gone(pid) for pid in children)


def test_how_a_child_ended() -> None:
    assert "3" in how_ended(3)
    assert "SIGKILL" in how_ended(-9)


def test_log_lines_for_a_person() -> None:
    told = '{"at": "2026-11-22T10:20:30.123+00:00", "level": "%s", "room": "x", "text": "hello"%s}'
    assert readable("web", told % ("info", "")) == "10:20:30 web       hello"
    failed = told % ("error", ', "error": {"type": "OSError", "where": []}')
    assert readable("worker", failed) == "10:20:30 worker    !! hello [OSError]"
    assert readable("fetch", "Traceback") == "fetch: Traceback"
    assert readable("fetch", "42") == "fetch: 42"
    assert readable("fetch", " ") == ""
