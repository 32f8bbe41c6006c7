"""Agents: the list, the invitation, and one agent's page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zabota.channels.models import Inbox
from zabota.desk.settings import history, pages
from zabota.desk.settings.access import administrators, viewer
from zabota.desk.settings.forms.agents import AgentForm, GrantsForm
from zabota.desk.settings.views.page import sent, show
from zabota.lib import clock
from zabota.staff import invitations, sessions
from zabota.staff.actions import (
    change_agent,
    invite_agent,
    reset_second_factor,
    set_grants,
    switch_off,
)
from zabota.staff.models import Agent, Grant, Queue
from zabota.staff.policy import CEILING


@dataclass(frozen=True)
class Person:
    """An agent as the list shows him; `state`: works, invited, off or ended."""

    agent: Agent
    queues: list[str]
    has_second_factor: bool
    state: str


@administrators
@require_GET
def agents(request: HttpRequest) -> HttpResponse:
    """Everybody, those who may sign in first."""
    people = sorted(_people(), key=lambda one: (one.state in {"off", "ended"}, _by_name(one.agent)))
    lines = history.of("agent", [one.agent.pk for one in people])
    return show(request, "agents", pages.AGENTS, people=people, lines=lines)


@administrators
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """A new agent; his link is on the page that answers the form, and nowhere else."""
    form = AgentForm(sent(request))
    if request.method == "POST" and form.is_valid():
        by = viewer(request).actor
        given = {name: form.cleaned_data[name] for name in (*form.Meta.fields, "time_zone")}
        given["expires_at"] = form.changes().get("expires_at")
        with transaction.atomic():
            agent = invite_agent(given.pop("email"), by=by, **given)
            link = invitations.invite(agent, by)
        return _link(request, agent, link)
    status = 422 if form.errors else 200
    return show(request, "invite", pages.AGENTS, status=status, form=form)


@administrators
@require_http_methods(["GET", "POST"])
def agent(request: HttpRequest, pk: int) -> HttpResponse:
    """One agent: who he is, his rights, his sign-in."""
    person = get_object_or_404(Agent, pk=pk)
    form = AgentForm(sent(request), instance=get_object_or_404(Agent, pk=pk))
    if request.method == "POST" and form.is_valid():
        try:
            change_agent(person, form.changes(), by=viewer(request).actor)
        except ValidationError as error:
            _add(form, error)
        else:
            messages.success(request, _("Saved: %(name)s.") % {"name": form.instance})
            return redirect("desk:settings:agent", pk)
    return _show(request, person, form, GrantsForm(agent=person))


@administrators
@require_POST
def grants(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the levels in all queues."""
    person = get_object_or_404(Agent, pk=pk)
    form = GrantsForm(request.POST, agent=person)
    if form.is_valid():
        set_grants(person, form.levels(), by=viewer(request).actor)
        messages.success(request, _("The rights are saved and hold at once."))
        return redirect("desk:settings:agent", pk)
    return _show(request, person, AgentForm(instance=person), form)


@administrators
@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch the account off (signs out everywhere) or on again."""
    person, by = get_object_or_404(Agent, pk=pk), viewer(request).actor
    try:
        if request.POST.get("to") == "on":
            change_agent(person, {"is_active": True}, by=by)
            messages.success(request, _("The account is switched on."))
        else:
            switch_off(person, by=by)
            messages.success(request, _("The account is switched off and signed out everywhere."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("desk:settings:agent", pk)


@administrators
@require_POST
def new_link(request: HttpRequest, pk: int) -> HttpResponse:
    """A fresh one-time link; earlier ones end."""
    person = get_object_or_404(Agent, pk=pk)
    return _link(request, person, invitations.invite(person, viewer(request).actor))


@administrators
@require_POST
def second_factor(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget the second factor; the password alone signs in next time."""
    reset_second_factor(get_object_or_404(Agent, pk=pk), by=viewer(request).actor)
    messages.success(request, _("The second factor is reset; the agent is signed out everywhere."))
    return redirect("desk:settings:agent", pk)


@administrators
@require_POST
def end_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign the agent out everywhere; the one who asks keeps his own session."""
    person, asker = get_object_or_404(Agent, pk=pk), viewer(request)
    keep = (request.session.session_key or "") if person == asker else ""
    with transaction.atomic():
        ended = sessions.end_all(person, by=asker.actor, keep=keep)
    text = ngettext("%(num)d session was ended.", "%(num)d sessions were ended.", ended)
    messages.success(request, text % {"num": ended})
    return redirect("desk:settings:agent", pk)


def state(agent: Agent) -> str:
    """works, invited (no password yet), off or ended."""
    if not agent.is_active:
        return "off"
    if agent.expires_at and agent.expires_at <= clock.now():
        return "ended"
    return "works" if agent.has_usable_password() else "invited"


def _show(
    request: HttpRequest, person: Agent, form: AgentForm, grants_form: GrantsForm
) -> HttpResponse:
    return show(
        request,
        "agent",
        pages.AGENTS,
        status=422 if form.errors or grants_form.errors else 200,
        person=person,
        state=state(person),
        form=form,
        grants_form=grants_form,
        ceiling=CEILING[person.role],
        has_second_factor=_with_second_factor(person.pk),
        session_count=UserSession.objects.filter(user=person).count(),
        lines=history.of("agent", [person.pk]),
    )


def _link(request: HttpRequest, person: Agent, link: str) -> HttpResponse:
    is_mailed = Inbox.objects.filter(is_active=True).exists()
    hours = int(invitations.LIFE.total_seconds() // 3600)
    return show(
        request, "link", pages.AGENTS, person=person, link=link, is_mailed=is_mailed, hours=hours
    )


def _people() -> list[Person]:
    second = set(Authenticator.objects.filter(type="totp").values_list("user_id", flat=True))
    queues = {queue.pk: str(queue) for queue in Queue.objects.order_by("line", "id")}
    granted: dict[int, list[str]] = {}
    for person, queue in Grant.objects.order_by("queue_id").values_list("agent_id", "queue_id"):
        granted.setdefault(person, []).append(queues[queue])
    return [
        Person(one, granted.get(one.pk, []), one.pk in second, state(one))
        for one in Agent.objects.all()
    ]


def _with_second_factor(pk: int) -> bool:
    return bool(Authenticator.objects.filter(user=pk, type="totp").exists())


def _by_name(agent: Agent) -> tuple[str, str]:
    return pages.fold(agent.surname), pages.fold(agent.first_name)


def _add(form: BaseForm, error: ValidationError) -> None:
    """Show an action's words beside the fields they name, else above the form."""
    named: dict[str, Any] = getattr(error, "error_dict", {}) or {"": error}
    for field, problems in named.items():
        form.add_error(field if field in form.fields else None, problems)
