"""A mail of ours that came back: the message that it was shows it, its ticket takes the notice in
quietly, and an address that returns twice is marked before somebody writes to it again."""

from __future__ import annotations

from zabota.channels import outbox
from zabota.channels.contract import Bounce
from zabota.customers.actions import note_return
from zabota.events.actor import Actor
from zabota.lib.rows import ask
from zabota.tickets.models import Ticket

_TICKET = "SELECT ticket_id FROM tickets_message WHERE outgoing_id = %s"


def take_back(bounce: Bounce, by: Actor) -> Ticket | None:
    """Note what a bounce tells of the message it is of; the ticket of that message, None when it
    is none of ours."""
    if not bounce.message_id:
        return None
    found = outbox.take_back(bounce.message_id, bounce.status, by=by)
    if found is None:
        return None
    outgoing, is_new = found
    if is_new and outgoing.state == outbox.RETURNED:
        note_return("mail", bounce.recipient or outgoing.recipient, by=by)
    ticket = ask(_TICKET, [outgoing.pk])
    return Ticket.objects.filter(pk=ticket[0]).first() if ticket else None
