from __future__ import annotations

from typing import ClassVar

from django.db import models

from zabota.channels.unused import names_blobs
from zabota.lib import clock
from zabota.staff.models import Agent
from zabota.tickets.models.ticket import Ticket


class Draft(models.Model):
    """What an agent was writing in a ticket, as a reply or as a note; nobody else sees it."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="+")
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="+")
    mode = models.CharField(max_length=5)
    text = models.TextField()
    to = models.CharField(max_length=320, blank=True)
    # Why a held reply came back instead of being sent.
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["ticket", "agent", "mode"], name="one_draft_per_mode")
        ]

    def __str__(self) -> str:
        return f"{self.mode} for #{self.ticket_id}"


class HeldReply(models.Model):
    """A reply that its author may still take back. It is no message yet: nobody else sees it, the
    ticket does not change, no clock stops."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="+")
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="+")
    body = models.TextField()
    files = models.JSONField(default=list)
    solve = models.BooleanField(default=False)
    then = models.CharField(max_length=16, blank=True)
    to = models.CharField(max_length=320, blank=True)
    key = models.CharField(max_length=64, unique=True)
    send_at = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"held reply {self.pk} for #{self.ticket_id}"


names_blobs(HeldReply, "files")
