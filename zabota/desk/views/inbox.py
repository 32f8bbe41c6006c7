from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from zabota.desk import inbox
from zabota.desk.counting import counting
from zabota.desk.door import agents_only, is_fragment, view_of
from zabota.lib.questions import Question, ask_at_once
from zabota.lib.text import one_line
from zabota.staff import policy
from zabota.staff.models import Agent
from zabota.tickets import queries

LONGEST_QUERY = 200


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
    found = inbox.page(agent, view, _rows(agent, view, _before(request)).answer())
    return render(request, "desk/rows.html", {"page": found, "view": view, "more": ""})


@agents_only()
def counts(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The panel of views with fresh counts."""
    content = {
        "groups": inbox.groups(counting.asked(agent).answer()),
        "view": view_of(request),
    }
    return render(request, "desk/views.html", content)


@agents_only()
def search(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The work place with what a search finds."""
    text = _text(request)
    found = _search(agent, text, _before(request))
    content = _beside(agent, counting.asked(agent).answer()) | {
        "view": queries.SEARCH,
        "page": found.page,
        "title": _("Search"),
        "query": text,
        "found": found,
        "more": urlencode({"q": text}),
        "empty": {
            "empty_title": _("Nothing is found") if text else _("Find a ticket"),
            "empty_text": _("Words in any form, names, addresses or a ticket's number."),
        },
    }
    return render(request, "desk/inbox.html", content)


@agents_only()
def search_rows(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The lines of a search alone; a person who came without scripts gets the whole page."""
    if not is_fragment(request):
        return redirect(request.get_full_path().replace("/search/rows/", "/search/", 1))
    text = _text(request)
    found = _search(agent, text, _before(request))
    content = {"page": found.page, "view": queries.SEARCH, "more": urlencode({"q": text})}
    return render(request, "desk/rows.html", content)


def _text(request: HttpRequest) -> str:
    return one_line(request.GET.get("q", ""))[:LONGEST_QUERY]


def _search(agent: Agent, text: str, before: str) -> inbox.Results:
    try:
        return inbox.search(agent, text, before)
    except inbox.BadCursor:
        raise BadRequest("broken cursor") from None


@agents_only()
def burning(request: HttpRequest, agent: Agent) -> HttpResponse:
    """What stands inside the rail's link; asked for beside the page, which need not wait for it."""
    count = counting.asked(agent).answer()["burning"]
    content = {"count": count, "most": queries.COUNT_CAP - 1}
    return render(request, "desk/burning_count.html", content)


def workspace(agent: Agent, view: str, before: str = "") -> dict[str, Any]:
    """What the columns beside the conversation show; raises Http404 for an unknown view."""
    rows, counts = ask_at_once(_rows(agent, view, before), counting.asked(agent))
    return _beside(agent, counts) | {
        "view": view,
        "page": inbox.page(agent, view, rows),
        "title": inbox.titles()[view],
        "empty": inbox.emptiness(view),
    }


def _beside(agent: Agent, counts: Mapping[str, int]) -> dict[str, Any]:
    """What stands beside a list, or is empty there."""
    return {
        "groups": inbox.groups(counts),
        "queue_numbers": ",".join(map(str, sorted(policy.levels(agent)))),
        "current": 0,
        "query": "",
        "more": "",
        "found": None,
    }


def _rows(agent: Agent, view: str, before: str) -> Question[list[queries.Row]]:
    if view not in queries.VIEWS:
        raise Http404
    try:
        return inbox.rows(agent, view, before)
    except inbox.BadCursor:
        raise BadRequest("broken cursor") from None


def _before(request: HttpRequest) -> str:
    return request.GET.get("before", "")
