"""A process that only sets Django up, as the worker does, knows every consumer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).parents[2] / "zabota"
NAMED = re.compile(r'^@consumer\(\s*"([\w.]+)"', re.MULTILINE)
PROGRAM = """
import django
django.setup()
from zabota.events.log import consumers
print(*consumers())
"""


def test_the_worker_knows_all_consumers() -> None:
    written = {
        name
        for path in HOUSE.rglob("*.py")
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert len(written) > 10
    assert written == set(done.stdout.split())


CHORES = """
import django
django.setup()
from zabota.events import chores
print(*(f"{one.__module__}.{one.__name__}" for one in chores._CHORES))
"""
WRITTEN = re.compile(r"^@chore\n(?:@\S+\n)*def (\w+)", re.MULTILINE)


def test_the_worker_knows_all_chores() -> None:
    written = {
        ".".join([*path.relative_to(HOUSE.parent).with_suffix("").parts, name])
        for path in HOUSE.rglob("*.py")
        for name in WRITTEN.findall(path.read_text(encoding="utf-8"))
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHORES],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert len(written) > 10
    # Some are registered by a call.
    assert written <= set(done.stdout.split())
