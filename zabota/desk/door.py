"""What every view of the desk goes through: who asks, what he may, and how the answer goes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import parse_qs, urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils.translation import gettext as _

from zabota.desk.counting import counting
from zabota.events.kept import held
from zabota.staff import policy
from zabota.staff.models import Agent, Level, Role
from zabota.tickets import queries, reading
from zabota.tickets.models import Ticket

Rest = ParamSpec("Rest")
AgentView = Callable[Concatenate[HttpRequest, Agent, Rest], HttpResponse]
TicketView = Callable[Concatenate[HttpRequest, Agent, Ticket, Rest], HttpResponse]
View = Callable[Concatenate[HttpRequest, Rest], HttpResponse]
CARERS = frozenset({Role.ADMINISTRATOR, Role.LEAD})


def agents_only(*methods: str) -> Callable[[AgentView[Rest]], View[Rest]]:
    """The view gets the agent; nobody else comes in. Without methods: GET and HEAD."""
    allowed = methods or ("GET", "HEAD")

    def wrap(view: AgentView[Rest]) -> View[Rest]:
        @wraps(view)
        def door(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
            user = request.user
            if not isinstance(user, Agent):
                return _sign_in(request)
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            policy.remember(user)
            return view(request, user, *args, **kwargs)

        return cast(View[Rest], door)

    return wrap


def ticket_door(
    *methods: str, level: Level = Level.SEE
) -> Callable[[TicketView[Rest]], Callable[..., HttpResponse]]:
    """The view gets the agent and the ticket of the number in the address.

    A ticket he may not see is answered exactly as a number that does not exist; one he may see
    but not act upon at `level`, with 403.
    """

    def wrap(view: TicketView[Rest]) -> Callable[..., HttpResponse]:
        @agents_only(*methods)
        @wraps(view)
        def door(
            request: HttpRequest, agent: Agent, number: int, *args: Any, **kwargs: Any
        ) -> HttpResponse:
            # What is done with a ticket changes nothing that is kept in memory.
            with held():
                ticket = reading.visible_ticket(agent, number) if number < 2**63 else None
                if ticket is None:
                    raise Http404
                policy.demand(agent, level, ticket.queue_id)
                before = ticket.queue_id
                try:
                    return view(request, agent, ticket, *args, **kwargs)
                finally:
                    if request.method == "POST":
                        # His next page does not wait for the live line to tell.
                        counting.changed({before, ticket.queue_id})

        return door

    return wrap


def carers_only(agent: Agent) -> None:
    """Raises PermissionDenied unless the agent looks after the installation."""
    if agent.role not in CARERS:
        raise PermissionDenied


def is_fragment(request: HttpRequest) -> bool:
    """Asked by a script for a part of the screen."""
    return request.headers.get("HX-Request") == "true"


def view_of(request: HttpRequest) -> str:
    """The list the agent stands in: said in the request, else by the page it came from."""
    said = request.GET.get("view") or request.POST.get("view")
    if not said:
        page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
        said = parse_qs(page.query).get("view", [""])[0]
    return said if said in queries.VIEWS else "open"


def tell(response: HttpResponse, **news: Any) -> HttpResponse:
    """Tell the page's scripts something by HX-Trigger, for instance `toast="Saved"`."""
    response.headers["HX-Trigger"] = json.dumps(news)
    return response


def fragment_or_page(
    request: HttpRequest, template: str, content: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """`template` itself for a script, `template` inside a page of its own else."""
    if is_fragment(request):
        return render(request, template, dict(content), status=status)
    whole = dict(content) | {"part": template}
    return render(request, "desk/part_page.html", whole, status=status)


def refuse(request: HttpRequest, text: str, status: int = 403) -> HttpResponse:
    """A page with the words why not."""
    content = {"title": _("Not given out"), "text": text}
    return render(request, "desk/refused.html", content, status=status)


def _sign_in(request: HttpRequest) -> HttpResponse:
    """A script hears 401 and keeps its page (and what is typed there); a person signs in."""
    if is_fragment(request):
        return HttpResponse(_("You are signed out."), status=401)
    target = request.get_full_path() if request.method in {"GET", "HEAD"} else "/"
    return redirect_to_login(target)
