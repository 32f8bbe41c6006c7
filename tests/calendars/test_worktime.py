"""Working time: tables of cases, and the laws that hold for all of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from zabota.calendars.worktime import ALWAYS, Hours, NoWorkingTime, Span, week

MOSCOW, BERLIN, KOLKATA = (
    ZoneInfo("Europe/Moscow"),
    ZoneInfo("Europe/Berlin"),
    ZoneInfo("Asia/Kolkata"),
)
NINE_TO_SIX: list[list[Span]] = [[(540, 1080)]] * 5 + [[], []]
WITH_LUNCH: list[list[Span]] = [[(540, 780), (840, 1080)]] * 5 + [[], []]
NIGHTS: list[list[Span]] = [[(1320, 360)]] * 7
OFFICE = Hours(MOSCOW, week(NINE_TO_SIX), {date(2026, 11, 30): False})

WORKED_SATURDAY = Hours(MOSCOW, week(NINE_TO_SIX), {date(2026, 11, 28): True})


def at(text: str, zone: ZoneInfo = MOSCOW) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("hours", "start", "amount", "end"),
    [
        # Friday evening, Monday is a holiday: 10 minutes on Friday, the rest on Tuesday.
        (OFFICE, "2026-11-27T17:50", 240, "2026-12-01T12:50"),
        (OFFICE, "2026-11-27T17:50", 10, "2026-11-27T18:00"),
        (OFFICE, "2026-11-28T03:00", 1, "2026-12-01T09:01"),
        (OFFICE, "2026-11-26T09:00", 540, "2026-11-26T18:00"),
        (OFFICE, "2026-11-26T09:00", 541, "2026-11-27T09:01"),
        (OFFICE, "2026-11-26T12:34", 0, "2026-11-26T12:34"),
        (Hours(MOSCOW, week(WITH_LUNCH)), "2026-11-26T12:30", 60, "2026-11-26T14:30"),
        (Hours(MOSCOW, week(NIGHTS)), "2026-11-26T12:00", 480, "2026-11-27T06:00"),
        (Hours(MOSCOW, week(NIGHTS)), "2026-11-26T23:00", 60, "2026-11-27T00:00"),
        # A worked Saturday has the hours of the first weekday that has any.
        (WORKED_SATURDAY, "2026-11-27T18:00", 60, "2026-11-28T10:00"),
        (OFFICE.around_the_clock(), "2026-11-27T17:50", 1440, "2026-11-28T17:50"),
        (OFFICE.around_the_clock(), "2026-11-29T12:00", 1440, "2026-12-01T12:00"),
    ],
)  # fmt: skip
def test_adding(hours: Hours, start: str, amount: float, end: str) -> None:
    assert hours.add(at(start), minutes(amount)) == at(end)


@pytest.mark.parametrize(
    ("spans", "start", "end", "worked"),
    [
        # 2026-03-29 in Berlin: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00.
        ([(1320, 360)], "2026-03-28T22:00", "2026-03-29T06:00", 7 * 60),
        ([(1320, 360)], "2026-10-24T22:00", "2026-10-25T06:00", 9 * 60),
        ([(0, 1440)], "2026-03-29T00:00", "2026-03-30T00:00", 23 * 60),
        ([(0, 1440)], "2026-10-25T00:00", "2026-10-26T00:00", 25 * 60),
        # A span that does not exist on that night, and one that begins in the gap.
        ([(120, 180)], "2026-03-29T00:00", "2026-03-29T12:00", 0),
        ([(150, 240)], "2026-03-29T00:00", "2026-03-29T12:00", 60),
        # Two o'clock comes twice: the first one counts as an end and as a beginning.
        ([(60, 150), (150, 180)], "2026-10-25T00:00", "2026-10-25T12:00", 180),
        ([(540, 600)], "2026-10-25T12:00", "2026-10-25T09:00", 0),
    ],
)
def test_nights_when_the_clock_changes(
    spans: list[Span], start: str, end: str, worked: float
) -> None:
    hours = Hours(BERLIN, week([spans] * 7))
    assert hours.between(at(start, BERLIN), at(end, BERLIN)) == minutes(worked)


def test_a_span_over_midnight_stops_at_a_day_off() -> None:
    hours = Hours(MOSCOW, week(NIGHTS), {date(2026, 11, 27): False})
    assert hours.between(at("2026-11-26T12:00"), at("2026-11-28T12:00")) == minutes(120 + 360)


def test_spans_that_overlap_count_once() -> None:
    both: list[list[Span]] = [[(540, 720), (660, 1080), (720, 800)], *[[]] * 6]
    assert week(both)[0] == ((540, 1080),)
    over: list[list[Span]] = [[(1320, 360)], [(300, 540)], *[[]] * 5]
    assert week(over)[:2] == (((1320, 1440),), ((0, 540),))


def test_who_never_works_is_refused() -> None:
    never = Hours(MOSCOW, ((),) * 7)
    with pytest.raises(NoWorkingTime):
        never.add(at("2026-11-26T12:00"), minutes(1))
    assert never.between(at("2026-11-26T12:00"), at("2027-11-26T12:00")) == minutes(0)
    assert never.add(at("2026-11-26T12:00"), minutes(0)) == at("2026-11-26T12:00")


spans = some.lists(
    some.tuples(some.integers(0, 1439), some.integers(0, 1440)).filter(
        lambda one: one[0] != one[1]
    ),
    max_size=3,
)
# At least two hours a week, so that what is added ends within the horizon.
weeks = some.lists(spans, min_size=7, max_size=7).filter(
    lambda one: sum(end - start for day in week(one) for start, end in day) >= 120
)
moments = some.integers(0, 2 * 366 * 24 * 60).map(
    lambda count: datetime(2026, 1, 1, tzinfo=UTC) + minutes(count)
)
amounts = some.integers(0, 5_000).map(minutes)
days_off = some.dictionaries(
    some.dates(date(2026, 1, 1), date(2028, 1, 31)), some.booleans(), max_size=8
)


@some.composite
def worked(draw: some.DrawFn) -> Hours:
    zone = draw(some.sampled_from([MOSCOW, BERLIN, KOLKATA]))
    return Hours(zone, week(draw(weeks)), draw(days_off))


@given(worked(), moments, amounts)
def test_what_is_added_lies_between(hours: Hours, start: datetime, amount: timedelta) -> None:
    # A week of one short span may fall into the hour that a clock change takes away.
    assert hours.between(start, hours.add(start, amount)) == amount


@given(worked(), moments, amounts, amounts)
def test_adding_twice_is_adding_the_sum(
    hours: Hours, start: datetime, first: timedelta, second: timedelta
) -> None:
    assert hours.add(hours.add(start, first), second) == hours.add(start, first + second)


@given(worked(), moments, amounts, amounts)
def test_time_between_adds_up(
    hours: Hours, start: datetime, first: timedelta, second: timedelta
) -> None:
    middle, end = start + first, start + first + second
    assert hours.between(start, middle) + hours.between(middle, end) == hours.between(start, end)


@given(moments, amounts)
def test_around_the_clock_is_real_time(start: datetime, amount: timedelta) -> None:
    assert Hours(BERLIN, ALWAYS).add(start, amount) == start + amount


@given(worked(), moments, some.timedeltas(timedelta(0), timedelta(days=400)))
def test_months_at_once_are_their_days(hours: Hours, first: datetime, amount: timedelta) -> None:
    """What is reckoned over a year is what its days bring one by one."""
    last = first + amount
    days, moment = timedelta(0), first
    while moment < last:
        step = min(moment + timedelta(days=7), last)
        days += hours.between(moment, step)
        moment = step
    assert hours.between(first, last) == days
    if days:
        assert hours.add(first, days) <= last
        assert hours.between(first, hours.add(first, days)) == days
