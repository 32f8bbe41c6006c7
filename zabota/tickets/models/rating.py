from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from zabota.lib import clock
from zabota.tickets.models.ticket import Ticket

BEST = 5
LOW = 2


class Outcome(models.TextChoices):
    """How a recovery ended; empty while it goes on."""

    SAVED = "saved", _("saved")
    LOST = "lost", _("lost")


class Rating(models.Model):
    """What a participant thinks of how his ticket was treated; his last word counts."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="ratings")
    address = models.CharField(max_length=320)
    mark = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(BEST)]
    )
    comment = models.TextField(blank=True)
    at = models.DateTimeField(default=clock.now)
    # The ticket by which we make it good again, and how that ended.
    recovery = models.OneToOneField(Ticket, models.SET_NULL, null=True, related_name="recovers")
    outcome = models.CharField(max_length=5, choices=Outcome, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["ticket", "address"], name="one_rating_per_participant"
            ),
            models.CheckConstraint(
                condition=models.Q(mark__gte=1) & models.Q(mark__lte=BEST), name="mark_1_to_5"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mark} for #{self.ticket_id}"

    @property
    def is_low(self) -> bool:
        """So bad that somebody must make it good again."""
        return self.mark <= LOW
