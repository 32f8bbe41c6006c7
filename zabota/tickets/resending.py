"""Mail that did not get out, as far as an agent may know of it, and sending much of it again."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import CharField, F, Func, QuerySet, Value
from django.db.models.functions import MD5

from zabota.channels import outbox
from zabota.channels.events import ResendOrdered
from zabota.channels.models import Outgoing, OutgoingState
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.staff.models import Agent
from zabota.tickets.models import Ticket

STUCK = (
    OutgoingState.FAILED, OutgoingState.DELAYED, OutgoingState.AWAY, OutgoingState.RETURNED,
)  # fmt: skip
BATCH = 200
# What differs between two mails refused for the same reason: addresses and a server's own numbers.
_OWN = r"[^\s<>;,:]+@[^\s<>;,:]+|\y[0-9A-Za-z]*[0-9][0-9A-Za-z]{8,}\y"


def stuck(agent: Agent) -> QuerySet[Outgoing]:
    """Mail that failed or is delayed: an administrator knows of all, others of their tickets'."""
    if not agent.may_work:
        return Outgoing.objects.none()
    rows = Outgoing.objects.filter(state__in=STUCK)
    if agent.is_administrator:
        return rows
    return rows.filter(ticket_message__ticket__in=Ticket.objects.visible_to(agent))


def with_reason(rows: QuerySet[Outgoing]) -> QuerySet[Any]:
    """Each with `reason`, the error without what is only this mail's, and `mark`, its digest."""
    reason = Func(
        F("last_error"),
        Value(_OWN),
        Value("…"),
        Value("g"),
        function="regexp_replace",
        output_field=CharField(),
    )
    return rows.annotate(reason=reason).annotate(mark=MD5("reason"))


def order(agent: Agent, mark: str, *, by: Actor) -> int:
    """Let all that is stuck be sent again, as far as the agent may know of it; returns how many.

    `mark` of `with_reason` chooses one reason, '' all. A worker does it: thousands take minutes.
    """
    chosen = _chosen(agent, mark)
    count, newest = chosen.count(), chosen.order_by("-pk").values_list("pk", flat=True).first()
    if newest is None:
        return 0
    with transaction.atomic():
        fact = ResendOrdered(agent=agent.pk, mark=mark, upto=newest)
        record(fact, stream=f"resend:{agent.pk}", by=by)
    return count


def send_again(fact: ResendOrdered, by: Actor) -> None:
    """In batches, each in a transaction of its own; rights are asked anew for every one.

    Each mail is taken once, even when it fails again meanwhile. A second run finds only the rest.
    """
    after = 0
    while True:
        agent = Agent.objects.get(pk=fact.agent)
        rows = _chosen(agent, fact.mark).filter(pk__gt=after, pk__lte=fact.upto)
        numbers = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if not numbers:
            return
        with transaction.atomic():
            for number in numbers:
                _retry(number, by)
        after = numbers[-1]


def _chosen(agent: Agent, mark: str) -> QuerySet[Any]:
    rows = stuck(agent)
    return with_reason(rows).filter(mark=mark) if mark else rows


def _retry(number: int, by: Actor) -> None:
    try:
        outbox.retry(number, by=by)
    except outbox.NotRetryable:
        # A person, or its own back-off, was faster.
        return
