"""Departments, queues and topics: lists and forms of one pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import models
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zabota.calendars.actions import give_calendar
from zabota.calendars.models import QueueCalendar
from zabota.desk.settings import history, pages
from zabota.desk.settings.access import administrators, viewer
from zabota.desk.settings.forms.calendars import DeadlinesForm
from zabota.desk.settings.forms.structure import DepartmentForm, NamedForm, QueueForm, TopicForm
from zabota.desk.settings.views.page import sent, show
from zabota.sla.actions import set_target
from zabota.sla.expecting import target_of
from zabota.sla.queries import kept_share
from zabota.staff import policy
from zabota.staff.actions import save_setting
from zabota.staff.models import Agent, Department, Grant, Level, Queue, Topic


@dataclass(frozen=True)
class Sort:
    """One sort of settings with its page, form and words."""

    name: str
    page: pages.Page
    model: type[models.Model]
    form: type[NamedForm]
    add: str | Promise
    heads: tuple[str | Promise, ...]


SORTS = {
    "department": Sort(
        "department",
        pages.DEPARTMENTS,
        Department,
        DepartmentForm,
        gettext_lazy("Add a department"),
        (gettext_lazy("Department"), gettext_lazy("Queues"), gettext_lazy("State")),
    ),
    "queue": Sort(
        "queue",
        pages.QUEUES,
        Queue,
        QueueForm,
        gettext_lazy("Add a queue"),
        (
            gettext_lazy("Queue"),
            gettext_lazy("Department"),
            gettext_lazy("Line"),
            gettext_lazy("Agents"),
            gettext_lazy("State"),
        ),
    ),
    "topic": Sort(
        "topic",
        pages.TOPICS,
        Topic,
        TopicForm,
        gettext_lazy("Add a topic"),
        (gettext_lazy("Topic"), gettext_lazy("Queue"), gettext_lazy("State")),
    ),
}


@administrators
@require_GET
def rows(request: HttpRequest, sort: str) -> HttpResponse:
    """All departments, queues or topics."""
    kind = SORTS[sort]
    found = sorted(_rows(sort), key=lambda row: (not _in_use(row), pages.fold(str(row))))
    return show(
        request,
        "rows",
        kind.page,
        sort=kind,
        rows=found,
        lines=history.of(sort, [row.pk for row in found]),
    )


@administrators
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, sort: str, pk: int | None = None) -> HttpResponse:
    """The form of one; without `pk` of a new one."""
    kind = SORTS[sort]
    row = get_object_or_404(kind.model, pk=pk) if pk else None
    form = kind.form(sent(request), instance=row)
    if request.method == "POST" and form.is_valid():
        changed = [name for name in form.changed_data if name != "preset"]
        save_setting(form.instance, changed, by=viewer(request).actor)
        messages.success(request, _("Saved: %(name)s.") % {"name": form.instance})
        return redirect(kind.page.route)
    return _show(request, kind, row, form)


@administrators
@require_POST
def deadlines(request: HttpRequest, pk: int) -> HttpResponse:
    """By which calendar the queue works, and how soon it answers."""
    queue = get_object_or_404(Queue, pk=pk)
    form = DeadlinesForm(request.POST)
    if not form.is_valid():
        return _show(request, SORTS["queue"], queue, QueueForm(instance=queue), deadlines=form)
    by = viewer(request).actor
    give_calendar(queue, form.cleaned_data["calendar"], by=by)
    set_target(queue, form.cleaned_data["target"], by=by)
    messages.success(request, _("Saved: %(name)s.") % {"name": queue})
    return redirect("desk:settings:queue", pk)


def _show(
    request: HttpRequest,
    kind: Sort,
    row: Any,
    form: NamedForm,
    deadlines: DeadlinesForm | None = None,
) -> HttpResponse:
    content = _about_queue(row, deadlines) if isinstance(row, Queue) else {}
    refused = form.errors or (deadlines is not None and deadlines.errors)
    return show(
        request,
        "edit",
        kind.page,
        status=422 if refused else 200,
        sort=kind,
        row=row,
        form=form,
        lines=history.of(kind.name, [row.pk]) if row else [],
        **content,
    )


def _about_queue(queue: Queue, form: DeadlinesForm | None) -> dict[str, Any]:
    """What the page of a queue shows besides its form."""
    chosen = QueueCalendar.objects.filter(queue=queue).values_list("calendar_id", flat=True).first()
    kept, every = kept_share(queue.pk)
    now = {"calendar": chosen, "target": target_of(queue.pk)}
    return {
        "people": _people(queue),
        "deadlines": form or DeadlinesForm(initial=now),
        "kept_promises": kept,
        "promises": every,
    }


def _rows(sort: str) -> list[Any]:
    if sort == "department":
        in_use = Count("queues", filter=Q(queues__is_active=True))
        return list(Department.objects.annotate(queue_count=in_use))
    if sort == "queue":
        working = Count("grants", filter=Q(grants__agent__is_active=True))
        queues = Queue.objects.select_related("department").annotate(agent_count=working)
        return list(queues)
    return list(Topic.objects.select_related("queue"))


def _in_use(row: Any) -> bool:
    return bool(getattr(row, "is_active", True))


def _people(queue: Queue) -> list[tuple[Agent, str]]:
    """Who sees the queue, and what each may do there."""
    granted = dict(Grant.objects.filter(queue=queue).values_list("agent_id", "level"))
    found = []
    for person in policy.agents_of(queue.pk, Level.SEE):
        ceiling = policy.CEILING[person.role]
        level = ceiling if person.is_administrator else min(granted[person.pk], ceiling)
        found.append((person, str(Level(level).label)))
    return found
