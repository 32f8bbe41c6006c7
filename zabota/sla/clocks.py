"""The clocks of a ticket: the 24-hour guard, and the promise that was made to the client.

The guard runs day, night and weekend, and stands still only on days off of the queue's calendar. It
starts with the oldest client message that has no public answer of a person (`ticket.waits_since`);
automatic mail does not stop it. Clocks are reckoned from the ticket's row; one timer a ticket
stands at the next mark, and knows by `waits_since` that it is out of date.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from zabota.calendars import known
from zabota.calendars.known import Working
from zabota.calendars.worktime import NoWorkingTime
from zabota.events.actor import Actor
from zabota.events.timers import set_timer, versions
from zabota.lib import clock
from zabota.lib.rows import ask
from zabota.sla.events import ClockReached
from zabota.tickets.actions import set_due
from zabota.tickets.models import Ticket
from zabota.tickets.models.ticket import micros
from zabota.tickets.turns import is_waiting

GUARD = timedelta(hours=24)
GUARD_MARKS = (50, 75, 100)
BURNS_AT = 75  # percent of a clock
LAST_MINUTES = timedelta(minutes=30)


class Mark(NamedTuple):
    """A moment of a clock that is told."""

    at: datetime
    clock: str
    percent: int


class Told(NamedTuple):
    """A promise: when it was made, and until when."""

    made_at: datetime
    due_at: datetime


def run(
    row: Ticket, *, by: Actor, promise: Told | None = None, working: Working | None = None
) -> None:
    """Start or reckon anew the clocks of a locked ticket; `promise` is the one just made,
    `working` the calendar of its queue where that is known already."""
    if not is_waiting(row):
        return
    is_new = row.next_due_at is None
    marks = marks_of(row, promise or _promise(row), working)
    due = min(mark.at for mark in marks if mark.percent == 100)
    burns = min(mark.at for mark in marks if mark.percent >= BURNS_AT)
    set_due(row, due, burns, by=by)
    # A clock that starts late tells what has passed too; one that runs has told it already.
    _set_timer(row, marks if is_new else [mark for mark in marks if mark.at > clock.now()])


def marks_of(row: Ticket, promise: Told | None, working: Working | None = None) -> list[Mark]:
    """All marks of the clocks of a ticket that waits, in order."""
    assert row.waits_since is not None
    working = working or known.of_queue(row.queue_id)
    marks = [
        Mark(working.guard.add(row.waits_since, GUARD * percent / 100), "guard", percent)
        for percent in GUARD_MARKS
    ]
    if promise is not None:
        try:
            span = working.hours.between(promise.made_at, promise.due_at)
            late = working.hours.add(promise.made_at, span * BURNS_AT / 100)
        except NoWorkingTime:
            late = promise.due_at
        burns = min(late, promise.due_at - LAST_MINUTES)
        marks += [Mark(burns, "promise", BURNS_AT), Mark(promise.due_at, "promise", 100)]
    return sorted(marks)


def go_on(row: Ticket, reached: ClockReached) -> None:
    """Set the timer to the mark behind the one just told, also when that has passed meanwhile."""
    if not is_waiting(row):
        return
    marks = marks_of(row, _promise(row))
    places = [(mark.clock, mark.percent) for mark in marks]
    told = (reached.clock, reached.percent)
    place = places.index(told) + 1 if told in places else 0
    _set_timer(row, marks[place:])


def _set_timer(row: Ticket, marks: list[Mark]) -> None:
    """The timer at the first of the marks that are still to be told."""
    if not marks or row.waits_since is None:
        return
    mark = marks[0]
    set_timer(
        ClockReached(ticket=row.pk, clock=mark.clock, percent=mark.percent),
        subject=f"clock:{row.pk}",
        stream=row.stream,
        due_at=mark.at,
        version=micros(row.waits_since),
    )


_PROMISE = "SELECT made_at, due_at FROM sla_promise WHERE ticket_id = %s"


def _promise(row: Ticket) -> Told | None:
    """The promise that still waits to be kept: the one of the first answer."""
    if row.first_answer_at is not None:
        return None
    found = ask(_PROMISE, [row.pk])
    return Told(*found) if found else None


_VERSION = """
SELECT waits_since FROM tickets_ticket
 WHERE id = %s AND waits_since IS NOT NULL AND status NOT IN ('solved', 'closed')
"""


def _version(pk: int) -> int | None:
    found = ask(_VERSION, [pk])
    return micros(found[0]) if found else None


versions("clock", _version)
