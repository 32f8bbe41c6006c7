"""The calendars kept in memory, ready to reckon with."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings

from zabota.calendars.models import Calendar, Day, QueueCalendar, office_week
from zabota.calendars.worktime import Hours, week
from zabota.events.kept import Kept


@dataclass(frozen=True)
class Working:
    """One calendar: the hours of work, and the same days off around the clock."""

    calendar: int | None
    hours: Hours
    guard: Hours


@dataclass(frozen=True)
class Known:
    """All calendars by id, the default one, and the calendars of queues by the queue's id."""

    calendars: dict[int, Working]
    default: Working
    queues: dict[int, int]


def of_queue(queue_id: int) -> Working:
    """The calendar a queue works by; one small statement."""
    known = _KEPT.get()
    return known.calendars.get(known.queues.get(queue_id, 0), known.default)


def queues_of(calendar_id: int, among: list[int]) -> list[int]:
    """Those of the queues that work by the calendar."""
    return [queue for queue in among if of_queue(queue).calendar == calendar_id]


def hours_of(calendar: Calendar, days: dict[date, bool]) -> Hours:
    """A calendar's row as hours to reckon with."""
    spans = [[(int(start), int(end)) for start, end in one] for one in calendar.week]
    return Hours(ZoneInfo(calendar.time_zone), week(spans), days)


def _read() -> Known:
    days: defaultdict[int, dict[date, bool]] = defaultdict(dict)
    for calendar, day, is_off in Day.objects.values_list("calendar_id", "day", "is_off"):
        days[calendar][day] = not is_off
    found, default = {}, None
    for row in Calendar.objects.all():
        found[row.pk] = _working(row, days[row.pk])
        if row.is_default:
            default = found[row.pk]
    if default is None:
        office = Calendar(time_zone=settings.TIME_ZONE, week=office_week())
        default = _working(office, {})
    queues = dict(QueueCalendar.objects.values_list("queue_id", "calendar_id"))
    return Known(found, default, queues)


def _working(row: Calendar, days: dict[date, bool]) -> Working:
    hours = hours_of(row, days)
    return Working(row.pk, hours, hours.around_the_clock())


_KEPT = Kept("calendars", _read)
