"""Small cleaning jobs of the rooms; the worker does them every hour."""

from __future__ import annotations

from collections.abc import Callable

_CHORES: list[Callable[[], object]] = []


def chore(work: Callable[[], object]) -> Callable[[], object]:
    """Register a cleaning job; it must be quick, may run twice and may be left out."""
    _CHORES.append(work)
    return work


def do_all() -> int:
    """Do every chore; returns how many there are."""
    for work in _CHORES:
        work()
    return len(_CHORES)
