from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from zabota.lib import clock
from zabota.staff.models import Queue, TwoLanguageName, check_zone


def office_week() -> list[list[list[int]]]:
    """Monday to Friday, 9 to 18, in minutes after midnight."""
    return [[[540, 1080]] for _day in range(5)] + [[], []]


class Calendar(TwoLanguageName):
    """When we work. `week`: seven lists of [from, until] in minutes after midnight, Monday first;
    until ≤ from means: over midnight."""

    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Moscow", validators=[check_zone]
    )
    week = models.JSONField(_("working hours"), default=office_week)
    country = models.CharField(_("public holidays of"), max_length=2, blank=True)
    region = models.CharField(_("region"), max_length=40, blank=True)
    is_default = models.BooleanField(_("for all queues without a calendar"), default=False)
    # The last year whose public holidays stand in the list.
    filled_until = models.PositiveSmallIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="one_default_calendar",
            )
        ]


class Day(models.Model):
    """A day that differs from the week: off, or worked all the same. A public holiday that we work
    on keeps its row, so that it does not come back."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="days")
    day = models.DateField(_("day"))
    name_ru = models.CharField(max_length=200, blank=True)
    name_en = models.CharField(max_length=200, blank=True)
    is_off = models.BooleanField(default=True)
    is_own = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["calendar", "day"], name="one_row_per_calendar_day")
        ]

    def __str__(self) -> str:
        return f"{self.day}"


class QueueCalendar(models.Model):
    """The calendar of a queue; a queue without one has the default calendar."""

    queue = models.OneToOneField(Queue, models.CASCADE, related_name="+")
    calendar = models.ForeignKey(
        Calendar, models.PROTECT, related_name="queues", verbose_name=_("working calendar")
    )

    def __str__(self) -> str:
        return f"{self.queue_id} {self.calendar_id}"
