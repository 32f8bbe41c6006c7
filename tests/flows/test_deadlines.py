"""Deadlines on moved time, through mail, page and log: what burns, who is first, what clients read.

The week of these stories: Friday 27 and Saturday 28 November 2026, Monday 30 is a holiday. The
clock in Berlin goes back in the night to Sunday, 25 October 2026.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from tests import make
from tests.drain import drain, run_timers
from zabota.calendars.actions import give_calendar, set_day
from zabota.calendars.models import Calendar
from zabota.channels.models import Inbox, Outgoing
from zabota.events.models import Event
from zabota.lib import clock
from zabota.sla.measuring import measure_all
from zabota.sla.models import Load, Need, Promise
from zabota.sla.queries import kept_share
from zabota.staff.models import Agent
from zabota.tickets import actions
from zabota.tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db
MOSCOW, BERLIN, YAKUTSK = (
    ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Yakutsk")
)  # fmt: skip


@pytest.fixture
def vera() -> Agent:
    return make.agent("Вера Зорина", language="en", time_zone="Europe/Moscow")


@pytest.fixture
def desk(vera: Agent) -> Client:
    return make.browser(vera)


@pytest.fixture
def box() -> Inbox:
    return make.inbox()


@pytest.fixture
def office() -> Calendar:
    calendar = make.calendar(is_default=True)
    set_day(calendar, date(2026, 11, 30), is_off=True, name="Праздник", by=make.BY)
    return calendar


def wrote(
    box: Inbox, at: datetime, text: str, who: tuple[str, str] = make.PETR, **headers: str
) -> Ticket:
    """A client's mail at that moment, taken in and treated."""
    with clock.at(at):
        raw = make.received(box, make.mail(text, subject=text, who=who, Date=stamp(at), **headers))
        drain()
    return Ticket.objects.get(messages__raw=raw)


def stamp(at: datetime) -> str:
    return f"{at:%a, %d %b %Y %H:%M:%S %z}"


def subjects(desk: Client, at: datetime, view: str = "open") -> list[str]:
    """The subjects of a list at that moment, from the top."""
    with clock.at(at):
        page = desk.get(f"/inbox/{view}/").content.decode()
    return re.findall(r'class="row-subject">([^<]*)<', page)


def shown(desk: Client, at: datetime, ticket: Ticket) -> str:
    """The ticket's line in the list of everything open, at that moment."""
    with clock.at(at):
        page: str = desk.get("/inbox/open/").content.decode()
    return page.split(f'id="row-{ticket.pk}"')[1].split("</li>")[0]


def told(ticket: Ticket) -> list[tuple[datetime, int]]:
    """When the log says which part of the 24 hours was over."""
    rows = Event.objects.filter(stream=ticket.stream, kind="sla.clock_reached").order_by("id")
    return [(row.at, row.facts["percent"]) for row in rows if row.facts["clock"] == "guard"]


def _ack(ticket: Ticket) -> Message:
    return Message.objects.get(ticket=ticket, purpose="acknowledgement")


def test_the_one_who_loses_money_is_first_and_the_cat_burns(
    box: Inbox, desk: Client, office: Calendar
) -> None:
    nine = datetime(2026, 11, 28, 9, 0, tzinfo=MOSCOW)  # a Saturday
    cat = wrote(box, nine, "Рисунок кота")
    money = wrote(box, nine + timedelta(minutes=5), "Мы теряем деньги!", make.MARIA)
    assert money.urgency == 1
    assert subjects(desk, nine + timedelta(minutes=6)) == ["Мы теряем деньги!", "Рисунок кота"]
    moments = [nine + timedelta(hours=hours) for hours in (12, 18, 24)]
    for moment in moments:
        with clock.at(moment - timedelta(minutes=1)):
            run_timers()
        with clock.at(moment):
            run_timers()
    assert told(cat) == [(moments[0], 50), (moments[1], 75), (moments[2], 100)]
    assert [percent for _at, percent in told(money)] == [50, 75]
    before, burning, over = (moments[1] - timedelta(minutes=1), moments[1], moments[2])
    assert "burning" not in shown(desk, before, cat)
    assert subjects(desk, before, "burning") == []
    assert "burning, by" in shown(desk, burning, cat)
    assert subjects(desk, burning, "burning") == ["Рисунок кота"]
    assert "overdue" in shown(desk, over, cat)
    assert subjects(desk, over) == ["Мы теряем деньги!", "Рисунок кота"]
    with clock.at(over):
        history = desk.get(f"/t/{cat.pk}/").content.decode()
    for words in ("50% of the 24 hours are over", "24 hours without an answer of a person"):
        assert words in history


def test_a_night_in_which_the_clock_goes_back(box: Inbox, office: Calendar) -> None:
    berlin = make.calendar("Берлин", time_zone="Europe/Berlin")
    give_calendar(make.queue(), berlin, by=make.BY)
    evening = datetime(2026, 10, 24, 21, 0, tzinfo=BERLIN)
    cat = wrote(box, evening, "Рисунок кота")
    # Twelve hours later by every watch but the one on the wall.
    half = datetime(2026, 10, 25, 8, 0, tzinfo=BERLIN)
    with clock.at(half - timedelta(minutes=1)):
        run_timers()
    assert told(cat) == []
    with clock.at(half):
        run_timers()
    assert told(cat) == [(half, 50)]


def test_friday_evening_forty_ahead_monday_a_holiday(
    box: Inbox, desk: Client, office: Calendar, vera: Agent
) -> None:
    friday = datetime(2026, 11, 27, 17, 50, tzinfo=MOSCOW)
    for number in range(40):
        wrote(
            box,
            friday - timedelta(hours=3),
            f"Вопрос {number}",
            (f"c{number}@firm.example", "Клиент"),
        )
    # Who has an answer and wrote again is not ahead of anybody's first answer.
    with clock.at(friday - timedelta(hours=2)):
        known = make.ticket(who=make.MARIA)
        actions.reply(known, "Ответ", agent=vera, by=vera.actor)
        make.incoming("И ещё", joins=known, who=make.MARIA, at=clock.now())
        drain()
    _usual(180, waiting=20)
    yakut = datetime(2026, 11, 27, 23, 50, tzinfo=YAKUTSK)
    assert yakut == friday
    contact = make.contact(make.JOHN, time_zone="Asia/Yakutsk", language="en")
    ticket = wrote(box, friday, "Late question", make.JOHN)
    # 180 minutes stretched twice: ten on Friday, the rest on Tuesday from nine: 14:50, a full
    # quarter is 15:00, and six hours later in Yakutsk. The target alone would be 13:00.
    promise = Promise.objects.get(ticket=ticket)
    assert promise.due_at == datetime(2026, 12, 1, 15, 0, tzinfo=MOSCOW)
    assert contact.pk == ticket.contact_id
    assert "Tuesday, 1 December, 21:00 (UTC+9)" in _ack(ticket).text
    assert promise.inputs["waiting"] == 40
    with clock.at(friday + timedelta(minutes=1)):
        page = desk.get(f"/t/{ticket.pk}/").content.decode()
    assert "Why this time" in page
    assert "40 wait before it" in page


def _usual(minutes: float, waiting: float) -> None:
    """What the queue needed and had to do lately."""
    Need.objects.create(queue=make.queue(), urgency=3, minutes=minutes, cases=57)
    Load.objects.create(queue=make.queue(), waiting=waiting, agents=2, on_duty=2)


def test_a_russian_reads_it_in_russian_and_in_his_zone(box: Inbox, office: Calendar) -> None:
    friday = datetime(2026, 11, 27, 17, 50, tzinfo=MOSCOW)
    ticket = wrote(box, friday.astimezone(YAKUTSK), "Не приходит код")
    text = _ack(ticket).text
    assert f"(№ {ticket.pk})" in text
    assert "вторник, 1 декабря, 19:00 (UTC+9)" in text, "his mail says in which zone he is"


def test_it_is_told_once_and_never_to_robots(box: Inbox, office: Calendar) -> None:
    friday = datetime(2026, 11, 27, 12, 0, tzinfo=MOSCOW)
    ticket = wrote(box, friday, "Не приходит код")
    with clock.at(friday + timedelta(hours=1)):
        make.incoming("Всё ещё", joins=ticket, at=friday + timedelta(hours=1))
        drain()
    assert Message.objects.filter(ticket=ticket, purpose="acknowledgement").count() == 1
    robot = wrote(box, friday, "Отчёт", make.MARIA, Auto_Submitted="auto-generated")
    assert not Promise.objects.filter(ticket=robot).exists()
    assert not Message.objects.filter(ticket=robot, direction="out").exists()


def test_what_the_queue_really_needs_is_measured(box: Inbox, office: Calendar, vera: Agent) -> None:
    start = datetime(2026, 11, 2, 10, 0, tzinfo=MOSCOW)  # a Monday
    for number in range(40):
        at = start + timedelta(days=number % 5 + 7 * (number // 20), minutes=number)
        ticket = wrote(box, at, f"Вопрос {number}", (f"c{number}@firm.example", "Клиент"))
        if number % 10 < 9:
            with clock.at(at + timedelta(minutes=10 * (number % 10 + 1))):
                actions.reply(ticket, "Ответ", agent=vera, by=vera.actor)
                drain()
    later = datetime(2026, 11, 24, 12, 0, tzinfo=MOSCOW)
    with clock.at(later):
        measure_all()
    need = Need.objects.get()
    assert (need.cases, need.urgency) == (36, 3)
    # 10, 20 … 90 minutes, four times each: four fifths took no more than 80.
    assert need.minutes == pytest.approx(80)
    load = Load.objects.get(queue=make.queue())
    assert load.agents == pytest.approx(1)
    assert load.on_duty == 1
    assert 0 < load.waiting <= 4
    # The target is longer, so it is told; all promises but those never answered were kept.
    assert set(Promise.objects.values_list("inputs__minutes", flat=True)) == {240.0}
    with clock.at(later):
        assert kept_share(make.queue().pk) == (36, 40)


def test_mail_and_page_need_few_statements(
    box: Inbox, office: Calendar, django_assert_max_num_queries: Any
) -> None:
    _usual(120, waiting=20)
    wrote(box, datetime(2026, 11, 27, 12, 0, tzinfo=UTC), "Прогрев")
    message = make.incoming("Не приходит код", who=make.MARIA)
    from zabota.automation.triage import take

    with django_assert_max_num_queries(24):
        assert take(message.pk, silent=False, by=make.BY).acknowledged


def test_the_envelope_says_the_same(box: Inbox, office: Calendar) -> None:
    ticket = wrote(box, datetime(2026, 11, 27, 12, 0, tzinfo=MOSCOW), "Не приходит код")
    row = Outgoing.objects.get(message_id=_ack(ticket).message_id)
    assert "пятница, 27 ноября, 16:00 (UTC+3)" in str(row.envelope)
