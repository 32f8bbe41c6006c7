from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models

from zabota.channels.unused import names_blobs
from zabota.lib import clock
from zabota.staff.models import Token

# How long an answer under a key is told again, and an upload waits for its message.
KEPT = timedelta(days=2)
# Then nobody takes the upload any more, and this much later it is deleted: there is time for
# requests that are already at work, and for clocks that differ.
SPARE = timedelta(hours=1)


class Answered(models.Model):
    """What was answered to a request with an Idempotency-Key, to be told again."""

    token = models.ForeignKey(Token, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    # Of the method, the address and the body.
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["token", "key"], name="one_answer_per_key")
        ]

    def __str__(self) -> str:
        return f"answer {self.pk} to {self.token_id}"


class Window(models.Model):
    """How many requests came by a token in the present minute; not logged (migration 0001): a
    crash may forget it, and counting costs no wait for the disk."""

    token = models.OneToOneField(Token, models.CASCADE, primary_key=True, related_name="+")
    minute = models.BigIntegerField()
    requests = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.requests} requests of {self.token_id}"


class Waiting(models.Model):
    """An uploaded file that waits for the message it goes with."""

    token = models.ForeignKey(Token, models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=120, blank=True)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    is_scanned = models.BooleanField()
    at = models.DateTimeField(default=clock.now, db_index=True)

    def __str__(self) -> str:
        return self.name


names_blobs(Waiting, "sha256")
