from __future__ import annotations

from datetime import datetime

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.tickets.events import DueChanged
from zabota.tickets.models import Ticket
from zabota.tickets.turns import is_waiting


def set_due(row: Ticket, due_at: datetime, burns_at: datetime, *, by: Actor) -> None:
    """The next time due of a locked ticket whose client waits, and since when it burns: lists sort
    and mark by them. An answer and the solution end both."""
    if not is_waiting(row) or (row.next_due_at, row.burns_at) == (due_at, burns_at):
        return
    row.next_due_at, row.burns_at = due_at, burns_at
    fact = DueChanged(ticket=row.pk, due_at=due_at.isoformat(), burns_at=burns_at.isoformat())
    record(fact, stream=row.stream, by=by)
