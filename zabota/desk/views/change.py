"""Everything an agent may do to a ticket besides writing; each only by POST."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from zabota.customers.actions import confirm_domain, set_manager
from zabota.customers.models import Account
from zabota.desk import client, pane
from zabota.desk.door import is_fragment, tell, ticket_door, view_of
from zabota.desk.views.ticket import whole
from zabota.lib.text import one_line
from zabota.staff import policy
from zabota.staff.models import Agent, Level, Queue, Topic
from zabota.tickets import actions, queries, reading
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import Ticket

MOST_DIGITS = 18


def finish(
    request: HttpRequest, agent: Agent, ticket: Ticket, *, toast: str = "", to_next: bool = False
) -> HttpResponse:
    """The answer after an action: the fresh pane for a script, the next page else."""
    view = view_of(request)
    fresh = reading.visible_ticket(agent, ticket.pk)
    if not is_fragment(request):
        if to_next or fresh is None:
            return redirect(next_address(agent, ticket, view))
        return redirect(f"{reverse('desk:ticket', args=[ticket.pk])}?view={view}")
    if fresh is None:
        content = {"ticket": ticket, "view": view}
        response = render(request, "desk/gone.html", content)
    else:
        response = render(request, "desk/pane.html", pane.content(agent, fresh, view))
    news: dict[str, Any] = {"toast": toast} if toast else {}
    if to_next:
        news["care-next"] = True
    return tell(response, **news) if news else response


def next_address(agent: Agent, ticket: Ticket, view: str) -> str:
    """The ticket below this one in the list, else the list. `ticket` is as it was before."""
    below = queries.page(agent, view, queries.place(view, ticket), limit=1).answer()
    if not below:
        return reverse("desk:inbox", args=[view])
    return f"{reverse('desk:ticket', args=[below[0].id])}?view={view}"


def attempt(
    request: HttpRequest,
    agent: Agent,
    ticket: Ticket,
    work: Callable[[], object],
    *,
    toast: str = "",
    to_next: bool = False,
) -> HttpResponse:
    """Do it; a refusal comes back as 422 with its reason above the conversation."""
    try:
        work()
    except NotPossible as refusal:
        return refused(request, agent, ticket, str(refusal))
    return finish(request, agent, ticket, toast=toast, to_next=to_next)


def refused(request: HttpRequest, agent: Agent, ticket: Ticket, reason: str) -> HttpResponse:
    """422: the ticket as it is now, with the reason."""
    fresh = reading.visible_ticket(agent, ticket.pk) or ticket
    if not is_fragment(request):
        return whole(request, agent, fresh, error=reason, status=422)
    content = pane.content(agent, fresh, view_of(request), error=reason)
    return render(request, "desk/pane.html", content, status=422)


def chosen_id(value: str) -> int | None:
    """The id a form sent, None for ''; raises NotPossible for anything else."""
    if not value:
        return None
    if not (value.isascii() and value.isdigit()) or len(value) > MOST_DIGITS:
        raise NotPossible(_("There is no such choice."))
    return int(value)


@ticket_door("POST", level=Level.REPLY)
def take(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """The agent becomes owner of a free ticket."""
    toast = _("The ticket is yours")
    work = partial(actions.take, ticket, agent=agent, by=agent.actor)
    return attempt(request, agent, ticket, work, toast=toast)


@ticket_door("POST", level=Level.REASSIGN)
def assign(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Another owner; an empty choice frees the ticket."""

    def work() -> None:
        pk = chosen_id(request.POST.get("owner", ""))
        owner = Agent.objects.filter(pk=pk).first() if pk else None
        if pk and owner is None:
            raise NotPossible(_("There is no such agent."))
        actions.assign(ticket, agent=owner, by=agent.actor)

    return attempt(request, agent, ticket, work)


@ticket_door("POST", level=Level.REPLY)
def status(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Another working status."""
    value = request.POST.get("status", "")
    return attempt(
        request, agent, ticket, partial(actions.set_status, ticket, value, by=agent.actor)
    )


@ticket_door("POST", level=Level.REPLY)
def urgency(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Another urgency."""

    def work() -> None:
        value = chosen_id(request.POST.get("urgency", "")) or 0
        actions.set_urgency(ticket, value, by=agent.actor)

    return attempt(request, agent, ticket, work)


@ticket_door("POST", level=Level.REPLY)
def topic(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Another topic; where it leads a free ticket to another queue, the right to move is needed."""

    def work() -> None:
        pk = chosen_id(request.POST.get("topic", ""))
        found = Topic.objects.select_related("queue").filter(pk=pk).first() if pk else None
        if pk and found is None:
            raise NotPossible(_("There is no such topic."))
        if found and ticket.owner_id is None and found.queue_id != ticket.queue_id:
            policy.demand(agent, Level.REASSIGN, ticket.queue_id)
        actions.set_topic(ticket, found, by=agent.actor)

    return attempt(request, agent, ticket, work)


@ticket_door("POST", level=Level.REPLY)
def type_(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Another type."""
    value = request.POST.get("type", "")
    return attempt(request, agent, ticket, partial(actions.set_type, ticket, value, by=agent.actor))


@ticket_door("POST", level=Level.REPLY)
def tags(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Exactly these tags, parted by commas."""
    wanted = request.POST.get("tags", "").split(",")
    return attempt(
        request, agent, ticket, partial(actions.set_tags, ticket, wanted, by=agent.actor)
    )


@ticket_door("POST", level=Level.REPLY)
def subject(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Another subject."""
    text = request.POST.get("subject", "")
    return attempt(request, agent, ticket, partial(actions.rename, ticket, text, by=agent.actor))


@ticket_door("POST", level=Level.REASSIGN)
def queue(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Another queue, also one the agent does not see."""

    def work() -> None:
        pk = chosen_id(request.POST.get("queue", ""))
        found = Queue.objects.filter(pk=pk, is_active=True).first() if pk else None
        if found is None:
            raise NotPossible(_("There is no such queue."))
        reason = request.POST.get("reason", "").strip() or "hand"
        actions.move_to_queue(ticket, queue=found, reason=reason, by=agent.actor)

    return attempt(request, agent, ticket, work, toast=_("The ticket was moved"))


@ticket_door("POST", level=Level.REASSIGN)
def undo_move(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Take the last move back."""
    toast = _("The move was taken back")
    work = partial(actions.undo_move, ticket, by=agent.actor)
    return attempt(request, agent, ticket, work, toast=toast)


@ticket_door("POST", level=Level.CLOSE)
def solve(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Solved; the client gets a notice, and the next ticket opens."""
    toast = _("Solved: the client gets a notice")
    work = partial(actions.solve, ticket, by=agent.actor)
    return attempt(request, agent, ticket, work, toast=toast, to_next=True)


@ticket_door("POST", level=Level.CLOSE)
def close(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Close without a message, for one of the counted reasons."""
    reason = request.POST.get("reason", "")
    work = partial(actions.close_silently, ticket, reason, by=agent.actor)
    return attempt(request, agent, ticket, work, toast=_("Closed without a message"), to_next=True)


@ticket_door("POST", level=Level.REPLY)
def reopen(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """A solved ticket is open again."""
    return attempt(request, agent, ticket, partial(actions.reopen, ticket, by=agent.actor))


@ticket_door("POST", level=Level.MANAGE)
def account(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """The contact's mail domain is a company's: everybody with it joins the account."""

    def work() -> None:
        name = one_line(request.POST.get("name", ""))[:200]
        contact = ticket.contact
        addresses = list(contact.identities.values_list("value", flat=True)) if contact else []
        domain = client.company_domain(ticket, addresses)
        if not (name and domain):
            raise NotPossible(_("Write the company's name."))
        try:
            with transaction.atomic():
                company = Account.objects.filter(name__iexact=name).first()
                company = company or Account.objects.create(name=name)
                confirm_domain(company, domain, by=agent.actor)
        except ValidationError as error:
            raise NotPossible(" ".join(error.messages)) from None

    return attempt(request, agent, ticket, work, toast=_("The company is confirmed"))


@ticket_door("POST", level=Level.REPLY)
def revoke_link(request: HttpRequest, agent: Agent, ticket: Ticket, link: int) -> HttpResponse:
    """A client's link to his page stops working."""

    def work() -> None:
        if not actions.revoke_link(ticket, link, by=agent.actor):
            raise NotPossible(_("This link is out of force already."))

    return attempt(request, agent, ticket, work, toast=_("The link is revoked"))


@ticket_door("POST", level=Level.CLOSE)
def end_recovery(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """The client who gave a low mark is saved or lost."""
    outcome = request.POST.get("outcome", "")
    work = partial(actions.end_recovery, ticket, outcome, by=agent.actor)
    return attempt(request, agent, ticket, work, toast=_("The recovery is ended"))


@ticket_door("POST", level=Level.MANAGE)
def manager(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """The contact sees the requests of his whole company on his pages, or no longer."""
    manages = request.POST.get("manages") == "yes"

    def work() -> None:
        contact = ticket.contact
        if contact is None or contact.account_id is None:
            raise NotPossible(_("This contact belongs to no company."))
        with transaction.atomic():
            set_manager(contact, manages, by=agent.actor)
            if not manages:
                actions.revoke_links_of_manager(contact, by=agent.actor)

    return attempt(request, agent, ticket, work, toast=_("Saved"))
