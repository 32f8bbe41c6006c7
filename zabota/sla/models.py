from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from zabota.staff.models import Agent, Queue
from zabota.tickets.models import Ticket


class Target(models.Model):
    """How many working minutes the first answer of a queue may take."""

    queue = models.OneToOneField(Queue, models.CASCADE, related_name="+")
    minutes = models.PositiveIntegerField(_("first answer within, working minutes"))

    def __str__(self) -> str:
        return f"{self.queue_id}: {self.minutes}"


class Promise(models.Model):
    """When the client was told to expect our first answer, and from what that was reckoned."""

    ticket = models.OneToOneField(Ticket, models.CASCADE, related_name="+")
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    inputs = models.JSONField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["queue", "due_at"])]

    def __str__(self) -> str:
        return f"#{self.ticket_id} by {self.due_at:%Y-%m-%d %H:%M}"


class FirstAnswer(models.Model):
    """How long a client of a queue waited for a person's first answer."""

    ticket = models.OneToOneField(Ticket, models.CASCADE, primary_key=True, related_name="+")
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="+")
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="+")
    urgency = models.PositiveSmallIntegerField()
    answered_at = models.DateTimeField(db_index=True)
    minutes = models.FloatField()

    def __str__(self) -> str:
        return f"#{self.ticket_id}: {self.minutes:.0f} min"


class Need(models.Model):
    """What a queue really needed for one urgency lately: the 80th percentile of `cases`."""

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="+")
    urgency = models.PositiveSmallIntegerField()
    minutes = models.FloatField()
    cases = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["queue", "urgency"], name="one_need_per_urgency")
        ]

    def __str__(self) -> str:
        return f"{self.queue_id}/{self.urgency}: {self.minutes:.0f} min of {self.cases}"


class Load(models.Model):
    """How many unanswered tickets a queue usually has at this time of a working day, how many
    agents answer in it on a usual day, and how many are on duty now."""

    queue = models.OneToOneField(Queue, models.CASCADE, related_name="+")
    waiting = models.FloatField()
    agents = models.FloatField()
    on_duty = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.queue_id}: {self.waiting:.1f} for {self.agents:.1f}"
