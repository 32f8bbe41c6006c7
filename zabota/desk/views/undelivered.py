"""What did not get through: jobs that gave up and mail that was not sent, each with a retry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from zabota.channels import outbox
from zabota.channels.models import Outgoing, OutgoingState
from zabota.channels.wording import in_words
from zabota.desk import timeline
from zabota.desk.door import agents_only, carers_only
from zabota.events import undelivered
from zabota.staff.models import Agent
from zabota.tickets.models import Ticket

MOST = 100
STUCK = (OutgoingState.FAILED, OutgoingState.DELAYED)


@dataclass(frozen=True)
class Letter:
    """A mail that was not sent."""

    id: int
    ticket: int | None
    recipient: str
    what: str
    state: str
    label: str
    error: str
    attempts: int
    at: datetime
    next_try: datetime | None


@agents_only()
def page(request: HttpRequest, agent: Agent) -> HttpResponse:
    """A lead sees what concerns tickets he may see, an administrator everything."""
    carers_only(agent)
    rows = letters_of(agent).select_related("ticket_message").order_by("-id")[:MOST]
    content = {"jobs": jobs_of(agent, undelivered.FIRST_PAGE), "letters": list(map(letter, rows))}
    return render(request, "desk/undelivered.html", content)


@agents_only("POST")
def retry_job(request: HttpRequest, agent: Agent, job: int) -> HttpResponse:
    """One more try for a job."""
    carers_only(agent)
    if job >= undelivered.FIRST_PAGE or not any(
        row.job == job for row in jobs_of(agent, job + 1, 1)
    ):
        raise Http404
    undelivered.retry(job)
    messages.success(request, _("The job is tried again."))
    return redirect("desk:undelivered")


@agents_only("POST")
def retry_letter(request: HttpRequest, agent: Agent, letter: int) -> HttpResponse:
    """One more try for a mail."""
    carers_only(agent)
    if not letters_of(agent).filter(pk=letter).exists():
        raise Http404
    try:
        outbox.retry(letter, by=agent.actor)
    except outbox.NotRetryable:
        messages.info(request, _("This message is already on its way."))
    else:
        messages.success(request, _("The mail is sent again."))
    return redirect("desk:undelivered")


def jobs_of(agent: Agent, before: int, limit: int = MOST) -> list[undelivered.Undelivered]:
    """Jobs that gave up, newest first, as far as the agent may know of them."""
    found = undelivered.listed(before, limit)
    if agent.is_administrator:
        return found
    numbers = {row.job: _ticket_of(row.stream) for row in found}
    visible = Ticket.objects.visible_to(agent).filter(pk__in=[n for n in numbers.values() if n])
    seen = set(visible.values_list("pk", flat=True))
    return [row for row in found if numbers[row.job] in seen]


def letters_of(agent: Agent) -> QuerySet[Outgoing]:
    """Mail that failed or is delayed, as far as the agent may know of it."""
    rows = Outgoing.objects.filter(state__in=STUCK)
    if agent.is_administrator:
        return rows
    return rows.filter(Q(ticket_message__ticket__in=Ticket.objects.visible_to(agent)))


def letter(row: Outgoing) -> Letter:
    """A row of the outbox in words."""
    message = getattr(row, "ticket_message", None)
    label = timeline.delivery_label(row.state)
    return Letter(
        id=row.pk,
        ticket=message.ticket_id if message else None,
        recipient=row.recipient,
        what=_("message of ticket #%(n)d") % {"n": message.ticket_id} if message else _("notice"),
        state=row.state,
        label=label[:1].upper() + label[1:],
        error=in_words(row.last_error),
        attempts=row.attempts,
        at=row.created_at,
        next_try=row.next_try,
    )


def _ticket_of(stream: str) -> int:
    kind, _colon, number = stream.partition(":")
    return int(number) if kind == "ticket" and number.isdigit() else 0
