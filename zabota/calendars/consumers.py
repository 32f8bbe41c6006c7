from __future__ import annotations

from django.db import transaction

from zabota.calendars.actions import default_calendar, fill
from zabota.calendars.models import Calendar
from zabota.events.actor import system
from zabota.events.chores import chore
from zabota.lib import clock


@chore
def fill_all() -> None:
    """There is a default calendar, and the next year's public holidays come in time."""
    default_calendar(by=system("calendars"))
    for calendar in Calendar.objects.filter(filled_until__lte=clock.now().year):
        with transaction.atomic():
            row = Calendar.objects.select_for_update().get(pk=calendar.pk)
            fill(row, by=system("calendars"))
