"""The processes of this installation on this machine: the supervisor notes them, screens look."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from zabota.lib import clock

NOTE = "processes.json"
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Noted:
    """What the supervisor knows: `pid` 0 while it waits to be started again, `ticks` its start as
    the kernel counts it (an id is given again), `deaths` since the supervisor began."""

    name: str
    pid: int
    ticks: int
    since: str
    deaths: int
    version: str


@dataclass(frozen=True)
class Process:
    """`memory` in bytes, with all processes it has started; 0 when it is not alive."""

    name: str
    is_alive: bool
    since: datetime
    deaths: int
    version: str
    memory: int


def noted(name: str, pid: int, deaths: int, version: str) -> Noted:
    """A process that was started just now, or died (`pid` 0)."""
    now = clock.now().isoformat(timespec="seconds")
    return Noted(name, pid, _ticks(pid) if pid else 0, now, deaths, version)


def write(data: Path, processes: Iterable[Noted]) -> None:
    """Note these processes in the data folder; what cannot be written is not noted."""
    with suppress(OSError):
        descriptor, fresh = tempfile.mkstemp(dir=data, prefix=f".{NOTE}-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump([asdict(one) for one in processes], file)
        os.replace(fresh, data / NOTE)


def read(data: Path) -> list[Process]:
    """The processes as they are now; none where no supervisor ever ran."""
    try:
        rows = [Noted(**row) for row in json.loads((data / NOTE).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []
    memory = _memory({row.pid for row in rows if row.pid})
    return [_look(row, memory.get(row.pid, 0)) for row in rows]


def _look(row: Noted, memory: int) -> Process:
    is_alive = row.ticks > 0 and _ticks(row.pid) == row.ticks
    since = datetime.fromisoformat(row.since)
    return Process(row.name, is_alive, since, row.deaths, row.version, memory if is_alive else 0)


def _ticks(pid: int) -> int:
    """When the process started, in clock ticks since boot (proc(5)); -1 when there is none."""
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] != "Z" else -1


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _memory(sessions: set[int]) -> dict[int, int]:
    """Resident memory by session: each child of the supervisor leads one of its own."""
    found = dict.fromkeys(sessions, 0)
    with suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                fields = _stat(int(name))
                if fields and int(fields[3]) in found:
                    found[int(fields[3])] += _own(int(name), int(fields[21]) * PAGE)
    return found


def _own(pid: int, resident: int) -> int:
    """Its share of memory (PSS) where the kernel tells it, else what is resident."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return resident
