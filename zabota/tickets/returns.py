"""A mail of ours that came back: the message that it was shows it, its ticket takes the notice in
quietly, and an address that returns twice is marked before somebody writes to it again. An answer
that did not reach the client is none: he waits on, and what it solved is open again."""

from __future__ import annotations

from datetime import UTC, datetime

from zabota.channels import outbox
from zabota.channels.contract import Bounce
from zabota.channels.models import OutgoingState
from zabota.customers.actions import note_return
from zabota.events.actor import Actor
from zabota.lib.rows import ask
from zabota.tickets.actions.solving import open_solved
from zabota.tickets.models import Status, Ticket

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


LOST = (OutgoingState.FAILED, OutgoingState.RETURNED)
# What people of ours answered that is on its way or has arrived, and since when the client has
# waited after that.
_ANSWERED = """
SELECT max(m.received_at), min(m.received_at) FROM tickets_message m
  LEFT JOIN channels_outgoing o ON o.id = m.outgoing_id
 WHERE m.ticket_id = %s AND m.direction = 'out' AND m.purpose = ''
   AND coalesce(o.state, '') <> ALL(%s)
"""
_ASKED = """
SELECT min(received_at) FROM tickets_message
 WHERE ticket_id = %s AND direction = 'in' AND robot = '' AND received_at > %s
"""
_SOLVED_BY = "SELECT 1 FROM tickets_message WHERE id = %s AND solves"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def weigh(row: Ticket, message: int, state: str, *, by: Actor) -> None:
    """Whether the client of a locked ticket waits, now that an answer of a person was lost or was
    handed over after all."""
    if state in LOST:
        if row.status == Status.SOLVED and ask(_SOLVED_BY, [message]):
            open_solved(row, None, by)
        if not row.is_working:
            return
    elif row.waits_since is None or not row.is_working:
        return
    last, first = ask(_ANSWERED, [row.pk, list(LOST)])
    (row.waits_since,) = ask(_ASKED, [row.pk, last or _EVER])
    row.awaits_answer = row.waits_since is not None
    row.first_answer_at = first
