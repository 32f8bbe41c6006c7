"""The order of working lists: a table, and that nothing starves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from zabota.tickets.models import Status, Ticket, Urgency
from zabota.tickets.turns import settle, turn_of

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def ticket(hours: float | None, urgency: int = Urgency.NORMAL, **fields: Any) -> Ticket:
    """One whose answer is due in so many hours; None: nobody waits, the last word was just said."""
    due = None if hours is None else NOW + timedelta(hours=hours)
    waits = None if due is None else due - timedelta(hours=24)
    given = {"status": Status.OPEN, "last_message_at": waits or NOW} | fields
    row = Ticket(pk=1, urgency=urgency, waits_since=waits, next_due_at=due, **given)
    settle(row)
    return row


MONEY, HIGH, NORMAL, LOW = Urgency


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ticket(24, MONEY), ticket(-100, HIGH)),
        (ticket(1, MONEY), ticket(2, MONEY)),
        (ticket(24, MONEY), ticket(None, MONEY, last_message_at=NOW - timedelta(days=90))),
        (ticket(None, MONEY), ticket(-100, HIGH)),
        (ticket(20, HIGH), ticket(1, NORMAL)),
        (ticket(1, NORMAL), ticket(26, HIGH)),
        (ticket(1), ticket(2)),
        (ticket(20), ticket(1, LOW)),
        (ticket(1, LOW), ticket(26)),
        (ticket(1, LOW), ticket(50, HIGH)),
        (ticket(500, LOW), ticket(None, HIGH)),
        (ticket(500, LOW), ticket(None, MONEY, status=Status.WAITING_CLIENT)),
        (ticket(None), ticket(None, last_message_at=NOW - timedelta(hours=1))),
    ],
)
def test_who_comes_first(first: Ticket, second: Ticket) -> None:
    assert turn_of(first) < turn_of(second)


def test_before_the_clocks_run_a_day_is_taken_for_the_due_time() -> None:
    fresh = ticket(24)
    fresh.next_due_at = None
    assert turn_of(fresh) == turn_of(ticket(24))


@pytest.mark.parametrize("status", [Status.SOLVED, Status.CLOSED])
def test_what_is_done_is_due_no_more(status: Status) -> None:
    row = ticket(1, status=status)
    assert (row.next_due_at, row.burns_at) == (None, None)


@given(
    some.sampled_from([HIGH, NORMAL, LOW]),
    some.sampled_from([HIGH, NORMAL, LOW]),
    some.floats(49, 9e3),
)
def test_no_later_ticket_overtakes_for_ever(mine: int, other: int, later: float) -> None:
    """Whatever comes two days later stands behind, but what loses money now."""
    assert turn_of(ticket(0, mine)) < turn_of(ticket(later, other))
