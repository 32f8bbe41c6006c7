from __future__ import annotations

from dataclasses import dataclass

from zabota.events.facts import Fact


@dataclass(frozen=True)
class DayChanged(Fact, kind="calendars.day_changed"):
    """A day (2026-12-31) of a calendar: `was` and `now` are off, working or '' (as the week)."""

    calendar: int
    day: str
    was: str
    now: str


@dataclass(frozen=True)
class CalendarGiven(Fact, kind="calendars.calendar_given"):
    """A queue works by another calendar; None is the default one."""

    queue: int
    was: int | None
    now: int | None


@dataclass(frozen=True)
class HolidaysFilled(Fact, kind="calendars.holidays_filled"):
    """The public holidays of the calendar's country stand in its list up to that year's end."""

    calendar: int
    until: int
