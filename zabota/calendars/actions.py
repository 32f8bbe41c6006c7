"""What administrators do with calendars; each change is a fact of the calendar or the queue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from babel.core import get_global
from django.conf import settings
from django.db import transaction

from zabota.calendars.events import CalendarGiven, DayChanged, HolidaysFilled
from zabota.calendars.models import Calendar, Day, QueueCalendar
from zabota.calendars.public import countries, holidays_of
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock
from zabota.staff.actions import save_setting
from zabota.staff.models import Queue

WHERE = frozenset({"country", "region"})


@transaction.atomic
def save_calendar(calendar: Calendar, fields: Collection[str], *, by: Actor) -> None:
    """Store a validated calendar; another country or region brings its public holidays."""
    if calendar.is_default:
        Calendar.objects.filter(is_default=True).exclude(pk=calendar.pk).update(is_default=False)
    made = calendar.pk is None
    save_setting(calendar, fields, by=by)
    if made or WHERE & set(fields):
        calendar.days.filter(is_own=False).delete()
        calendar.filled_until = 0
        fill(calendar, by=by)


def fill(calendar: Calendar, *, by: Actor) -> None:
    """Write the public holidays of this year and the next into the list; days that stand there
    already stay as they are. Raises LookupError for an unknown country."""
    year = clock.now().year
    years = range(max(year, calendar.filled_until + 1), year + 2)
    if not years:
        return
    if calendar.country:
        _write(calendar, years)
    calendar.filled_until = years[-1]
    calendar.save(update_fields=["filled_until"])
    fact = HolidaysFilled(calendar=calendar.pk, until=years[-1])
    record(fact, stream=f"calendar:{calendar.pk}", by=by)


def _write(calendar: Calendar, years: range) -> None:
    found = [one for year in years for one in holidays_of(calendar.country, calendar.region, year)]
    rows = [
        Day(calendar=calendar, day=one.day, name_ru=one.name_ru[:200], name_en=one.name_en[:200])
        for one in found
    ]
    Day.objects.bulk_create(rows, ignore_conflicts=True)


def default_calendar(*, by: Actor) -> Calendar:
    """The calendar of all queues without one; made on first need: an office week in the
    installation's zone, with the public holidays of the zone's country."""
    found = Calendar.objects.filter(is_default=True).first()
    if found is not None:
        return found
    zone = settings.TIME_ZONE
    country = str(get_global("zone_territories").get(zone, ""))
    calendar = Calendar(
        name_ru="Рабочая неделя",
        name_en="Office week",
        time_zone=zone,
        country=country if country in countries() else "",
        is_default=True,
    )
    save_calendar(calendar, [], by=by)
    return calendar


@transaction.atomic
def set_day(calendar: Calendar, day: date, *, is_off: bool, name: str, by: Actor) -> None:
    """A day off, or a worked day, whatever week and public holidays say."""
    Calendar.objects.select_for_update().get(pk=calendar.pk)
    row = Day.objects.filter(calendar=calendar, day=day).first()
    was = _state(row)
    if row is None:
        row = Day(calendar=calendar, day=day, name_ru=name[:200], name_en=name[:200], is_own=True)
    elif row.is_off == is_off:
        return
    row.is_off = is_off
    row.save()
    _told(calendar, day, was, row, by)


@transaction.atomic
def clear_day(calendar: Calendar, day: date, *, by: Actor) -> None:
    """An own day goes by the week again; a public holiday is a holiday again."""
    Calendar.objects.select_for_update().get(pk=calendar.pk)
    row = Day.objects.filter(calendar=calendar, day=day).first()
    if row is None:
        return
    was = _state(row)
    if row.is_own:
        row.delete()
        row = None
    else:
        row.is_off = True
        row.save()
    _told(calendar, day, was, row, by)


@transaction.atomic
def give_calendar(queue: Queue, calendar: Calendar | None, *, by: Actor) -> None:
    """The calendar a queue works by; None is the default one."""
    Queue.objects.select_for_update().get(pk=queue.pk)
    row = QueueCalendar.objects.filter(queue=queue).first()
    was, now = row.calendar_id if row else None, calendar.pk if calendar else None
    if was == now:
        return
    if calendar is None:
        QueueCalendar.objects.filter(queue=queue).delete()
    else:
        QueueCalendar.objects.update_or_create(queue=queue, defaults={"calendar": calendar})
    fact = CalendarGiven(queue=queue.pk, was=was, now=now)
    record(fact, stream=f"queue:{queue.pk}", by=by)


def _state(row: Day | None) -> str:
    if row is None:
        return ""
    return "off" if row.is_off else "working"


def _told(calendar: Calendar, day: date, was: str, row: Day | None, by: Actor) -> None:
    now = _state(row)
    if was != now:
        fact = DayChanged(calendar=calendar.pk, day=day.isoformat(), was=was, now=now)
        record(fact, stream=f"calendar:{calendar.pk}", by=by)
