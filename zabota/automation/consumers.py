"""A low mark opens a recovery in the queue that looks after unhappy clients."""

from __future__ import annotations

from zabota.events.actor import system
from zabota.events.log import consumer
from zabota.events.models import Event
from zabota.staff.models import Grant, Queue, Role
from zabota.tickets.actions import open_recovery
from zabota.tickets.events import Rated
from zabota.tickets.models import Ticket
from zabota.tickets.models.rating import LOW


@consumer("automation.recovery", Rated, wants=lambda fact: fact.mark <= LOW)
def on_rated(event: Event, fact: Rated) -> None:
    """Once for each rating."""
    ticket = Ticket.objects.select_related("queue").get(pk=fact.ticket)
    open_recovery(fact.rating, queue_for(ticket), by=system("recovery").because(event))


def queue_for(ticket: Ticket) -> Queue:
    """The queue marked for it in the settings, else the lead's, else the ticket's own."""
    usable = Queue.objects.filter(is_active=True, is_quarantine=False).order_by("id")
    chosen = usable.filter(takes_recovery=True).first()
    if chosen is not None:
        return chosen
    of_leads = Grant.objects.filter(
        agent__role=Role.LEAD, agent__is_active=True, queue__in=usable
    ).select_related("queue")
    best = of_leads.order_by("-level", "queue_id").first()
    return best.queue if best is not None else ticket.queue
