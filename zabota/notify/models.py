from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from zabota.lib import clock, crypto
from zabota.staff.models import Agent


class OffReason(models.TextChoices):
    """Who or what switched a webhook off."""

    HAND = "hand", _("switched off by hand")
    GONE = "gone", _("the program told us not to call any more")
    WEEK = "week", _("a week without a success")


class Webhook(models.Model):
    """A program that is told of facts, as far as its agent of the role integration may see."""

    name = models.CharField(_("what it is for"), max_length=80)
    address = models.CharField(_("address"), max_length=2000)
    agent = models.ForeignKey(
        Agent, models.CASCADE, related_name="webhooks", verbose_name=_("hears as")
    )
    kinds = ArrayField(models.CharField(max_length=80), verbose_name=_("what it is told"))
    # Empty: every queue the agent sees.
    queues = ArrayField(models.BigIntegerField(), default=list, verbose_name=_("queues"))
    secret_encrypted = models.TextField(editable=False)
    previous_encrypted = models.TextField(blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    is_active = models.BooleanField(default=True)
    off_reason = models.CharField(max_length=8, choices=OffReason, blank=True)
    off_at = models.DateTimeField(null=True)
    # Failed calls in a row, since when, and until when no other is made.
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    next_try = models.DateTimeField(null=True)
    last_ok_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=20, blank=True)
    last_detail = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name

    @property
    def stream(self) -> str:
        """Calls of one webhook follow one another; those of others do not wait for them."""
        return f"webhook:{self.pk}"

    def secrets(self, at: datetime) -> list[str]:
        """The secrets in force in clear, the newest first; raises crypto.WrongKey."""
        sealed = [self.secret_encrypted]
        if self.previous_until is not None and self.previous_until > at:
            sealed.append(self.previous_encrypted)
        return [crypto.decrypt(one) for one in sealed]


class DeliveryState(models.TextChoices):
    """`missed`: the webhook was switched off; `dropped`: it may not hear of the ticket any more."""

    WAITING = "waiting", _("waiting")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("given up")
    MISSED = "missed", _("missed")
    DROPPED = "dropped", _("not sent")


class WebhookDelivery(models.Model):
    """One fact for one webhook, and what became of it. Kept for a while (`webhooks.KEPT`)."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    # Without an event it is a test.
    event = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=80)
    ticket = models.BigIntegerField(null=True)
    at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=9, choices=DeliveryState, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    took = models.PositiveIntegerField(default=0)  # milliseconds
    # What was sent last, and the beginning of what was answered.
    body = models.TextField(blank=True)
    answer = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["webhook", "event"], name="one_delivery_per_event")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["webhook", "id"],
                condition=models.Q(state="waiting"),
                name="webhook_waiting",
            ),
            models.Index(
                fields=["webhook", "ticket", "id"],
                condition=models.Q(state="waiting"),
                name="webhook_line_of_ticket",
            ),
            models.Index(fields=["webhook", "-id"], name="webhook_log"),
            models.Index(fields=["at"], name="webhook_delivery_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for webhook {self.webhook_id}: {self.state}"

    @property
    def name(self) -> str:
        """The id by which the program knows a repetition."""
        return f"event_{self.event}" if self.event else f"test_{self.pk}"
