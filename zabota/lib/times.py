"""Moments in the viewer's words: his language and zone, today and yesterday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_timedelta, get_timezone_name
from babel.units import format_unit
from django.utils import timezone, translation
from django.utils.translation import gettext

from zabota.lib import clock


class Present(NamedTuple):
    """What moments are told against: now, the viewer's zone, his day and language. Looked up once
    where many are told."""

    now: datetime
    zone: tzinfo
    today: date
    language: str

    @classmethod
    def here(cls) -> Present:
        """As the viewer has it now."""
        now, zone = clock.now(), timezone.get_current_timezone()
        return cls(now, zone, now.astimezone(zone).date(), _language())

    def when(self, moment: datetime) -> str:
        """Short time: 10:07 today, else day and month, with the year when it is not this one."""
        there = moment.astimezone(self.zone)
        day = there.date()
        if day == self.today:
            return f"{there.hour:02}:{there.minute:02}"
        skeleton = "MMMd" if day.year == self.today.year else "yMMMd"
        return f"{_date(day, skeleton, self.language)}, {there.hour:02}:{there.minute:02}"

    def brief(self, moment: datetime) -> str:
        """The time today, else the day alone."""
        there = moment.astimezone(self.zone)
        day = there.date()
        if day == self.today:
            return f"{there.hour:02}:{there.minute:02}"
        return _date(day, "MMMd", self.language)

    def ago(self, moment: datetime) -> str:
        """Rough distance from now without direction: 3 min, 5 h, 2 d; «now» under a minute."""
        seconds = int(abs((self.now - moment).total_seconds()))
        if seconds < 60:
            return gettext("now")
        length = 86400 if seconds >= 86400 else 3600 if seconds >= 3600 else 60
        return _span(seconds - seconds % length, self.language)


def locale() -> Locale:
    """The viewer's Babel locale; English when Babel does not know the active language."""
    try:
        return Locale.parse(translation.get_language() or "en", sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def local(moment: datetime) -> datetime:
    """The moment in the viewer's zone; raises ValueError for a naive one."""
    return timezone.localtime(moment)


def when(moment: datetime) -> str:
    """`Present.when` of one moment."""
    return Present.here().when(moment)


def _language() -> str:
    return translation.get_language() or "en"


# Days and zones are cached: a conversation says forty of them, and Babel takes 40 µs for each.
@lru_cache(maxsize=4096)
def _date(there: date, skeleton: str, language: str) -> str:
    return format_date(there, _skeleton(skeleton), locale=locale())


def _skeleton(name: str) -> Any:
    return locale().datetime_skeletons[name].pattern


def day(moment: datetime) -> str:
    """A day as a heading: today, yesterday, else the long date."""
    return _day(local(moment).date(), local(clock.now()).date(), _language())


@lru_cache(maxsize=2048)
def _day(there: date, today: date, language: str) -> str:
    if there == today:
        return gettext("Today")
    if there == today - timedelta(days=1):
        return gettext("Yesterday")
    return format_date(there, "long", locale=locale())


def brief(moment: datetime) -> str:
    """`Present.brief` of one moment."""
    return Present.here().brief(moment)


def moment(there: datetime) -> str:
    """The time today, else day and time: 14:05, or Nov 30, 14:05."""
    mine = local(there)
    clock_time = f"{mine:%H:%M}"
    if mine.date() == local(clock.now()).date():
        return clock_time
    return f"{_date(mine.date(), 'MMMd', _language())}, {clock_time}"


def short_date(there: date) -> str:
    """A day of the year: Nov 30."""
    return _date(there, "MMMd", _language())


def date_words(there: date) -> str:
    """A day with its weekday: Mon, 30 November 2026."""
    return format_date(there, "E, d MMMM y", locale=locale())


def stamp(moment: datetime) -> str:
    """Exact date, time and zone, for tooltips."""
    there, language = local(moment), _language()
    return f"{_long(there.date(), language)}, {there:%H:%M:%S} {_zone(there, language)}"


@lru_cache(maxsize=4096)
def _long(there: date, language: str) -> str:
    return format_date(there, "d MMMM y", locale=locale())


_zones: dict[tuple[str, str | None, str], str] = {}


def _zone(there: datetime, language: str) -> str:
    # A zone has two names at most, with summer time and without.
    key = (timezone.get_current_timezone_name(), there.tzname(), language)
    if key not in _zones:
        _zones[key] = get_timezone_name(there, width="short", locale=locale())
    return _zones[key]


def ago(moment: datetime) -> str:
    """`Present.ago` of one moment."""
    return Present.here().ago(moment)


@lru_cache(maxsize=2048)
def _span(seconds: int, language: str) -> str:
    # Cached: a list says fifty of these, and Babel takes 60 µs for each.
    return format_timedelta(
        timedelta(seconds=seconds), threshold=1, format="short", locale=locale()
    )


def length(seconds: int) -> str:
    """A length in its two greatest parts: 2 days 3 h, 3 h 20 min, 5 min; under a minute as one."""
    minutes = max(seconds // 60, 1)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    first = next(at for at, (count, _) in enumerate(parts) if count)
    shown = [(count, unit) for count, unit in parts[first : first + 2] if count]
    return " ".join(
        format_unit(count, f"duration-{unit}", length="short", locale=locale())
        for count, unit in shown
    )


def iso(moment: datetime) -> str:
    """The moment in UTC as browsers read it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
