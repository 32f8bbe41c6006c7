from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from zabota.desk import inbox
from zabota.desk.door import agents_only, is_fragment, view_of
from zabota.staff import policy
from zabota.staff.models import Agent
from zabota.tickets import queries


@agents_only()
def home(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The work place begins with the agent's own tickets."""
    return redirect("desk:inbox", "mine")


@agents_only()
def page(request: HttpRequest, agent: Agent, view: str) -> HttpResponse:
    """The work place with a list and no ticket open."""
    content = workspace(agent, view, _before(request))
    return render(request, "desk/inbox.html", content)


@agents_only()
def rows(request: HttpRequest, agent: Agent, view: str) -> HttpResponse:
    """The lines alone; a person who came without scripts gets the whole page."""
    if not is_fragment(request):
        url = request.get_full_path().replace(f"/{view}/rows/", f"/{view}/", 1)
        return redirect(url)
    found = _page(agent, view, _before(request))
    return render(request, "desk/rows.html", {"page": found, "view": view})


@agents_only()
def counts(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The panel of views with fresh counts."""
    content = {"groups": inbox.groups(agent), "view": view_of(request)}
    return render(request, "desk/views.html", content)


def workspace(agent: Agent, view: str, before: str = "") -> dict[str, Any]:
    """What the columns beside the conversation show; raises Http404 for an unknown view."""
    found = _page(agent, view, before)
    return {
        "view": view,
        "page": found,
        "groups": inbox.groups(agent),
        "title": inbox.titles()[view],
        "queue_numbers": ",".join(map(str, sorted(policy.levels(agent)))),
        "empty": inbox.emptiness(view),
        "current": 0,
    }


def _page(agent: Agent, view: str, before: str) -> inbox.Page:
    if view not in queries.VIEWS:
        raise Http404
    try:
        return inbox.page(agent, view, before)
    except inbox.BadCursor:
        raise BadRequest("broken cursor") from None


def _before(request: HttpRequest) -> str:
    return request.GET.get("before", "")
