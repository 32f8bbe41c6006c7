from __future__ import annotations

from zabota.channels.events import CameBack, ResendOrdered, SendDelayed, SendFailed, Sent
from zabota.events import actor
from zabota.events.actor import system
from zabota.events.log import consumer, record
from zabota.events.models import Event
from zabota.lib.rows import ask
from zabota.tickets import resending, returns
from zabota.tickets.actions.solving import shut
from zabota.tickets.events import ClosingDue, DeliveryChanged
from zabota.tickets.locking import changing, changing_within
from zabota.tickets.models import CloseReason, Status, Ticket


@consumer("tickets.delivery", Sent, SendDelayed, SendFailed, CameBack)
def note_delivery(event: Event, fact: Sent | SendDelayed | SendFailed | CameBack) -> None:
    """The delivery state of a message changed: its ticket has a new version, screens follow."""
    found = ask(_OF_OUTGOING, [fact.outgoing])
    if found is None:
        return
    message, ticket, state, purpose = found
    by = system("outbox").because(event)
    with changing_within(Ticket(pk=ticket)) as row:
        if not purpose:
            returns.weigh(row, message, state, by=by)
        changed = DeliveryChanged(ticket=row.pk, message=message, state=state)
        record(changed, stream=row.stream, by=by)


_OF_OUTGOING = """
SELECT m.id, m.ticket_id, o.state, m.purpose FROM tickets_message m
  JOIN channels_outgoing o ON o.id = m.outgoing_id WHERE o.id = %s
"""


# Behind everything else: thousands of mails must not hold up the answer of a person.
@consumer("tickets.resend", ResendOrdered, atomic=False, priority=lambda fact: -5)
def send_again(event: Event, fact: ResendOrdered) -> None:
    """Send again what an agent ordered, batch by batch."""
    resending.send_again(fact, actor.agent(fact.agent).because(event))


@consumer("tickets.closing", ClosingDue)
def close_solved(event: Event, fact: ClosingDue) -> None:
    """Seven days after the solution the ticket is closed; an answer until then reopened it."""
    with changing(Ticket(pk=fact.ticket)) as row:
        if row.status == Status.SOLVED and row.status_version == fact.version:
            shut(row, CloseReason.AFTER_SOLVED, system("closing").because(event))
