"""Tickets that may belong together, found after both were made."""

from __future__ import annotations

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.tickets.events import MaybeRelated
from zabota.tickets.locking import changing
from zabota.tickets.models import Ticket


def relate(tickets: list[int], to: Ticket, *, by: Actor) -> None:
    """Say of tickets, by id, that they may belong to another; what was said before stays."""
    # In one order everywhere: two mails that relate the same tickets must not wait for each other.
    for ticket in Ticket.objects.filter(pk__in=tickets, maybe_related=None).order_by("pk"):
        with changing(ticket) as row:
            if row.maybe_related_id is None and row.pk != to.pk:
                row.maybe_related = to
                record(MaybeRelated(ticket=row.pk, to=to.pk), stream=row.stream, by=by)
