from __future__ import annotations

from typing import ClassVar

from django.db import models

from zabota.events.facts import Fact, load
from zabota.lib import clock


class Event(models.Model):
    """One fact of the append-only log."""

    at = models.DateTimeField(default=clock.now)
    kind = models.CharField(max_length=80)
    stream = models.CharField(max_length=120)
    actor = models.CharField(max_length=80)
    cause = models.BigIntegerField(null=True)
    depth = models.PositiveSmallIntegerField(default=0)
    facts = models.JSONField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["stream", "id"]),
            models.Index(fields=["at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.stream}"

    @property
    def fact(self) -> Fact:
        """The typed fact; raises UnknownFact for a kind of a newer version."""
        return load(self.kind, self.facts)


class Timer(models.Model):
    """A fact to be recorded later; one per subject and kind (setting it again moves it)."""

    due_at = models.DateTimeField(db_index=True)
    subject = models.CharField(max_length=120)
    kind = models.CharField(max_length=80)
    stream = models.CharField(max_length=120)
    version = models.BigIntegerField(default=0)
    facts = models.JSONField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["subject", "kind"], name="one_timer_per_subject_and_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} at {self.due_at:%Y-%m-%d %H:%M}"


class JobError(models.Model):
    """Why a job failed last (the job library keeps no reason); nothing a client wrote."""

    job = models.BigIntegerField(unique=True)
    at = models.DateTimeField(default=clock.now)
    error = models.CharField(max_length=120)
    text = models.CharField(max_length=300, blank=True)
    where = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"job {self.job}: {self.error}"
