"""The entrance of the settings: search first, then all pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from zabota.channels import standstill
from zabota.channels.models import Inbox
from zabota.customers.models import Account
from zabota.desk.settings import pages
from zabota.desk.settings.access import administrators, viewer
from zabota.notify.models import Webhook
from zabota.staff.models import Agent, Department, Queue, Topic

SHOWN = 6


@dataclass(frozen=True)
class Hit:
    """A single agent, queue, inbox … found by its name."""

    icon: str
    title: str
    place: Any
    href: str


@administrators
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """All pages, or those (and the single settings) that `?q=` finds."""
    query = request.GET.get("q", "").strip()[:100]
    content = {
        "query": query,
        "groups": pages.GROUPS,
        "found": pages.find(query),
        "hits": _hits(query) if query else [],
    }
    return render(request, "desk/settings/home.html", content)


@administrators
@require_POST
def end_standstill(request: HttpRequest) -> HttpResponse:
    """This restored copy is the original now: it fetches and sends."""
    agent = viewer(request)
    standstill.end(by=agent.actor)
    return redirect("desk:home")


def _hits(query: str) -> list[Hit]:
    """Rows whose name or address holds the words; ё and е are the same."""
    sources: tuple[tuple[pages.Page, str, Any, tuple[str, ...]], ...] = (
        (pages.AGENTS, "agent", Agent, ("surname", "first_name", "email")),
        (pages.DEPARTMENTS, "department", Department, ("name_ru", "name_en")),
        (pages.QUEUES, "queue", Queue, ("name_ru", "name_en")),
        (pages.TOPICS, "topic", Topic, ("name_ru", "name_en")),
        (pages.INBOXES, "inbox", Inbox, ("name", "address")),
        (pages.WEBHOOKS, "webhook", Webhook, ("name", "address")),
        (pages.ACCOUNTS, "account", Account, ("name",)),
    )
    hits = []
    for page, route, model, columns in sources:
        wanted = Q()
        for word in query.split():
            # A regular expression, because the stored text may hold either letter.
            wanted &= _any(columns, _either(word))
        for row in model._default_manager.filter(wanted).order_by("pk")[:SHOWN]:
            title = getattr(row, "full_name", None) or str(row)
            href = reverse(f"desk:settings:{route}", args=[row.pk])
            hits.append(Hit(page.icon, title, page.title, href))
    return hits


def _any(columns: tuple[str, ...], pattern: str) -> Q:
    wanted = Q()
    for column in columns:
        wanted |= Q(**{f"{column}__iregex": pattern})
    return wanted


def _either(word: str) -> str:
    letters = ("[её]" if letter in "её" else _quoted(letter) for letter in word.lower())
    return "".join(letters)


def _quoted(letter: str) -> str:
    # Only letters and digits mean themselves in a PostgreSQL regular expression.
    return letter if letter.isalnum() else f"\\{letter}"
