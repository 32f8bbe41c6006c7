"""When a client may expect our first answer: the later of the queue's target and what the queue
really needs, told in the acknowledgement and kept with everything it was reckoned from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from zabota.calendars.known import Working
from zabota.calendars.worktime import NoWorkingTime
from zabota.events.actor import Actor
from zabota.events.kept import Kept
from zabota.events.log import record
from zabota.lib import clock
from zabota.lib.rows import ask, insert
from zabota.sla.clocks import Told
from zabota.sla.events import PromiseMade
from zabota.sla.models import Load, Need, Promise, Target
from zabota.tickets.models import Ticket
from zabota.tickets.models.ticket import QUIET

TARGET = 240  # working minutes, until somebody sets another target
FEWEST = 30  # cases, else the target alone counts
MOST_WAITING = 1000  # counted
MANY = 100  # waiting tickets: some more or less change a promise by some percent
MOST_AGE = 10.0  # seconds for which the number of many is remembered
MOST_STRETCH = 10.0
STEP = timedelta(minutes=15)


@dataclass(frozen=True)
class Inputs:
    """Why this time: working minutes, counts of tickets and agents.

    `needed` is the 80th percentile of `cases` first answers; `stretch` is by how much today's
    unanswered tickets per agent exceed the usual, at least 1.
    """

    target: int
    needed: float
    cases: int
    waiting: int
    agents: int
    usual_waiting: float
    usual_agents: float
    stretch: float
    minutes: float
    calendar: int | None


@dataclass(frozen=True)
class Knowledge:
    """What the forecast needs, kept in memory: by queue, and by queue and urgency."""

    targets: dict[int, int]
    needs: dict[tuple[int, int], tuple[float, int]]
    loads: dict[int, tuple[float, float, int]]


_LOAD = ("queue_id", "waiting", "agents", "on_duty")


def _read() -> Knowledge:
    needs = Need.objects.values_list("queue_id", "urgency", "minutes", "cases")
    return Knowledge(
        dict(Target.objects.values_list("queue_id", "minutes")),
        {(queue, urgency): (minutes, cases) for queue, urgency, minutes, cases in needs},
        {queue: tuple(rest) for queue, *rest in Load.objects.values_list(*_LOAD)},
    )


_KEPT = Kept("sla", _read)


def target_of(queue_id: int) -> int:
    """Working minutes within which the first answer of a queue is due."""
    return _KEPT.get().targets.get(queue_id, TARGET)


def expect(row: Ticket, calendar: int | None) -> Inputs:
    """What an answer to this ticket needs now, and why."""
    kept = _KEPT.get()
    target = kept.targets.get(row.queue_id, TARGET)
    needed, cases = kept.needs.get((row.queue_id, row.urgency), (0.0, 0))
    usual, agents, duty = kept.loads.get(row.queue_id, (0.0, 0.0, 0))
    waiting, stretch, minutes = 0, 1.0, float(target)
    if cases >= FEWEST:
        # Those before this one that nobody has answered yet, as the usual load counts them.
        waiting = max(_waiting(row.queue_id) - 1, 0)
        stretch = stretch_of(waiting, duty, usual, agents)
        minutes = max(minutes, needed * stretch)
    return Inputs(target, needed, cases, waiting, duty, usual, agents, stretch, minutes, calendar)


def stretch_of(waiting: int, duty: int, usual: float, agents: float) -> float:
    """By how much unanswered tickets per agent exceed the usual: 1 … MOST_STRETCH. Fewer than one
    ticket or agent, as in a new queue, count as one."""
    now, before = waiting / max(duty, 1), max(usual, 1.0) / max(agents, 1.0)
    return min(max(now / before, 1.0), MOST_STRETCH)


def _waiting(queue: int) -> int:
    """Unanswered tickets of a queue; many of them as they were some seconds ago, because counting a
    thousand costs as much as all else of a ticket."""
    known = _counted.get(queue)
    now = time.monotonic()
    if known is not None and known[1] >= MANY and now - known[0] < MOST_AGE:
        return known[1]
    count = int(ask(_WAITING, [queue, QUIET >> 1, MOST_WAITING + 1])[0])
    _counted[queue] = (now, count)
    return count


_counted: dict[int, tuple[float, int]] = {}

_WAITING = """
SELECT count(*) FROM (SELECT 1 FROM tickets_ticket
 WHERE queue_id = %s AND turn < %s AND first_answer_at IS NULL
   AND NOT is_robot AND NOT arrived_late
   AND status IN ('new', 'open', 'waiting_client', 'waiting_internal') LIMIT %s) counted
"""


def promise(row: Ticket, working: Working, *, by: Actor) -> Told | None:
    """Reckon and keep the time to tell the client of a locked ticket, by the calendar of its queue;
    None when that knows no working time."""
    inputs, made_at = expect(row, working.calendar), clock.now()
    try:
        due = working.hours.add(made_at, timedelta(minutes=inputs.minutes))
    except NoWorkingTime:
        return None
    told = Told(made_at, round_up(due))
    insert(
        Promise(
            ticket_id=row.pk,
            queue_id=row.queue_id,
            made_at=told.made_at,
            due_at=told.due_at,
            inputs=dict(vars(inputs)),
        )
    )
    fact = PromiseMade(ticket=row.pk, due_at=told.due_at.isoformat())
    record(fact, stream=row.stream, by=by)
    return told


def round_up(moment: datetime) -> datetime:
    """To the next full quarter of an hour: nobody wants to read 12:53."""
    over = (moment - datetime.min.replace(tzinfo=moment.tzinfo)) % STEP
    return moment + (STEP - over if over else timedelta(0))
