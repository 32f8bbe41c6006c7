"""Webhooks: who is told of a fact, the calls, what became of them (docs/adr/0013).

Calls run outside transactions. A crash between an answer and its note repeats the call with the
same id.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from zabota.channels import standstill
from zabota.channels.events import StandstillEnded
from zabota.events.actor import Actor, system
from zabota.events.chores import chore
from zabota.events.log import consumer, record
from zabota.events.models import Event
from zabota.events.timers import set_timer, versions
from zabota.lib import calling, clock, crypto
from zabota.lib.rows import insert_unless
from zabota.notify import bodies, hearing, outcomes, signatures
from zabota.notify.events import WebhookDue, WebhookSwitched
from zabota.notify.models import DeliveryState, OffReason, Webhook, WebhookDelivery
from zabota.notify.outcomes import Outcome
from zabota.tickets.events import TicketMade
from zabota.tickets.models import Ticket

KEPT = timedelta(days=14)
WEEK = timedelta(days=7)
# So many failures in a row, and it is the program that does not work, not a single delivery.
IN_A_ROW = 3
# Seconds after which a job makes room for others.
AT_ONCE = 10.0
# However slow the programs are, half of a worker's hands stay free for everything else.
_calls = threading.BoundedSemaphore(max(1, settings.WORKER_JOBS // 2))
TURN = timedelta(seconds=1)
_BATCH = 5000
BY = system("webhooks")


@consumer("notify.webhooks", *hearing.FACTS, wants=hearing.is_heard)
def tell(event: Event, fact: Any) -> None:
    """A delivery for each webhook that may hear of the ticket; jobs of one ticket run in order, so
    its deliveries stand in the order of its facts."""
    ticket = Ticket.objects.filter(pk=fact.ticket).only("queue_id", "arrived_late").first()
    if ticket is None or (ticket.arrived_late and isinstance(fact, TicketMade)):
        return
    for one in hearing.listeners():
        if event.kind not in one.kinds or ticket.queue_id not in hearing.queues_of(one):
            continue
        if one.off_at is not None and clock.now() - one.off_at > KEPT:
            continue
        state = DeliveryState.WAITING if one.off_at is None else DeliveryState.MISSED
        row = WebhookDelivery(
            webhook_id=one.webhook, event=event.pk, kind=event.kind, ticket=fact.ticket,
            at=event.at, state=state,
        )  # fmt: skip
        if insert_unless(row) and one.off_at is None:
            due(one.webhook, by=BY.because(event))


def due(webhook: int, *, by: Actor) -> None:
    """Something waits for this webhook; in the caller's transaction."""
    record(WebhookDue(webhook=webhook), stream=f"webhook:{webhook}", by=by)


@consumer("notify.webhook", WebhookDue, atomic=False)
def send(event: Event, fact: WebhookDue) -> None:
    """Make the calls that are due, unless enough others are being made."""
    if next_for(fact.webhook) is None:
        return
    if not _calls.acquire(blocking=False):
        again = WebhookDue(webhook=fact.webhook)
        stream, moment = f"webhook:{fact.webhook}", clock.now() + TURN
        set_timer(again, subject=f"webhook_turn:{fact.webhook}", stream=stream, due_at=moment)
        return
    try:
        _send(fact.webhook, BY.because(event))
    finally:
        _calls.release()


def _send(webhook: int, by: Actor) -> None:
    """The oldest first, for some seconds."""
    until = time.monotonic() + AT_ONCE
    while (found := next_for(webhook)) is not None:
        hook, row = found
        _deliver(hook, row, by)
        if time.monotonic() > until:
            with transaction.atomic():
                due(webhook, by=by)
            return


@consumer("notify.webhooks_go_on", StandstillEnded)
def go_on(event: Event, fact: StandstillEnded) -> None:
    """What waited while a restored copy stood still goes out."""
    waiting = WebhookDelivery.objects.filter(state=DeliveryState.WAITING)
    for webhook in waiting.order_by().values_list("webhook_id", flat=True).distinct():
        due(webhook, by=BY.because(event))


def next_for(webhook: int) -> tuple[Webhook, WebhookDelivery] | None:
    """The oldest delivery that is due; none while the webhook is off or rests, and none of a ticket
    whose earlier one still waits. A restored copy calls nobody."""
    hook = Webhook.objects.filter(pk=webhook, is_active=True).first()
    now = clock.now()
    if hook is None or standstill.is_on() or (hook.next_try is not None and hook.next_try > now):
        return None
    row = _due(hook, now).first()
    return None if row is None else (hook, row)


def _due(hook: Webhook, now: datetime) -> QuerySet[WebhookDelivery]:
    waiting = WebhookDelivery.objects.filter(webhook=hook, state=DeliveryState.WAITING)
    earlier = waiting.filter(ticket=OuterRef("ticket"), pk__lt=OuterRef("pk"))
    ready = waiting.filter(Q(next_try=None) | Q(next_try__lte=now)).exclude(Exists(earlier))
    return ready.order_by("pk")


def _deliver(hook: Webhook, row: WebhookDelivery, by: Actor) -> None:
    body = bodies.of(row, hook)
    if body is None:
        row.state, row.next_try = DeliveryState.DROPPED, None
        row.save(update_fields=["state", "next_try"])
        return
    outcome = attempt(hook, row.name, body)
    note(row, body, outcome, by)


def attempt(hook: Webhook, name: str, body: str) -> Outcome:
    """One signed call; raises nothing: whatever goes wrong is an outcome."""
    start = time.monotonic()

    def took() -> int:
        return int(1000 * (time.monotonic() - start))

    data, now = body.encode(), clock.now()
    try:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        headers |= signatures.headers(name, now, data, hook.secrets(now))
        answer = calling.call("POST", hook.address, headers=headers, body=data)
    except calling.Failed as failed:
        return outcomes.of_failure(failed, took())
    except crypto.WrongKey:
        return outcomes.of_failure(calling.Failed("key"), took())
    return outcomes.of_answer(answer, took())


@transaction.atomic
def note(row: WebhookDelivery, body: str, outcome: Outcome, by: Actor) -> None:
    """Write down what a call came to, and when the next one is due."""
    # Nobody edits a row that is being sent; the webhook may be edited meanwhile.
    hook = Webhook.objects.select_for_update().get(pk=row.webhook_id)
    now = clock.now()
    row.attempts += 1
    row.tried_at, row.next_try, row.body = now, None, body
    row.status, row.error, row.detail = outcome.status, outcome.error, outcome.detail
    row.answer, row.took = outcome.answer, outcome.took
    if outcome.sort == "good":
        row.state = DeliveryState.DELIVERED
        recovered(hook, now)
    else:
        _note_failure(hook, row, outcome, now)
    row.save()
    hook.save()
    if outcome.sort == "gone":
        switch_off(hook, OffReason.GONE, by=by)
    elif hook.failing_since is not None and now - hook.failing_since >= WEEK:
        switch_off(hook, OffReason.WEEK, by=by)


def recovered(hook: Webhook, now: datetime) -> None:
    """The program answered well; the caller saves."""
    hook.failures, hook.failing_since, hook.next_try = 0, None, None
    hook.last_ok_at, hook.last_error, hook.last_detail = now, "", ""


def _note_failure(hook: Webhook, row: WebhookDelivery, outcome: Outcome, now: datetime) -> None:
    hook.failures += 1
    hook.failing_since = hook.failing_since or now
    hook.last_error = outcome.error
    hook.last_detail = outcome.detail or str(outcome.status or "")
    if outcome.sort == "gone" or (outcome.most is not None and row.attempts >= outcome.most):
        row.state = DeliveryState.FAILED
    else:
        row.next_try = now + outcomes.delay(row.attempts, outcome.after)
        _wake(hook, f"delivery:{row.pk}", row.next_try, row.attempts)
    # A program that does not work is left alone as a whole: one call at a time finds out.
    if outcome.sort == "away" or hook.failures >= IN_A_ROW:
        hook.next_try = now + outcomes.delay(hook.failures, outcome.after)
        _wake(hook, hook.stream, hook.next_try, hook.failures)


def _wake(hook: Webhook, subject: str, at: datetime, version: int) -> None:
    fact = WebhookDue(webhook=hook.pk)
    set_timer(fact, subject=subject, stream=hook.stream, due_at=at, version=version)


def switch_off(hook: Webhook, reason: str, *, by: Actor) -> None:
    """No more calls; what waits is set aside. In the caller's transaction, with the row locked."""
    if not hook.is_active:
        return
    hook.is_active, hook.off_reason, hook.off_at, hook.next_try = False, reason, clock.now(), None
    hook.save(update_fields=["is_active", "off_reason", "off_at", "next_try"])
    waiting = hook.deliveries.filter(state=DeliveryState.WAITING)
    count = waiting.update(state=DeliveryState.MISSED, next_try=None)
    fact = WebhookSwitched(webhook=hook.pk, is_on=False, reason=reason, waiting=count)
    record(fact, stream=hook.stream, by=by)


@chore
def forget_deliveries() -> None:
    """What became of deliveries is known for two weeks; those that wait stay."""
    old = WebhookDelivery.objects.filter(at__lt=clock.now() - KEPT)
    old = old.exclude(state=DeliveryState.WAITING)
    while old.filter(pk__in=old.order_by("at").values("pk")[:_BATCH]).delete()[0] == _BATCH:
        pass


def _version_of_webhook(pk: int) -> int | None:
    hook = Webhook.objects.filter(pk=pk, is_active=True).values_list("failures", "next_try").first()
    return hook[0] if hook and hook[1] is not None else None


def _version_of_delivery(pk: int) -> int | None:
    row = WebhookDelivery.objects.filter(pk=pk, state=DeliveryState.WAITING)
    return row.values_list("attempts", flat=True).first()


versions("webhook", _version_of_webhook)
versions("delivery", _version_of_delivery)
