"""CPU time and memory of the processes of an installation, from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def children() -> dict[int, list[int]]:
    """Every process of this machine by its parent."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            found.setdefault(int(stat[1]), []).append(int(entry.name))
    return found


def tree(root: int) -> list[int]:
    """`root` and all below it."""
    known, found, waiting = children(), [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += known.get(pid, [])
    return found


def command(pid: int) -> str:
    """The command line, '' when the process is gone."""
    try:
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    except OSError:
        return ""


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time so far, that of children already ended included."""
    total = 0
    for pid in pids:
        stat = _stat(pid)
        if stat:
            # utime, stime, cutime, cstime
            total += sum(int(value) for value in stat[11:15])
    return total / TICKS


def pss_mb(pids: Iterable[int]) -> float:
    """Proportional set size in MB: shared pages are divided among those who share them."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:")
    return total / 1024


def _stat(pid: int) -> list[str] | None:
    """The fields after the name: [0] is the state, [1] the parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
