from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from zabota.staff.models import Agent
from zabota.tickets.models.ticket import Ticket


class ReadMark(models.Model):
    """Up to when an agent has read a ticket. Without a mark: up to `agent.read_from`."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="+")
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="+")
    seen_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["ticket", "agent"], name="one_read_mark")
        ]

    def __str__(self) -> str:
        return f"#{self.ticket_id} read by {self.agent_id}"
