"""Working calendars on the settings screens: hours in words, days off, queues, history."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests import make
from zabota.calendars import known
from zabota.calendars.actions import default_calendar, set_day
from zabota.calendars.consumers import fill_all
from zabota.calendars.models import Calendar, Day
from zabota.desk.settings.forms.calendars import in_words, read_hours
from zabota.events.models import Event
from zabota.lib import clock
from zabota.sla.expecting import target_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


def form(**fields: str) -> dict[str, str]:
    hours = {f"day{number}": "9:00-18:00" for number in range(5)}
    base = {"name_ru": "Дежурство", "name_en": "Duty", "time_zone": "Europe/Moscow", "country": ""}
    return {**base, **hours, **fields}


def page(address: str) -> str:
    browser = make.browser(make.administrator(language="en"))
    return browser.get(address).content.decode()


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        ("9-18", [(540, 1080)]),
        ("9:00–13:00, 14:00–18:00", [(540, 780), (840, 1080)]),
        ("14.30 - 18.00; 9-12", [(540, 720), (870, 1080)]),
        ("22:00–6:00", [(1320, 360)]),
        ("0:00–24:00", [(0, 1440)]),
    ],
)
def test_hours_are_read(text: str, spans: list[tuple[int, int]]) -> None:
    assert read_hours(text) == spans
    assert read_hours(in_words([list(one) for one in spans])) == spans


@pytest.mark.parametrize(
    "text", ["9", "9:00-9:00", "9:00-25:00", "24:00-6:00", "9:75-10", "9-13, 12-18", "22-6, 23-24"]
)
def test_hours_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_hours(text)


def test_a_calendar_is_made_with_its_public_holidays() -> None:
    client = make.browser(make.administrator(language="en"))
    with clock.at(NOW):
        sent = form(day5="10-14", day6="22-2", country="RU", is_default="on")
        answer = client.post("/settings/calendars/new/", sent)
    calendar = Calendar.objects.get(name_en="Duty")
    assert answer["Location"] == f"/settings/calendars/{calendar.pk}/"
    assert calendar.week[5:] == [[[600, 840]], [[1320, 120]]]
    assert Day.objects.get(calendar=calendar, day=date(2027, 5, 9)).name_ru == "День Победы"
    shown = page("/settings/calendars/")
    assert "Mon–Fri 9:00–18:00; Sat 10:00–14:00; Sun 22:00–2:00" in shown
    shown = page(f"/settings/calendars/{calendar.pk}/")
    assert "Public holidays filled in until the end of 2027" in shown


def test_a_calendar_without_a_working_minute_is_refused() -> None:
    client = make.browser(make.administrator(language="en"))
    answer = client.post("/settings/calendars/new/", form(**{f"day{n}": "" for n in range(5)}))
    assert answer.status_code == 422
    assert "This calendar has no working minute" in answer.content.decode()
    assert not Calendar.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("day0", "утром", "is no span of time"),
        ("day0", "9-13, 12-18", "These hours overlap"),
        ("region", "ZZ", "Regions known here: BB, BE"),
        ("time_zone", "Mars/Olympus", "valid choice"),
    ],
)
def test_mistakes_are_told_beside_the_field(field: str, value: str, words: str) -> None:
    client = make.browser(make.administrator(language="en"))
    answer = client.post("/settings/calendars/new/", form(country="DE", **{field: value}))
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_days_are_added_worked_and_taken_back() -> None:
    calendar = make.calendar(country="RU")
    client = make.browser(make.administrator(language="en"))
    address = f"/settings/calendars/{calendar.pk}/"

    def off() -> Any:
        days = Day.objects.filter(calendar=calendar, day__in=["2027-05-10", "2027-07-01"])
        return dict(days.values_list("day", "is_off"))

    client.post(address + "day/", {"day": "2027-07-01", "name": "Юбилей", "kind": "off"})
    client.post(address + "day/", {"day": "2027-05-10", "kind": "working"})
    assert off() == {date(2027, 7, 1): True, date(2027, 5, 10): False}
    assert not known.of_queue(make.queue().pk).hours.days, "another calendar is not touched"
    shown = client.get(address).content.decode()
    assert "2027-07-01: as the week → day off" in shown
    assert "Юбилей" in shown
    for day in ("2027-07-01", "2027-05-10"):
        client.post(address + "day/undo/", {"day": day})
    assert off() == {date(2027, 5, 10): True}
    assert client.post(address + "day/", {"day": "2327-07-01", "kind": "off"}).status_code == 422


def test_another_country_keeps_own_days() -> None:
    calendar = make.calendar(country="RU")
    client = make.browser(make.administrator())
    set_day(calendar, date(2027, 7, 1), is_off=True, name="Юбилей", by=make.BY)
    client.post(f"/settings/calendars/{calendar.pk}/", form(country="DE"))
    days = set(calendar.days.values_list("day", flat=True))
    assert {date(2027, 7, 1), date(2027, 10, 3)} <= days
    assert date(2027, 5, 9) not in days


def test_a_queue_works_by_its_own_calendar_or_the_default_one() -> None:
    queue, other = make.queue(), make.billing()
    default = default_calendar(by=make.BY)
    duty = make.calendar("Дежурство")
    client = make.browser(make.administrator(language="en"))
    client.post(f"/settings/queues/{queue.pk}/deadlines/", {"calendar": duty.pk, "target": 60})
    assert known.of_queue(queue.pk).calendar == duty.pk
    assert known.of_queue(other.pk).calendar == default.pk
    shown = page(f"/settings/queues/{queue.pk}/")
    assert "Working calendar: Office week" in shown
    assert "First answer within, working minutes: 240 → 60" in shown
    assert target_of(queue.pk) == 60
    wrong = client.post(f"/settings/queues/{queue.pk}/deadlines/", {"target": 0})
    assert wrong.status_code == 422
    client.post(f"/settings/queues/{queue.pk}/deadlines/", {"calendar": "", "target": 60})
    assert known.of_queue(queue.pk).calendar == default.pk
    given = Event.objects.filter(kind="calendars.calendar_given").order_by("id")
    assert [row.facts["now"] for row in given] == [duty.pk, None]


def test_the_next_year_is_filled_in_time_and_changes_stay() -> None:
    with clock.at(NOW):
        fill_all()
        calendar = default_calendar(by=make.BY)
        assert (calendar.country, calendar.filled_until) == ("RU", 2027)
        set_day(calendar, date(2027, 1, 4), is_off=False, name="", by=make.BY)
        fill_all()
    with clock.at(datetime(2027, 1, 1, 9, tzinfo=UTC)):
        fill_all()
    calendar.refresh_from_db()
    assert calendar.filled_until == 2028
    assert calendar.days.filter(day__year=2028).count() > 10
    assert not calendar.days.get(day=date(2027, 1, 4)).is_off
