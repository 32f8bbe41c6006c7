from __future__ import annotations

from typing import Any

from zabota.calendars import known
from zabota.calendars.events import CalendarGiven, DayChanged
from zabota.events.actor import Actor, system
from zabota.events.chores import chore
from zabota.events.log import consumer
from zabota.events.models import Event
from zabota.lib.rows import ask_all
from zabota.sla import clocks, measuring
from zabota.sla.events import ClockReached
from zabota.staff.events import SettingChanged
from zabota.staff.models import Queue
from zabota.tickets import returns
from zabota.tickets.events import DeliveryChanged, QueueChanged, Reopened
from zabota.tickets.locking import changing
from zabota.tickets.models import Ticket


def _moves(fact: QueueChanged | Reopened | DeliveryChanged) -> bool:
    if isinstance(fact, DeliveryChanged):
        return fact.state in returns.LOST
    # A ticket that the client's message reopened is treated by triage.
    return isinstance(fact, QueueChanged) or fact.message is None


@consumer("sla.clocks", QueueChanged, Reopened, DeliveryChanged, wants=_moves)
def run_again(event: Event, fact: QueueChanged | Reopened | DeliveryChanged) -> None:
    """Another queue has another calendar; reopened by hand or without his answer, he waits."""
    with changing(Ticket(pk=fact.ticket)) as row:
        clocks.run(row, by=system("clocks").because(event))


@consumer("sla.reached", ClockReached)
def go_on(event: Event, fact: ClockReached) -> None:
    """The ticket has a new version, so that screens show it; the timer goes to the next mark."""
    with changing(Ticket(pk=fact.ticket)) as row:
        clocks.go_on(row, fact)


def _concerns(fact: Any) -> bool:
    return not isinstance(fact, SettingChanged) or (fact.what == "calendar" and not fact.made)


@consumer(
    "sla.calendar", DayChanged, CalendarGiven, SettingChanged,
    wants=_concerns, atomic=False,
)  # fmt: skip
def reckon_anew(event: Event, fact: Any) -> None:
    """Clocks that run go by the calendar as it is now."""
    by = system("clocks").because(event)
    if isinstance(fact, CalendarGiven):
        _run_all([fact.queue], by)
        return
    calendar = fact.object if isinstance(fact, SettingChanged) else fact.calendar
    every = list(Queue.objects.values_list("pk", flat=True))
    _run_all(known.queues_of(calendar, every), by)


_WAITING = """
SELECT id FROM tickets_ticket WHERE queue_id = ANY(%s) AND waits_since IS NOT NULL
   AND status IN ('new', 'open', 'waiting_client', 'waiting_internal') ORDER BY id
"""
_UNCLOCKED = """
SELECT id FROM tickets_ticket WHERE next_due_at IS NULL AND waits_since IS NOT NULL
   AND status IN ('new', 'open', 'waiting_client', 'waiting_internal') ORDER BY id
"""


def _run_all(queues: list[int], by: Actor) -> None:
    for (pk,) in ask_all(_WAITING, [queues]):
        with changing(Ticket(pk=pk)) as row:
            clocks.run(row, by=by)


chore(measuring.measure_all)


@chore
def start_missing() -> None:
    """Clocks of tickets that wait without one, as after an upgrade."""
    for (pk,) in ask_all(_UNCLOCKED, []):
        with changing(Ticket(pk=pk)) as row:
            clocks.run(row, by=system("clocks"))
