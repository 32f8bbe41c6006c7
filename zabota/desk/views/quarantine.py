"""The three ways out of quarantine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from zabota.desk.door import ticket_door
from zabota.desk.views.change import attempt
from zabota.staff.models import Agent, Level
from zabota.tickets import actions
from zabota.tickets.models import Message, Ticket


@ticket_door("POST", level=Level.CLOSE)
def retry(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Read the original once more."""
    work = partial(actions.retry_parse, ticket, by=agent.actor)
    return _leave(request, agent, ticket, work, _("It could be read now"))


@ticket_door("POST", level=Level.CLOSE)
def make_ticket(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Take it in as a mail of the sender given by hand."""
    address, subject = request.POST.get("address", ""), request.POST.get("subject", "")

    def work() -> Message | None:
        return actions.make_ticket(ticket, address=address, subject=subject[:300], by=agent.actor)

    return _leave(request, agent, ticket, work, _("It is a ticket now"))


@ticket_door("POST", level=Level.CLOSE)
def discard(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Close it with a reason; the original stays."""
    reason = request.POST.get("reason", "")
    work = partial(actions.discard, ticket, reason=reason, by=agent.actor)
    return _leave(request, agent, ticket, work, _("Discarded"))


def _leave(
    request: HttpRequest, agent: Agent, ticket: Ticket, work: Callable[[], object], toast: str
) -> HttpResponse:
    if ticket.quarantined_id is None:
        raise Http404
    return attempt(request, agent, ticket, work, toast=toast, to_next=True)
