from __future__ import annotations

from zabota.channels.events import SendDelayed, SendFailed, Sent
from zabota.channels.models import Outgoing
from zabota.events.actor import system
from zabota.events.log import consumer, record
from zabota.events.models import Event
from zabota.tickets.actions.solving import shut
from zabota.tickets.events import ClosingDue, DeliveryChanged
from zabota.tickets.locking import changing
from zabota.tickets.models import CloseReason, Message, Status, Ticket


@consumer("tickets.delivery", Sent, SendDelayed, SendFailed)
def note_delivery(event: Event, fact: Sent | SendDelayed | SendFailed) -> None:
    """The delivery state of a message changed: its ticket has a new version, screens follow."""
    message = Message.objects.filter(outgoing=fact.outgoing).select_related("ticket").first()
    if message is None:
        return
    state = Outgoing.objects.values_list("state", flat=True).get(pk=fact.outgoing)
    with changing(message.ticket) as row:
        changed = DeliveryChanged(ticket=row.pk, message=message.pk, state=state)
        record(changed, stream=row.stream, by=system("outbox").because(event))


@consumer("tickets.closing", ClosingDue)
def close_solved(event: Event, fact: ClosingDue) -> None:
    """Seven days after the solution the ticket is closed; an answer until then reopened it."""
    with changing(Ticket(pk=fact.ticket)) as row:
        if row.status == Status.SOLVED:
            shut(row, CloseReason.AFTER_SOLVED, system("closing").because(event))
