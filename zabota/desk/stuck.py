"""What the screen "Not delivered" shows: mail that was not sent and jobs that gave up, page by
page, as far as the agent may know of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, Count, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from zabota.channels.models import Outgoing, OutgoingState
from zabota.channels.wording import Told, told
from zabota.desk import timeline
from zabota.events import undelivered
from zabota.notify.models import OffReason, Webhook
from zabota.staff.models import Agent
from zabota.tickets import resending
from zabota.tickets.models import Ticket

PAGE = 100
MOST_REASONS = 20
# The rail says 99+ beyond.
MOST_COUNTED = 100


@dataclass(frozen=True)
class Letter:
    """A mail that was not sent."""

    id: int
    ticket: int | None
    recipient: str
    what: str
    state: str
    label: str
    error: Told
    attempts: int
    at: datetime
    next_try: datetime | None


@dataclass(frozen=True)
class Reason:
    """Mail that was not sent for the same reason; `mark` names it in a form."""

    mark: str
    error: Told
    count: int


@dataclass(frozen=True)
class Part:
    """One of the two lists: a page of `rows`, `older` the cursor of the next ('' on the last),
    `total` in all pages, `kinds` what they have in common, the most frequent first."""

    rows: list[Any]
    older: str
    total: int
    kinds: list[Any]


def letters(agent: Agent, before: int) -> Part:
    """Mail that failed or is delayed, newest first."""
    found = resending.stuck(agent)
    rows = found.filter(pk__lt=before).select_related("ticket_message").order_by("-pk")
    shown = [letter(row) for row in rows[:PAGE]]
    older = str(shown[-1].id) if len(shown) == PAGE else ""
    reasons = resending.with_reason(found).values("reason", "mark").annotate(count=Count("pk"))
    kinds = [
        Reason(row["mark"], told(row["reason"]), row["count"])
        for row in reasons.order_by("-count", "mark")[:MOST_REASONS]
    ]
    return Part(shown, older, found.count(), kinds)


def jobs(agent: Agent, before: int) -> Part:
    """Jobs that gave up, newest first."""
    streams = streams_of(agent)
    shown = undelivered.listed(before, PAGE, streams)
    older = str(shown[-1].job) if len(shown) == PAGE else ""
    kinds = undelivered.kinds(streams, MOST_REASONS)
    return Part(shown, older, undelivered.count(streams), kinds)


def waiting(agent: Agent) -> int:
    """How much waits for a person, counted no further than MOST_COUNTED: what is only delayed
    is tried again without him. Queries over partial indexes and one short table."""
    failed = resending.stuck(agent).filter(state=OutgoingState.FAILED)[:MOST_COUNTED].count()
    more = len(silenced(agent))
    return failed + more + undelivered.count(streams_of(agent), MOST_COUNTED)


def silenced(agent: Agent) -> list[Webhook]:
    """Webhooks that were switched off by themselves: for those who may switch them on."""
    if not agent.is_administrator:
        return []
    reasons = (OffReason.GONE, OffReason.WEEK)
    return list(Webhook.objects.filter(is_active=False, off_reason__in=reasons).order_by("pk"))


def streams_of(agent: Agent) -> QuerySet[Any, Any] | None:
    """The streams whose jobs the agent may know of; None: all."""
    if agent.is_administrator:
        return None
    name = Concat(Value("ticket:"), Cast("pk", CharField()))
    return Ticket.objects.visible_to(agent).values_list(name)


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
        error=told(row.last_error),
        attempts=row.attempts,
        at=row.created_at,
        next_try=row.next_try,
    )
