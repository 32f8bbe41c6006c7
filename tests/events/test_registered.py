"""Every consumer is known to a process that loads nothing but the rooms, as the worker does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).parents[2] / "zabota"
NAMED = re.compile(r'^@consumer\(\s*"([^"]+)"', re.MULTILINE)
ASK = (
    "import django; django.setup(); from zabota.events.log import consumers; "
    "print(*consumers(), sep='\\n')"
)


def test_the_worker_knows_every_consumer() -> None:
    written = {name for path in HOUSE.rglob("*.py") for name in NAMED.findall(path.read_text())}
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, env=env, cwd=HOUSE.parent, check=True
    )
    assert len(written) > 8
    assert set(done.stdout.decode().split()) == written
