"""What administrators do with webhooks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from zabota.channels import standstill
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock, crypto
from zabota.notify import bodies, hearing, signatures, webhooks
from zabota.notify.events import (
    WebhookReplayed,
    WebhookSecretChanged,
    WebhookSwitched,
    WebhookTested,
)
from zabota.notify.models import DeliveryState, OffReason, Webhook, WebhookDelivery
from zabota.staff.actions import save_setting
from zabota.tickets.locking import NotPossible

# How long the former secret signs too, in hours.
OVERLAPS = (24, 168, 0)
AGAIN = (DeliveryState.FAILED, DeliveryState.MISSED)


@transaction.atomic
def save_webhook(hook: Webhook, fields: Collection[str], *, by: Actor) -> str:
    """Store a validated webhook; the secret of a new one in clear, which is shown once, else ''.

    A changed address is tried at once, whatever the former one did.
    """
    secret = ""
    if hook._state.adding:
        secret = signatures.new_secret()
        hook.secret_encrypted = crypto.encrypt(secret)
    save_setting(hook, fields, by=by)
    if not secret and "address" in fields:
        row = _locked(hook)
        row.failures, row.failing_since, row.next_try = 0, None, None
        row.save(update_fields=["failures", "failing_since", "next_try"])
        webhooks.due(row.pk, by=by)
    return secret


@transaction.atomic
def rotate_secret(hook: Webhook, *, hours: int, by: Actor) -> str:
    """A new secret, shown once; the former one signs too for so many hours, an older one no
    more."""
    row = _locked(hook)
    secret = signatures.new_secret()
    row.previous_encrypted = row.secret_encrypted if hours else ""
    row.previous_until = clock.now() + timedelta(hours=hours) if hours else None
    row.secret_encrypted = crypto.encrypt(secret)
    row.save(update_fields=["secret_encrypted", "previous_encrypted", "previous_until"])
    record(WebhookSecretChanged(webhook=row.pk, hours=hours), stream=row.stream, by=by)
    return secret


@transaction.atomic
def switch_off(hook: Webhook, *, by: Actor) -> None:
    """No more calls until it is switched on; what happens meanwhile it does not hear."""
    webhooks.switch_off(_locked(hook), OffReason.HAND, by=by)


@transaction.atomic
def switch_on(hook: Webhook, *, replay: bool, by: Actor) -> int:
    """Call again, with `replay` first for what was missed; how much that is."""
    row = _locked(hook)
    if row.is_active:
        return 0
    row.is_active, row.off_reason, row.off_at = True, "", None
    row.failures, row.failing_since, row.next_try = 0, None, None
    row.save()
    missed = row.deliveries.filter(state=DeliveryState.MISSED)
    count = _again(missed) if replay else 0
    fact = WebhookSwitched(webhook=row.pk, is_on=True, reason="hand", waiting=count)
    record(fact, stream=row.stream, by=by)
    webhooks.due(row.pk, by=by)
    return count


@transaction.atomic
def replay(delivery: WebhookDelivery, *, by: Actor) -> None:
    """Send one again, with the same id; raises NotPossible."""
    hook = _calling(delivery.webhook)
    row = hook.deliveries.filter(pk=delivery.pk).exclude(event=None)
    if not _again(row.exclude(state=DeliveryState.WAITING)):
        raise NotPossible(_("This cannot be sent again: it waits already, or was a test."))
    record(WebhookReplayed(webhook=hook.pk, count=1), stream=hook.stream, by=by)
    webhooks.due(hook.pk, by=by)


@transaction.atomic
def replay_all(hook: Webhook, *, by: Actor) -> int:
    """Send again all that was given up or missed, the oldest first; how much. Raises
    NotPossible."""
    row = _calling(hook)
    count = _again(row.deliveries.filter(state__in=AGAIN))
    if count:
        record(WebhookReplayed(webhook=row.pk, count=count), stream=row.stream, by=by)
        webhooks.due(row.pk, by=by)
    return count


def test(hook: Webhook, *, by: Actor) -> WebhookDelivery:
    """Call the address now, switched off or not; raises NotPossible while a restored copy stands
    still. A success ends a rest. Not inside a transaction: it is a call."""
    if standstill.is_on():
        raise NotPossible(_("This is a restored copy: it calls nobody yet."))
    row = WebhookDelivery.objects.create(
        webhook=hook, kind=hearing.TEST, state=DeliveryState.FAILED, error="cut"
    )
    body = bodies.test(row.name, hook)
    outcome = webhooks.attempt(hook, row.name, body)
    is_good = outcome.sort == "good"
    row.state = DeliveryState.DELIVERED if is_good else DeliveryState.FAILED
    row.attempts, row.tried_at, row.body = 1, clock.now(), body
    row.status, row.error, row.detail = outcome.status, outcome.error, outcome.detail
    row.answer, row.took = outcome.answer, outcome.took
    with transaction.atomic():
        found = _locked(hook)
        row.save()
        record(WebhookTested(webhook=hook.pk, is_good=is_good), stream=hook.stream, by=by)
        if is_good:
            webhooks.recovered(found, clock.now())
            found.save()
            webhooks.due(hook.pk, by=by)
    return row


def _locked(hook: Webhook) -> Webhook:
    return Webhook.objects.select_for_update().get(pk=hook.pk)


def _calling(hook: Webhook) -> Webhook:
    """The row, locked, its rest ended: a person does not wait for the next try."""
    row = _locked(hook)
    if not row.is_active:
        raise NotPossible(_("This webhook is switched off. Switch it on first."))
    row.next_try = None
    row.save(update_fields=["next_try"])
    return row


def _again(rows: QuerySet[WebhookDelivery]) -> int:
    """These wait anew, as if never tried; how many."""
    return rows.update(state=DeliveryState.WAITING, attempts=0, next_try=None)
