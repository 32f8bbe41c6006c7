"""Timers: a table of our own and one pump (DESIGN §5: not scheduled jobs, which block streams)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from zabota.events import facts
from zabota.events.actor import system
from zabota.events.log import record
from zabota.events.models import Timer
from zabota.lib import clock

_VERSIONS: dict[str, Callable[[int], int | None]] = {}


def versions(prefix: str, read: Callable[[int], int | None]) -> None:
    """Say how to read the present version of subjects called `prefix:<id>` (None: it is gone)."""
    _VERSIONS[prefix] = read


def set_timer(
    fact: facts.Fact, *, subject: str, stream: str, due_at: datetime, version: int = 0
) -> None:
    """Record `fact` at `due_at` (aware) unless the subject has another version by then."""
    Timer.objects.update_or_create(
        subject=subject,
        kind=fact.kind,
        defaults={
            "due_at": due_at,
            "stream": stream,
            "version": version,
            "facts": fact.as_json(),
        },
    )


def cancel_timer(kind: type[facts.Fact], *, subject: str) -> None:
    """Forget a timer; nothing happens when there is none."""
    Timer.objects.filter(subject=subject, kind=kind.kind).delete()


def pump(limit: int = 200) -> int:
    """Record the facts of due timers and remove these; returns how many were due."""
    with transaction.atomic():
        due = list(
            Timer.objects.filter(due_at__lte=clock.now())
            .order_by("due_at")
            .select_for_update(skip_locked=True)[:limit]
        )
        for timer in due:
            if _is_current(timer):
                fact = facts.load(timer.kind, timer.facts)
                record(fact, stream=timer.stream, by=system("timer"))
        Timer.objects.filter(pk__in=[timer.pk for timer in due]).delete()
    return len(due)


def _is_current(timer: Timer) -> bool:
    prefix, _, number = timer.subject.partition(":")
    read = _VERSIONS.get(prefix)
    return read is None or read(int(number)) == timer.version
