"""Whose turn it is: the place of a ticket in the working lists, kept as one number in its row.

The lists go by urgency, due time and age, and nothing starves:

1. What loses money now stands first, while the work is ours: those who wait for an answer by due
   time, then those who have one and wait for the solution, the longest first.
2. Then all that waits for a person's answer, by due time, where "high" counts as a day earlier and
   "low" as a day later. Due times do not move away, so of two tickets the low one has its turn
   before any high one that came two days later.
3. Then what waits for nobody of us, the newest first.
"""

from __future__ import annotations

from datetime import timedelta

from zabota.tickets.models.ticket import QUIET, WAITING, Status, Ticket, Urgency, micros

DAY = timedelta(days=1)
ANSWERED = WAITING >> 1
SHIFT = {Urgency.HIGH: -DAY, Urgency.LOW: DAY}


def is_waiting(row: Ticket) -> bool:
    """A client waits for a person's public answer, and the ticket is neither solved nor closed."""
    return row.waits_since is not None and row.is_working


def turn_of(row: Ticket) -> int:
    """The place in the working lists, smallest first."""
    waiting = is_waiting(row)
    due = row.last_message_at
    if waiting and row.waits_since is not None:
        due = row.next_due_at or row.waits_since + DAY
    ours = row.is_working and (waiting or row.status != Status.WAITING_CLIENT)
    if row.urgency == Urgency.LOSES_MONEY and ours:
        return micros(due) + (0 if waiting else ANSWERED)
    if waiting:
        return WAITING + micros(due + SHIFT.get(Urgency(row.urgency), timedelta(0)))
    return QUIET - micros(row.last_message_at)


def settle(row: Ticket) -> None:
    """Bring a changed row's due times and turn into line with the rest of it."""
    if not is_waiting(row):
        row.next_due_at = row.burns_at = None
    row.turn = turn_of(row)
