"""Consumers of the crash tests; the worker process of `tests.site` imports them too."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from zabota.events import log
from zabota.events.facts import Fact
from zabota.events.models import Event


@dataclass(frozen=True)
class Noted(Fact, kind="test.noted"):
    """Written to `path` when it runs; with `hangs` the first run sleeps instead of ending."""

    path: str
    number: int
    hangs: bool = False


@log.consumer("test.noter", Noted)
def note(event: Event, fact: Noted) -> None:
    path = Path(fact.path)
    first = not path.exists() or f"begin {fact.number}\n" not in path.read_text()
    with path.open("a") as file:
        file.write(f"begin {fact.number}\n")
    if fact.hangs and first:
        time.sleep(120)
    with path.open("a") as file:
        file.write(f"end {fact.number}\n")
