"""Working time as plain arithmetic: weekly hours on the clock of one zone, days off, no database.

Instants are aware datetimes, amounts are timedeltas of real time: an hour that a clock change takes
away was not worked, one that it brings twice was worked twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 24 * 60  # minutes
MINUTE = timedelta(minutes=1)
ONE_DAY = timedelta(days=1)
# Longer than any row of days off that somebody may mean.
HORIZON = 3 * 366  # days

Span = tuple[int, int]  # minutes after local midnight: from, until (0 … 1440)
Week = tuple[tuple[Span, ...], ...]  # by weekday, Monday first


class NoWorkingTime(Exception):
    """Nobody ever works by these hours; which calendar it is, knows the caller."""


@dataclass(frozen=True)
class Hours:
    """When somebody works.

    `days` overrules the week: True is a working day (with the hours of its weekday, else those of
    the first weekday that has any), False a day off from midnight to midnight of the zone.
    """

    zone: ZoneInfo
    week: Week
    days: Mapping[date, bool] = field(default_factory=dict)

    def __hash__(self) -> int:
        return id(self)

    def add(self, moment: datetime, amount: timedelta) -> datetime:
        """The instant when `amount` of working time has passed since `moment`, in UTC.

        At the end of a working span, not at the beginning of the next; `moment` itself for nothing.
        Raises NoWorkingTime.
        """
        if amount <= timedelta(0):
            return moment.astimezone(UTC)
        left, moment = amount, moment.astimezone(UTC)
        day = moment.astimezone(self.zone).date()
        begin, last = day, day + timedelta(days=HORIZON)
        while day <= last:
            # Whole months at once; of the first day only what lies behind `moment`.
            if day.day == 1 and day > begin and (month := _of_month(self, day)) < left:
                left -= month
                day = _next_month(day)
                continue
            for start, end in _in_utc(self, day):
                worked = end - max(start, moment)
                if worked >= left:
                    return max(start, moment) + left
                left -= max(worked, timedelta(0))
            day += ONE_DAY
        raise NoWorkingTime

    def between(self, first: datetime, last: datetime) -> timedelta:
        """Working time from `first` until `last`; nothing when `last` is earlier."""
        total, first, last = timedelta(0), first.astimezone(UTC), last.astimezone(UTC)
        begin, end_day = first.astimezone(self.zone).date(), last.astimezone(self.zone).date()
        day = begin
        while day <= end_day:
            if day.day == 1 and day > begin and _next_month(day) <= end_day:
                total += _of_month(self, day)
                day = _next_month(day)
                continue
            for start, end in _in_utc(self, day):
                total += max(min(end, last) - max(start, first), timedelta(0))
            day += ONE_DAY
        return total

    def around_the_clock(self) -> Hours:
        """Day, night and weekend in the same zone, standing still only on the same days off."""
        return Hours(
            self.zone, ALWAYS, {day: works for day, works in self.days.items() if not works}
        )

    def of_day(self, day: date) -> tuple[Span, ...]:
        """The spans worked on a day of the zone."""
        works = self.days.get(day)
        if works is False:
            return ()
        spans = self.week[day.weekday()]
        if works and not spans:
            return next((one for one in self.week if one), ())
        return spans


@lru_cache(maxsize=4096)
def _in_utc(hours: Hours, day: date) -> tuple[tuple[datetime, datetime], ...]:
    found = []
    for first, last in hours.of_day(day):
        start, end = instant(hours.zone, day, first), instant(hours.zone, day, last)
        if end > start:
            found.append((start, end))
    return tuple(found)


@lru_cache(maxsize=512)
def _of_month(hours: Hours, first: date) -> timedelta:
    """All working time of the month that begins on the day `first`."""
    total, day = timedelta(0), first
    while day.month == first.month:
        total += sum((end - start for start, end in _in_utc(hours, day)), timedelta(0))
        day += ONE_DAY
    return total


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def instant(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    """A wall-clock time as an instant in UTC: the first of two, the next that exists of none."""
    wall = datetime.combine(day, time()) + minutes * MINUTE
    while True:
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == wall:
            return moment
        wall += MINUTE


def week(spans: Sequence[Sequence[Span]]) -> Week:
    """Seven lists of spans as a week: those over midnight (the end is not later than the start)
    are parted there, and what touches or overlaps is joined."""
    days: list[list[Span]] = [[] for _ in range(7)]
    for weekday, parts in enumerate(spans):
        for start, end in parts:
            if end > start:
                days[weekday].append((start, end))
            else:
                days[weekday].append((start, DAY))
                days[(weekday + 1) % 7].append((0, end))
    return tuple(_joined(one) for one in days)


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    found: list[Span] = []
    for start, end in sorted(spans):
        if start == end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


ALWAYS: Week = (((0, DAY),),) * 7
