"""Solving tells the client; his answer reopens; seven days later it is closed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import make
from tests.drain import drain, run_timers
from zabota.channels.contract import Robot
from zabota.channels.models import Outgoing
from zabota.channels.outbox import load
from zabota.events import timers
from zabota.lib import clock
from zabota.staff.models import Agent
from zabota.tickets.actions import close_silently, reopen, reply, solve
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import Message, Purpose, Status, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> Agent:
    return make.agent()


def after(days: float) -> None:
    with clock.shifted(timedelta(days=days)):
        run_timers()
        drain()


def notices(ticket: Ticket) -> int:
    return Message.objects.filter(ticket=ticket, purpose=Purpose.SOLVED).count()


def test_solving_without_an_answer_sends_a_notice_signed_by_the_owner(agent: Agent) -> None:
    ticket = make.ticket(owner=agent)
    solve(ticket, by=agent.actor)
    drain()
    letter = load(Outgoing.objects.get(ticket_message__purpose=Purpose.SOLVED).envelope)
    assert letter.automatic
    assert letter.text.endswith("-- \nВера Зорина")
    assert f"№ {ticket.pk}" in letter.text


def test_without_owner_the_queue_signs_in_the_clients_language(agent: Agent) -> None:
    ticket = make.ticket(who=make.JOHN, language="en")
    solve(ticket, by=agent.actor)
    drain()
    letter = load(Outgoing.objects.get(ticket_message__purpose=Purpose.SOLVED).envelope)
    assert letter.text.endswith("-- \nFirst line")
    assert "is solved" in letter.text


def test_a_second_solution_is_told_again(agent: Agent) -> None:
    ticket = make.ticket()
    solve(ticket, by=agent.actor)
    drain()
    make.incoming("Опять не приходит", joins=ticket)
    drain()
    solve(ticket, by=agent.actor)
    drain()
    assert notices(ticket) == 2


def test_robots_get_no_notice(agent: Agent) -> None:
    ticket = make.ticket(robot=Robot.AUTO_GENERATED)
    solve(ticket, by=agent.actor)
    drain()
    assert not Outgoing.objects.exists()


def test_his_answer_reopens(agent: Agent) -> None:
    ticket = make.ticket()
    reply(ticket, "Готово.", agent=agent, by=agent.actor, solve=True)
    make.incoming("Нет, не готово", joins=ticket)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.awaits_answer, ticket.owner) == (Status.OPEN, True, agent)


def test_an_auto_reply_does_not_reopen(agent: Agent) -> None:
    ticket = make.ticket()
    reply(ticket, "Готово.", agent=agent, by=agent.actor, solve=True)
    make.incoming("Я в отпуске", joins=ticket, robot=Robot.AUTO_REPLY)
    ticket.refresh_from_db()
    assert ticket.status == Status.SOLVED


def test_closed_after_seven_days_and_not_before(agent: Agent) -> None:
    ticket = make.ticket()
    reply(ticket, "Готово.", agent=agent, by=agent.actor, solve=True)
    after(6.9)
    ticket.refresh_from_db()
    assert ticket.status == Status.SOLVED
    after(7.1)
    ticket.refresh_from_db()
    assert ticket.status == Status.CLOSED


def test_the_timer_of_an_older_solution_closes_nothing(agent: Agent) -> None:
    ticket = make.ticket()
    reply(ticket, "Готово.", agent=agent, by=agent.actor, solve=True)
    make.incoming("Нет", joins=ticket)
    with clock.shifted(timedelta(days=5)):
        reply(ticket, "Теперь готово.", agent=agent, by=agent.actor, solve=True)
    after(8)
    ticket.refresh_from_db()
    assert ticket.status == Status.SOLVED
    after(12.1)
    ticket.refresh_from_db()
    assert ticket.status == Status.CLOSED


def test_nothing_is_closed_silently_but_spam_robots_and_duplicates(agent: Agent) -> None:
    ticket = make.ticket()
    for reason in ("after_solved", "quarantine", "because", "robot"):
        with pytest.raises(NotPossible):
            close_silently(ticket, reason, by=agent.actor)
    close_silently(ticket, "spam", by=agent.actor)
    drain()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.close_reason) == (Status.CLOSED, "spam")
    assert not Message.objects.filter(ticket=ticket, purpose=Purpose.SOLVED).exists()


def test_a_closed_ticket_cannot_be_reopened_or_answered(agent: Agent) -> None:
    ticket = make.ticket()
    close_silently(ticket, "spam", by=agent.actor)
    with pytest.raises(NotPossible):
        reopen(ticket, by=agent.actor)
    with pytest.raises(NotPossible):
        reply(ticket, "Поздно", agent=agent, by=agent.actor)


def test_a_closing_that_was_due_for_an_older_solution_is_late(agent: Agent) -> None:
    ticket = make.ticket()
    reply(ticket, "Готово.", agent=agent, by=agent.actor, solve=True)
    with clock.shifted(timedelta(days=7, seconds=1)):
        assert timers.pump() == 1
        make.incoming("Нет", joins=ticket)
        reply(ticket, "Теперь готово.", agent=agent, by=agent.actor, solve=True)
        drain(quiet=True)
    ticket.refresh_from_db()
    assert ticket.status == Status.SOLVED
