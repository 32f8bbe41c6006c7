"""Moving a ticket between queues, and taking a wrong move back."""

from __future__ import annotations

from typing import cast

from django.utils.translation import gettext as _

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.events.models import Event
from zabota.lib.text import one_line
from zabota.staff import policy
from zabota.staff.models import Level, Queue
from zabota.tickets.actions.owning import give
from zabota.tickets.events import QueueChanged
from zabota.tickets.locking import NotPossible, changing
from zabota.tickets.models import Ticket

# Reasons that the log may hold: codes, not words of a person.
KNOWN = frozenset({"hand", "topic", "undo"})


def move_to_queue(ticket: Ticket, *, queue: Queue, reason: str, by: Actor) -> Ticket:
    """Put the ticket into another queue; an owner who may not answer there lets it go."""
    with changing(ticket) as row:
        if row.queue_id == queue.pk:
            return row
        if queue.is_quarantine or row.quarantined_id:
            raise NotPossible(_("Quarantine is left by retry, make ticket or discard."))
        place(row, queue, reason, by)
    return row


def undo_move(ticket: Ticket, *, by: Actor) -> Ticket:
    """Take the last move back; raises NotPossible when the ticket was never moved."""
    with changing(ticket) as row:
        last = (
            Event.objects.filter(stream=row.stream, kind=QueueChanged.kind).order_by("-id").first()
        )
        fact = cast(QueueChanged, last.fact) if last else None
        if fact is None or fact.now != row.queue_id:
            raise NotPossible(_("There is no move to take back."))
        place(row, Queue.objects.get(pk=fact.was), "undo", by)
    return row


def place(row: Ticket, queue: Queue, reason: str, by: Actor) -> None:
    """Set the queue of a locked ticket and record it with its reason."""
    was, row.queue, row.queue_reason = row.queue_id, queue, one_line(reason)[:40]
    # What a person typed may name somebody: it stands in the ticket, never in the log.
    told = row.queue_reason if row.queue_reason in KNOWN else "hand"
    fact = QueueChanged(ticket=row.pk, was=was, now=queue.pk, reason=told)
    record(fact, stream=row.stream, by=by)
    if row.owner and not policy.allows(row.owner, Level.REPLY, queue.pk):
        give(row, None, by)
