"""Small facts about processes on this machine (Linux: /proc and prctl)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1


def left_over_pid(path: Path) -> int | None:
    """The process id in a `postmaster.pid`, None when there is no file or no number in it."""
    try:
        return int(path.read_text(errors="replace").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def serves(pid: int, cluster: Path) -> bool:
    """Whether process `pid` is a living postmaster of this cluster (ids are reused by others)."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.path.basename(words[0]) == b"postgres" and os.fsencode(cluster) in words


def die_with_parent(how: signal.Signals, parent: int | None = None) -> Callable[[], None]:
    """A `preexec_fn`: the child gets signal `how` when the forking thread dies (prctl(2)).

    `parent` is the process that forks; the present one unless named. Does nothing outside Linux.
    """
    parent = parent or os.getpid()
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)

    def arm() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(how), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return arm


GIVES_WAY = 10  # of nice(2): where both want a whole core, web gets nine times as much


def give_way() -> None:
    """Let the web server, at whose answers somebody looks, go before this process. Where another
    priority was given from outside, it is lowered from there."""
    with contextlib.suppress(OSError):
        os.nice(GIVES_WAY)


def keep_short(log: Path, limit: int = 5 * 1024 * 1024) -> None:
    """Move a log of more than `limit` bytes aside, over the one moved before."""
    try:
        if log.stat().st_size > limit:
            log.replace(log.with_name(log.name + ".1"))
    except FileNotFoundError:
        pass
