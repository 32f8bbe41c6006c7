"""How long a solution took, and how much of that time lay with the client."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from zabota.lib.rows import ask_all
from zabota.tickets.events import Closed, Reopened, Solved, StatusChanged
from zabota.tickets.models import Status, Ticket

# The client had the word: he was asked, or he held a solution that did not last.
WITH_CLIENT = frozenset({Status.WAITING_CLIENT, Status.SOLVED})

# Solved, Reopened and Closed say by their kind what the status became.
_TURNS = """
SELECT at, CASE kind WHEN %s THEN facts->>'now' WHEN %s THEN 'solved' WHEN %s THEN 'open'
                     ELSE 'closed' END
  FROM events_event WHERE stream = %s AND kind IN (%s, %s, %s, %s) ORDER BY id
"""


def until_solved(ticket: Ticket, now: datetime) -> tuple[int, int]:
    """Seconds from the ticket's beginning to `now`, and those of them that lay with the client."""
    kinds = [StatusChanged.kind, Solved.kind, Reopened.kind]
    turns = ask_all(_TURNS, [*kinds, ticket.stream, *kinds, Closed.kind])
    took = max(now - ticket.created_at, timedelta(0))
    return _seconds(took), _seconds(min(with_client(turns, now), took))


def with_client(turns: Iterable[tuple[datetime, str]], now: datetime) -> timedelta:
    """The time that lay with the client, by the ticket's changes of status in their order."""
    since: datetime | None = None
    total = timedelta(0)
    for at, status in [*turns, (now, "")]:
        if since is not None:
            total += max(at - since, timedelta(0))
        since = at if status in WITH_CLIENT else None
    return total


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())
