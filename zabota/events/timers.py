"""Timers: a table of our own and one pump; scheduled jobs would block streams (docs/adr/0001)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from zabota.events import facts
from zabota.events.actor import system
from zabota.events.log import record
from zabota.events.models import Timer
from zabota.lib import clock
from zabota.lib.rows import tell

log = logging.getLogger(__name__)

STRANGE = timedelta(hours=1)
_VERSIONS: dict[str, Callable[[int], int | None]] = {}


def versions(prefix: str, read: Callable[[int], int | None]) -> None:
    """Say how to read the present version of subjects called `prefix:<id>` (None: it is gone)."""
    _VERSIONS[prefix] = read


def set_timer(
    fact: facts.Fact, *, subject: str, stream: str, due_at: datetime, version: int = 0
) -> None:
    """Record `fact` at `due_at` (aware) unless the subject has another version by then."""
    facts_text = json.dumps(fact.as_json())
    tell(_SET, [due_at, subject, fact.kind, stream, version, facts_text])


_SET = """
INSERT INTO events_timer (due_at, subject, kind, stream, version, facts)
VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (subject, kind) DO UPDATE SET due_at = excluded.due_at, stream = excluded.stream,
       version = excluded.version, facts = excluded.facts
"""


def pump(limit: int = 200) -> int:
    """Record the facts of due timers and remove these; returns how many were due."""
    strange: list[Timer] = []
    with transaction.atomic():
        due = list(
            Timer.objects.filter(due_at__lte=clock.now())
            .order_by("due_at")
            .select_for_update(skip_locked=True)[:limit]
        )
        for timer in due:
            if not _is_current(timer):
                continue
            try:
                fact = facts.load(timer.kind, timer.facts)
            except (facts.UnknownFact, TypeError):
                # Set by another version of the code: it must not hold up all the others.
                strange.append(timer)
                continue
            record(fact, stream=timer.stream, by=system("timer"))
        _put_off(strange)
        done = {timer.pk for timer in due} - {timer.pk for timer in strange}
        Timer.objects.filter(pk__in=done).delete()
    return len(due)


def _put_off(timers: list[Timer]) -> None:
    for timer in timers:
        log.error("timer not understood", extra={"timer": timer.pk, "kind": timer.kind})
        timer.due_at = clock.now() + STRANGE
        timer.save(update_fields=["due_at"])


def _is_current(timer: Timer) -> bool:
    prefix, _, number = timer.subject.partition(":")
    read = _VERSIONS.get(prefix)
    return read is None or read(int(number)) == timer.version
