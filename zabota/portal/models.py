from __future__ import annotations

from typing import ClassVar

from django.db import models

from zabota.channels.unused import names_blobs
from zabota.customers.models import Contact
from zabota.lib import clock
from zabota.staff.models import Language
from zabota.tickets.models import Ticket


class Confirmation(models.Model):
    """Something that is done once the owner of a mail address has pressed the link sent there."""

    MESSAGE = "message"
    SIGN_IN = "sign_in"

    purpose = models.CharField(max_length=10)
    address = models.CharField(max_length=320)
    ticket = models.ForeignKey(Ticket, models.CASCADE, null=True, related_name="+")
    text = models.TextField(blank=True)
    files = models.JSONField(default=list)
    language = models.CharField(max_length=2, choices=Language)
    # The form's own key: the same form, sent twice, waits once.
    key = models.CharField(max_length=64, unique=True)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"


names_blobs(Confirmation, "files")


class ClientSession(models.Model):
    """A browser whose owner has proved that a mail address is his; not a session of an agent."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="+")
    address = models.CharField(max_length=320)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"client session {self.pk}"


class Attempt(models.Model):
    """Something of which only so many are allowed; `who` is a digest, never an address."""

    what = models.CharField(max_length=20)
    who = models.CharField(max_length=32)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["what", "who", "at"])]

    def __str__(self) -> str:
        return f"{self.what} {self.pk}"
