"""What an agent notes of the person beside the conversation: where and how he wants our letters."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from zabota.customers.actions import add_address, prefer, set_wishes
from zabota.customers.models import Contact
from zabota.desk.door import ticket_door
from zabota.desk.views.change import attempt, chosen_id
from zabota.staff.models import Agent, Level
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import Ticket


@ticket_door("POST", level=Level.REPLY)
def address(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """One more address of the client."""

    def work() -> None:
        try:
            add_address(_of(ticket), request.POST.get("address", "")[:320], by=agent.actor)
        except ValidationError as error:
            raise NotPossible(" ".join(error.messages)) from None

    return attempt(request, agent, ticket, work, toast=_("The address is added"))


@ticket_door("POST", level=Level.REPLY)
def preferred(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """The address to which we write first."""

    def work() -> None:
        if not prefer(
            _of(ticket), chosen_id(request.POST.get("identity", "")) or 0, by=agent.actor
        ):
            raise NotPossible(_("This address is none of the client's."))

    return attempt(request, agent, ticket, work, toast=_("Saved"))


@ticket_door("POST", level=Level.REPLY)
def wishes(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Which automatic letters the client wants."""

    def work() -> None:
        given = request.POST.getlist("wants")
        wanted = {"receipts": "receipts" in given, "marks": "marks" in given}
        set_wishes(_of(ticket), **wanted, by=agent.actor)

    return attempt(request, agent, ticket, work, toast=_("Saved"))


def _of(ticket: Ticket) -> Contact:
    if ticket.contact is None:
        raise NotPossible(_("Nobody knows yet who wrote this."))
    return ticket.contact
