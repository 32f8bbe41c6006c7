from __future__ import annotations

from typing import ClassVar

from django.db import models

from zabota.lib import clock
from zabota.tickets.models.ticket import Ticket


class TrackingLink(models.Model):
    """One participant's way to the page of his ticket. The token is made of `key` with a secret
    outside the database (`lib.signing.page_token`); the database alone opens nothing. Without an
    address it is the receipt of the form: its page says how the request stands, never its text."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="tracking_links")
    address = models.CharField(max_length=320)
    key = models.CharField(max_length=32, unique=True)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["ticket", "address"],
                condition=models.Q(revoked_at__isnull=True),
                name="one_link_per_participant",
            )
        ]

    @property
    def is_receipt(self) -> bool:
        """Whether it shows state and time alone."""
        return not self.address

    def __str__(self) -> str:
        return f"link {self.pk} of #{self.ticket_id}"
