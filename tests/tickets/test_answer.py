"""Answering: signature, owner, status, and the letter that goes into the outbox."""

from __future__ import annotations

import pytest

from tests import make
from tests.drain import drain
from zabota.channels.contract import Address
from zabota.channels.models import Outgoing
from zabota.channels.outbox import load
from zabota.staff.models import Agent
from zabota.tickets import letters, links
from zabota.tickets.actions import assign, reply, take
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import Status, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> Agent:
    return make.agent()


def envelope(ticket: Ticket):  # type: ignore[no-untyped-def]
    return load(Outgoing.objects.get(ticket_message__ticket=ticket).envelope)


def test_the_first_who_answers_owns_a_free_ticket(agent: Agent) -> None:
    ticket = make.ticket()
    reply(ticket, "Смотрю.", agent=agent, by=agent.actor)
    ticket.refresh_from_db()
    assert (ticket.owner, ticket.status, ticket.awaits_answer) == (agent, Status.OPEN, False)
    assert ticket.first_answer_at is not None


def test_a_second_answer_leaves_the_owner(agent: Agent) -> None:
    ticket = make.ticket(owner=make.agent("Алексей Орлов"))
    reply(ticket, "Смотрю.", agent=agent, by=agent.actor)
    ticket.refresh_from_db()
    assert ticket.owner is not None
    assert ticket.owner.surname == "Орлов"


@pytest.mark.parametrize("missing", ["surname", "first_name"])
def test_nobody_answers_without_both_names(agent: Agent, missing: str) -> None:
    ticket = make.ticket()
    setattr(agent, missing, " ")
    with pytest.raises(NotPossible):
        reply(ticket, "Смотрю.", agent=agent, by=agent.actor)
    assert ticket.messages.count() == 1


@pytest.mark.parametrize("body", ["", "  \n ", "\x00"])
def test_an_empty_answer_is_refused(agent: Agent, body: str) -> None:
    with pytest.raises(NotPossible):
        reply(make.ticket(), body, agent=agent, by=agent.actor)


def test_the_letter(agent: Agent) -> None:
    ticket = make.ticket(cc=(Address(*make.MARIA),))
    first = ticket.messages.get()
    message = reply(ticket, "Проверьте «Спам».", agent=agent, by=agent.actor)
    drain()
    letter = envelope(ticket)
    assert letter.to == (Address(*make.PETR),)
    assert [one.email for one in letter.cc] == [make.MARIA[0]]
    assert letter.subject == f"Re: Не приходит код [#{ticket.pk}]"
    assert letter.in_reply_to == first.message_id
    assert letter.message_id == message.message_id
    assert letter.sender.name == "Вера Зорина, Забота"
    assert letter.text.endswith("-- \nВера Зорина")
    assert links.ticket_of_address(letter.reply_to[0].email) == ("t", ticket.pk)
    assert not letter.automatic


def test_reply_to_of_the_client_is_honoured_but_never_ours(agent: Agent) -> None:
    box = make.inbox()
    ticket = make.ticket(to=box, reply_to=(Address(box.address), Address("desk@romashka.example")))
    reply(ticket, "Да.", agent=agent, by=agent.actor)
    drain()
    assert envelope(ticket).to[0].email == "desk@romashka.example"


def test_solved_line_stands_in_the_answer_itself(agent: Agent) -> None:
    ticket = make.ticket()
    reply(ticket, "Готово.", agent=agent, by=agent.actor, solve=True)
    drain()
    ticket.refresh_from_db()
    assert ticket.status == Status.SOLVED
    assert letters.solved_line(ticket.language) in envelope(ticket).text
    assert Outgoing.objects.filter(ticket_message__ticket=ticket).count() == 1


def test_a_reply_is_queued_once_however_often_its_job_runs(agent: Agent) -> None:
    from zabota.events.models import Event
    from zabota.tickets.deliver import deliver
    from zabota.tickets.events import Replied

    ticket = make.ticket()
    reply(ticket, "Готово.", agent=agent, by=agent.actor)
    event = Event.objects.get(kind=Replied.kind)
    for _ in range(3):
        deliver(event, event.fact)  # type: ignore[arg-type]
    assert Outgoing.objects.count() == 1


def test_who_was_faster_keeps_the_ticket(agent: Agent) -> None:
    ticket = make.ticket()
    take(ticket, agent=agent, by=agent.actor)
    other = make.agent("Алексей Орлов")
    with pytest.raises(NotPossible, match="Вера Зорина"):
        take(ticket, agent=other, by=other.actor)


def test_owner_must_be_able_to_answer_there(agent: Agent) -> None:
    ticket = make.ticket()
    stranger = make.agent("Sara Lindqvist", make.billing())
    with pytest.raises(NotPossible, match="Sara Lindqvist"):
        assign(ticket, agent=stranger, by=agent.actor)
