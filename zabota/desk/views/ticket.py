from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from zabota.desk import client, inbox, pane
from zabota.desk.door import fragment_or_page, is_fragment, tell, ticket_door, view_of
from zabota.desk.views.inbox import workspace
from zabota.staff.models import Agent
from zabota.tickets import queries, readmarks
from zabota.tickets.models import Ticket
from zabota.tickets.models.ticket import moment


@ticket_door()
def page(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """The work place with this ticket open."""
    return whole(request, agent, ticket)


def whole(
    request: HttpRequest,
    agent: Agent,
    ticket: Ticket,
    *,
    draft: pane.Draft | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    """The whole page of a ticket; `draft` keeps what was typed when an action was refused."""
    view = view_of(request)
    content = workspace(agent, view) | {"current": ticket.pk}
    everything = request.GET.get("all") == "1"
    content |= pane.content(agent, ticket, view, everything=everything, draft=draft, error=error)
    return render(request, "desk/ticket.html", content, status=status)


@ticket_door()
def pane_part(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """The middle column alone."""
    view = view_of(request)
    if not is_fragment(request):
        return redirect(f"{reverse('desk:ticket', args=[ticket.pk])}?view={view}")
    everything = request.GET.get("all") == "1"
    content = pane.content(agent, ticket, view, everything=everything)
    return render(request, "desk/pane.html", content)


@ticket_door()
def row(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """The ticket's line in a list; 204 when it does not stand in that list."""
    is_search = request.GET.get("view") == queries.SEARCH
    view = queries.SEARCH if is_search else view_of(request)
    found = queries.row_of(agent, view, ticket.pk)
    if found is None:
        return HttpResponse(status=204)
    content = {"lines": inbox.lines_of(agent, [found]), "view": view}
    return render(request, "desk/row.html", content)


@ticket_door("POST")
def read(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """The agent has looked at the ticket as it was drawn (`upto`, microseconds since 1970)."""
    upto = request.GET.get("upto", "")
    if not (upto.isascii() and upto.isdigit()) or len(upto) > 17:
        return HttpResponse(status=422)
    readmarks.saw(ticket.pk, agent.pk, moment(int(upto)))
    return HttpResponse(status=204)


@ticket_door("POST")
def unread(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """The agent puts the ticket back among what he has not read."""
    readmarks.put_back(ticket.pk, agent.pk)
    if is_fragment(request):
        news = {"toast": _("Marked as unread"), "care-unread": {"number": ticket.pk}}
        return tell(HttpResponse(status=204), **news)
    return redirect(reverse("desk:inbox", args=[view_of(request)]))


@ticket_door()
def context(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """The panel about the client."""
    content = client.content(agent, ticket, view_of(request))
    return fragment_or_page(request, "desk/context.html", content)
