"""First treatment of a message: once, in order, acknowledging only whom it should."""

from __future__ import annotations

import pytest

from tests import make
from tests.drain import drain
from zabota.automation.triage import take
from zabota.channels.models import Outgoing
from zabota.channels.outbox import load
from zabota.events.models import Event
from zabota.tickets import actions
from zabota.tickets.models import Message, Purpose, Ticket

pytestmark = pytest.mark.django_db


def acks(ticket: Ticket) -> int:
    return Message.objects.filter(ticket=ticket, purpose=Purpose.ACKNOWLEDGEMENT).count()


def why_not(ticket: Ticket) -> list[str]:
    events = Event.objects.filter(stream=ticket.stream, kind="tickets.triaged").order_by("id")
    return [event.facts["why_not"] for event in events]


def test_treated_once_however_often_the_job_runs() -> None:
    message = make.incoming()
    assert take(message.pk, silent=False, by=make.BY).acknowledged
    assert not take(message.pk, silent=False, by=make.BY).acknowledged
    assert acks(message.ticket) == 1
    assert why_not(message.ticket) == [""]


def test_acknowledged_once_per_ticket_in_the_contacts_language() -> None:
    make.contact(make.JOHN, language="en")
    ticket = make.ticket(who=make.JOHN, subject="No code")
    make.incoming("One more thing", joins=ticket, who=make.JOHN)
    drain()
    assert acks(ticket) == 1
    assert why_not(ticket) == ["", "told"]
    letter = load(Outgoing.objects.get(ticket_message__ticket=ticket).envelope)
    assert letter.automatic
    assert "We have received your request “No code”" in letter.text
    assert letter.text.endswith("-- \nFirst line")


def test_no_acknowledgement_to_an_inbox_of_ours() -> None:
    other = make.inbox(make.billing())
    ticket = make.ticket(who=(other.address, "Счета"))
    drain()
    assert acks(ticket) == 0
    assert why_not(ticket) == ["own_address"]


def test_many_tickets_of_one_address_are_not_all_acknowledged() -> None:
    tickets = [make.ticket(subject=f"Вопрос {number}") for number in range(4)]
    drain()
    assert sum(acks(ticket) for ticket in tickets) == 1
    assert why_not(tickets[-1]) == ["flood"]


def test_silent_messages_say_why_nobody_was_told() -> None:
    message = make.incoming()
    take(message.pk, silent=True, by=make.BY)
    assert why_not(message.ticket) == ["silent"]
    assert acks(message.ticket) == 0


def test_many_senders_with_one_reply_to_do_not_flood_him() -> None:
    box = make.inbox()
    for number in range(4):
        who = (f"sender{number}@romashka.example", "")
        raw = make.mail(who=who, subject=f"Вопрос {number}", Reply_To="victim@else.example")
        make.received(box, raw)
        drain()
    sent = Outgoing.objects.filter(recipient="victim@else.example").count()
    assert sent == 1


@pytest.mark.parametrize("tag", ["", "+t1-aaaaaaaaaaaa", "+news"])
def test_neither_receipt_nor_solved_notice_to_an_address_of_ours(tag: str) -> None:
    address = make.inbox(make.billing()).address.replace("@", f"{tag}@")
    ticket = make.ticket(who=(address, "Счета"))
    actions.solve(ticket, by=make.BY)
    drain()
    assert not Message.objects.filter(ticket=ticket).exclude(purpose="").exists()


def test_no_word_of_a_solution_when_the_ticket_is_open_again() -> None:
    ticket = make.ticket()
    drain()
    actions.solve(ticket, by=make.BY)
    actions.reopen(ticket, by=make.BY)
    drain()
    assert not Message.objects.filter(ticket=ticket, purpose=Purpose.SOLVED).exists()
    actions.solve(ticket, by=make.BY)
    drain()
    assert Message.objects.filter(ticket=ticket, purpose=Purpose.SOLVED).count() == 1
