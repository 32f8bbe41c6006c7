"""The 24-hour guard and the promise: what starts, stops and burns, on moved time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests import make
from tests.drain import drain, run_timers
from zabota.calendars.actions import give_calendar, save_calendar, set_day
from zabota.channels import outbox, registry
from zabota.channels.contract import PermanentError, Robot
from zabota.channels.models import Outgoing
from zabota.events.models import Event, Timer
from zabota.lib import clock
from zabota.sla.consumers import start_missing
from zabota.sla.models import Promise
from zabota.staff.models import Agent
from zabota.tickets import actions
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import Status, Ticket

pytestmark = pytest.mark.django_db
THURSDAY = datetime(2026, 11, 26, 7, tzinfo=UTC)  # 10:00 in Moscow
HOUR = timedelta(hours=1)


@pytest.fixture
def vera() -> Agent:
    return make.agent()


def came(at: datetime = THURSDAY, **options: Any) -> Ticket:
    """A ticket whose first mail was taken in and treated at that moment."""
    ticket = make.ticket(at=at, **options)
    with clock.at(at):
        drain()
    return fresh(ticket)


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def reached(ticket: Ticket) -> list[tuple[str, int]]:
    """Marks of the clocks told so far, in order."""
    rows = Event.objects.filter(kind="sla.clock_reached", stream=ticket.stream).order_by("id")
    return [(row.facts["clock"], row.facts["percent"]) for row in rows]


def guard(ticket: Ticket, at: datetime) -> list[int]:
    with clock.at(at):
        run_timers()
    return [percent for name, percent in reached(ticket) if name == "guard"]


def test_the_guard_tells_at_half_three_quarters_and_the_whole() -> None:
    ticket = came()
    for hours, told in ((11.9, []), (12, [50]), (17.9, [50]), (18, [50, 75]), (24, [50, 75, 100])):
        assert guard(ticket, THURSDAY + hours * HOUR) == told, hours
    assert guard(ticket, THURSDAY + 300 * HOUR) == [50, 75, 100]


def test_marks_missed_while_nothing_ran_are_told_in_order() -> None:
    ticket = came()
    assert guard(ticket, THURSDAY + 100 * HOUR) == [50, 75, 100]
    assert ("promise", 100) in reached(ticket)


def test_nights_and_weekends_count_and_holidays_do_not() -> None:
    calendar = make.calendar(is_default=True)
    friday = THURSDAY + 24 * HOUR
    set_day(calendar, date(2026, 11, 30), is_off=True, name="", by=make.BY)
    weekend, over = came(friday), came(friday + 60 * HOUR, who=make.MARIA)  # Sunday 22:00
    assert guard(weekend, friday + 24 * HOUR) == [50, 75, 100]
    assert guard(over, friday + 84 * HOUR) == []
    # Two hours on Sunday, none on Monday, ten on Tuesday.
    assert guard(over, friday + 96 * HOUR) == [50]


def test_an_acknowledgement_does_not_stop_it_and_an_answer_does(vera: Agent) -> None:
    ticket = came()
    assert ticket.messages.filter(purpose="acknowledgement").exists()
    assert ticket.waits_since == THURSDAY
    with clock.at(THURSDAY + HOUR):
        actions.add_note(ticket, "Смотрю", agent=vera, by=vera.actor)
        assert fresh(ticket).waits_since == THURSDAY
        actions.reply(ticket, "Ответ", agent=vera, by=vera.actor)
    answered = fresh(ticket)
    assert (answered.waits_since, answered.next_due_at, answered.burns_at) == (None, None, None)
    assert guard(ticket, THURSDAY + 100 * HOUR) == []


def test_it_starts_with_the_oldest_message_without_an_answer(vera: Agent) -> None:
    ticket = came()
    again = THURSDAY + 5 * HOUR
    make.incoming("И ещё", joins=ticket, at=again)
    with clock.at(again):
        drain()
    assert fresh(ticket).waits_since == THURSDAY
    with clock.at(again + HOUR):
        actions.reply(ticket, "Ответ", agent=vera, by=vera.actor)
    last = again + 2 * HOUR
    make.incoming("Не помогло", joins=ticket, at=last)
    with clock.at(last):
        drain()
    assert fresh(ticket).next_due_at == last + 24 * HOUR
    assert guard(ticket, last + 12 * HOUR) == [50]


def test_a_solution_without_an_answer_only_pauses_it(vera: Agent) -> None:
    ticket = came()
    with clock.at(THURSDAY + HOUR):
        actions.solve(ticket, by=vera.actor)
        drain()
    assert fresh(ticket).next_due_at is None
    assert guard(ticket, THURSDAY + 20 * HOUR) == []
    with clock.at(THURSDAY + 21 * HOUR):
        actions.reopen(ticket, by=vera.actor)
        drain()
    assert fresh(ticket).waits_since == THURSDAY
    assert guard(ticket, THURSDAY + 21 * HOUR) == [50, 75]


def test_robots_and_late_mail_start_nothing() -> None:
    robot = came(robot=Robot.AUTO_GENERATED)
    make.received(make.inbox(), make.mail(subject="Старое"), arrived_at=clock.now() - 48 * HOUR)
    drain()
    late = Ticket.objects.get(arrived_late=True)
    for ticket in (robot, late):
        assert (ticket.waits_since, ticket.next_due_at) == (None, None)
        assert not Timer.objects.filter(subject=f"clock:{ticket.pk}").exists()


def test_a_ticket_burns_by_the_clock_that_is_nearest() -> None:
    make.calendar(is_default=True)
    ticket = came()
    promise = Promise.objects.get(ticket=ticket)
    assert promise.due_at == THURSDAY + 4 * HOUR
    assert ticket.next_due_at == promise.due_at
    assert ticket.burns_at == THURSDAY + 3 * HOUR, "a quarter of four hours is left"
    with clock.at(THURSDAY + 3 * HOUR):
        run_timers()
    assert reached(ticket) == [("promise", 75)]
    assert fresh(ticket).version > ticket.version, "open screens fetch the row anew"


def test_another_queue_has_another_calendar(vera: Agent) -> None:
    make.calendar(is_default=True)
    rest = make.calendar("Отдых")
    set_day(rest, date(2026, 11, 26), is_off=True, name="", by=make.BY)
    give_calendar(make.billing(), rest, by=make.BY)
    ticket = came(THURSDAY - HOUR)
    Promise.objects.all().delete()
    with clock.at(THURSDAY):
        actions.move_to_queue(ticket, queue=make.billing(), reason="", by=vera.actor)
        drain()
    # The holiday ends at midnight in Moscow, 21:00 UTC.
    assert fresh(ticket).next_due_at == datetime(2026, 11, 27, 21, tzinfo=UTC)


def test_a_changed_calendar_moves_clocks_that_run() -> None:
    calendar = make.calendar(is_default=True)
    ticket = came()
    Promise.objects.all().delete()
    with clock.at(THURSDAY + HOUR):
        set_day(calendar, date(2026, 11, 27), is_off=True, name="", by=make.BY)
        drain()
    moved = THURSDAY + 48 * HOUR
    assert fresh(ticket).next_due_at == moved
    with clock.at(THURSDAY + 2 * HOUR):
        calendar.time_zone = "Asia/Vladivostok"
        save_calendar(calendar, ["time_zone"], by=make.BY)
        drain()
    # There the day off began seven hours earlier.
    assert fresh(ticket).next_due_at == moved
    assert guard(ticket, THURSDAY + 24 * HOUR) != [50, 75, 100]


def test_clocks_that_are_missing_are_started() -> None:
    ticket = came()
    Ticket.objects.update(next_due_at=None, burns_at=None)
    Timer.objects.all().delete()
    with clock.at(THURSDAY + HOUR):
        start_missing()
    assert fresh(ticket).next_due_at == ticket.next_due_at
    assert guard(ticket, THURSDAY + 12 * HOUR) == [50]


def test_waiting_for_the_client_needs_a_word_to_him(vera: Agent) -> None:
    ticket = came()
    with pytest.raises(NotPossible, match=r"write to him|напишите"):
        actions.set_status(ticket, Status.WAITING_CLIENT, by=vera.actor)
    with clock.at(THURSDAY + HOUR):
        actions.reply(ticket, "Ответ", agent=vera, by=vera.actor)
        actions.set_status(ticket, Status.WAITING_CLIENT, by=vera.actor)
    assert fresh(ticket).status == Status.WAITING_CLIENT


def test_waiting_for_colleagues_does_not_stop_it(vera: Agent) -> None:
    ticket = came()
    with clock.at(THURSDAY + HOUR):
        actions.set_status(ticket, Status.WAITING_INTERNAL, by=vera.actor)
    assert guard(ticket, THURSDAY + 12 * HOUR) == [50]


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's server takes nothing."""

    def send(inbox: object, envelope: object) -> None:
        raise PermanentError("550 5.1.1 no such user")

    monkeypatch.setattr(registry.kind("mail"), "send", send)


@pytest.mark.parametrize("solve", [False, True])
def test_an_answer_that_was_not_delivered_stops_nothing(
    vera: Agent, monkeypatch: pytest.MonkeyPatch, solve: bool
) -> None:
    ticket = came()
    with monkeypatch.context() as broken, clock.at(THURSDAY + HOUR):
        refuse(broken)
        actions.reply(ticket, "Ответ", agent=vera, by=vera.actor, solve=solve)
        drain()
    row = fresh(ticket)
    assert row.status == Status.OPEN
    assert (row.waits_since, row.first_answer_at) == (THURSDAY, None)
    assert row.awaits_answer
    assert guard(ticket, THURSDAY + 12 * HOUR) == [50]
    with clock.at(THURSDAY + 13 * HOUR):
        outbox.retry(Outgoing.objects.get(ticket_message__purpose="").pk, by=vera.actor)
        drain()
    row = fresh(ticket)
    assert row.waits_since is None
    assert row.first_answer_at == THURSDAY + HOUR
    assert guard(ticket, THURSDAY + 30 * HOUR) == [50]


def test_an_earlier_answer_that_arrived_still_counts(
    vera: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = came()
    with clock.at(THURSDAY + HOUR):
        actions.reply(ticket, "Ответ", agent=vera, by=vera.actor)
        drain()
    with monkeypatch.context() as broken, clock.at(THURSDAY + 2 * HOUR):
        refuse(broken)
        actions.reply(ticket, "И ещё", agent=vera, by=vera.actor)
        drain()
    row = fresh(ticket)
    assert row.waits_since is None
    assert row.first_answer_at == THURSDAY + HOUR
