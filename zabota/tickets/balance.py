"""The daily balance of an inbox: all mail on the server is kept, and all that is kept is somewhere.

Days are UTC days of arrival. What does not come out even is an alarm (`is_even`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import transaction

from zabota.channels.events import BalanceBroken
from zabota.channels.models import Inbox, ServerCount
from zabota.events.actor import system
from zabota.events.chores import chore
from zabota.events.log import record
from zabota.events.models import Event
from zabota.lib import clock
from zabota.lib.rows import ask_all

DAYS = 14
PATIENCE = timedelta(minutes=15)  # after that a kept mail must have been treated


@dataclass(frozen=True)
class Day:
    """One day of an inbox: counts of messages.

    `on_server` is None where it was not counted; `missing` lie there and could not be kept; `late`
    wait to be taken in for longer than PATIENCE; `lost` are marked as taken in and stand nowhere.
    """

    inbox: int
    day: date
    on_server: int | None
    missing: int
    stored: int
    tickets: int
    appended: int
    robots: int
    quarantined: int
    doubles: int
    waiting: int
    late: int
    lost: int

    @property
    def is_even(self) -> bool:
        """Nothing is missing, late or lost."""
        return not (self.missing or self.late or self.lost)


_STORED = """
SELECT inbox_id, day, count(*),
       count(*) FILTER (WHERE what = 'ticket'), count(*) FILTER (WHERE what = 'appended'),
       count(*) FILTER (WHERE what = 'robot'), count(*) FILTER (WHERE what = 'quarantine'),
       count(*) FILTER (WHERE what = 'double'), count(*) FILTER (WHERE what = 'waiting'),
       count(*) FILTER (WHERE what = 'waiting' AND received_at < %(late)s),
       count(*) FILTER (WHERE what = 'lost')
  FROM (SELECT r.inbox_id, r.received_at, (r.arrived_at AT TIME ZONE 'UTC')::date AS day, CASE
            WHEN r.state = 'waiting' THEN 'waiting'
            WHEN r.state = 'double' THEN 'double'
            WHEN r.state IN ('quarantine', 'discarded') THEN 'quarantine'
            WHEN m.id IS NULL THEN 'lost'
            WHEN m.robot <> '' THEN 'robot'
            WHEN EXISTS (SELECT FROM tickets_message e WHERE e.ticket_id = m.ticket_id
                            AND e.id < m.id) THEN 'appended'
            ELSE 'ticket' END AS what
          FROM channels_rawmessage r LEFT JOIN tickets_message m ON m.raw_id = r.id
         WHERE r.inbox_id = ANY(%(inboxes)s) AND r.arrived_at >= %(since)s
           AND left(r.place, 5) <> 'page:') known
 GROUP BY inbox_id, day
"""


def days_of(inboxes: Iterable[Inbox], days: int = DAYS) -> list[Day]:
    """The last days of these inboxes that had any mail, the newest first; two queries."""
    pks = [inbox.pk for inbox in inboxes]
    first = clock.now().date() - timedelta(days=days - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    values = {"inboxes": pks, "since": since, "late": clock.now() - PATIENCE}
    stored = {(row[0], row[1]): row[2:] for row in ask_all(_STORED, values)}
    counts = ServerCount.objects.filter(inbox__in=pks, day__gte=first)
    server = {(one.inbox_id, one.day): one for one in counts}
    found = []
    for inbox, day in sorted({*stored, *server}, key=lambda key: (key[1], key[0]), reverse=True):
        there = server.get((inbox, day))
        kept = stored.get((inbox, day), (0,) * 9)
        if kept[0] or (there and there.on_server):
            on_server, missing = (there.on_server, there.missing) if there else (None, 0)
            found.append(Day(inbox, day, on_server, missing, *kept))
    return found


def uneven() -> list[Day]:
    """The days of inboxes in use that do not come out even."""
    return [day for day in days_of(Inbox.objects.filter(is_active=True)) if not day.is_even]


@chore
def tell() -> None:
    """Record each uneven day once, so that somebody hears of it."""
    for day in uneven():
        fact = BalanceBroken(
            inbox=day.inbox, day=day.day.isoformat(),
            missing=day.missing, late=day.late, lost=day.lost,
        )  # fmt: skip
        stream = f"inbox:{day.inbox}"
        told = Event.objects.filter(stream=stream, kind=fact.kind, facts__day=fact.day)
        if not told.exists():
            with transaction.atomic():
                record(fact, stream=stream, by=system("balance"))
