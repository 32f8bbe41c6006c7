"""The threading decision: which ticket a mail joins, why, and who never joins."""

from __future__ import annotations

from typing import Any

import pytest

from tests import make
from zabota.channels.contract import Address
from zabota.events.models import Event
from zabota.staff.models import Agent
from zabota.tickets import links, threading
from zabota.tickets.actions import reply
from zabota.tickets.events import MaybeRelated
from zabota.tickets.models import Message, Participant, Ticket
from zabota.tickets.threading import How

pytestmark = pytest.mark.django_db
STRANGER = ("spy@elsewhere.example", "A Spy")


@pytest.fixture
def ticket() -> Ticket:
    return make.ticket()


def answer(ticket: Ticket) -> Message:
    agent = make.agent()
    return reply(ticket, "Проверьте папку «Спам».", agent=agent, by=agent.actor)


def came(**fields: Any) -> Message:
    return make.incoming("Спасибо, нашёл.", subject=fields.pop("subject", "Re: код"), **fields)


def address(ticket: Ticket) -> tuple[Address, ...]:
    assert ticket.inbox is not None
    return (Address(links.reply_address(ticket.inbox.address, ticket.pk)),)


def test_signed_reply_address_joins(ticket: Ticket) -> None:
    message = came(to=ticket.inbox, delivered_to=[address(ticket)[0].email])
    assert (message.ticket_id, message.thread_how) == (ticket.pk, How.ADDRESS)


@pytest.mark.parametrize("change", ["other number", "other letters"])
def test_forged_reply_address_is_nothing(ticket: Ticket, change: str) -> None:
    right = address(ticket)[0].email
    forged = (
        right.replace(f"+t{ticket.pk}-", f"+t{ticket.pk + 1}-")
        if change == "other number"
        else right.replace("-", "-aaaaaaaaaaaa"[:5], 1)
    )
    message = came(to=ticket.inbox, delivered_to=[forged])
    assert message.ticket_id != ticket.pk
    assert message.thread_how == How.NEW


@pytest.mark.parametrize("where", ["in_reply_to", "references"])
def test_our_message_id_in_any_position(ticket: Ticket, where: str) -> None:
    ours = answer(ticket).message_id
    ids = ("first@elsewhere", ours, "last@elsewhere")
    message = came(to=ticket.inbox, **{where: ids})
    assert message.ticket_id == ticket.pk
    assert (message.thread_how, message.thread_detail) == (How.OUR_MESSAGE_ID, ours)


def test_his_own_message_id_joins(ticket: Ticket) -> None:
    first = ticket.messages.get().message_id
    message = came(to=ticket.inbox, references=(first,))
    assert (message.ticket_id, message.thread_how) == (ticket.pk, How.HIS_MESSAGE_ID)


def test_a_message_id_longer_than_we_keep_is_known_again() -> None:
    long = f"{'x' * 300}@romashka.example"
    first = make.incoming(message_id=long)
    message = came(to=first.inbox, references=(long,))
    assert (message.ticket_id, message.thread_how) == (first.ticket_id, How.HIS_MESSAGE_ID)


def test_subject_token_of_a_participant(ticket: Ticket) -> None:
    message = came(to=ticket.inbox, subject=f"Fwd: что там? [#{ticket.pk}]")
    assert (message.ticket_id, message.thread_how) == (ticket.pk, How.SUBJECT)


@pytest.mark.parametrize("by", ["address", "message id", "subject"])
def test_a_stranger_never_joins(ticket: Ticket, by: str) -> None:
    ours = answer(ticket).message_id
    clues: dict[str, dict[str, Any]] = {
        "address": {"delivered_to": [address(ticket)[0].email]},
        "message id": {"in_reply_to": (ours,)},
        "subject": {"subject": f"[#{ticket.pk}]"},
    }
    message = came(to=ticket.inbox, who=STRANGER, **clues[by])
    assert message.ticket_id != ticket.pk
    assert message.thread_how == How.STRANGER
    assert message.ticket.maybe_related_id == ticket.pk


def test_a_colleague_in_copy_takes_part() -> None:
    ticket = make.ticket(cc=(Address(*make.MARIA),))
    message = came(to=ticket.inbox, who=make.MARIA, subject=f"[#{ticket.pk}]")
    assert message.ticket_id == ticket.pk


def test_our_own_addresses_never_take_part() -> None:
    box = make.inbox()
    ticket = make.ticket(to=box, cc=(Address(box.address.upper().lower()),))
    assert not Participant.objects.filter(ticket=ticket, address=box.address).exists()


def test_two_clients_with_equal_subjects_stay_apart(ticket: Ticket) -> None:
    message = came(to=ticket.inbox, who=make.JOHN, subject=ticket.subject)
    assert message.ticket_id != ticket.pk


def test_closed_ticket_leads_to_a_follow_up(ticket: Ticket) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(status="closed")
    message = came(to=ticket.inbox, subject=f"[#{ticket.pk}]")
    assert message.ticket.follow_up_of_id == ticket.pk
    assert message.thread_how == How.FOLLOW_UP


def test_answer_that_came_before_its_question_is_linked() -> None:
    early = make.incoming(
        "И ещё вопрос", who=make.MARIA, in_reply_to=("first@client.example",), subject="Re: код"
    )
    late = make.incoming("Первый вопрос", message_id="first@client.example", subject="код")
    was, now = early.ticket, Ticket.objects.get(pk=early.ticket_id)
    assert early.ticket_id != late.ticket_id
    assert (now.maybe_related_id, now.version) == (late.ticket_id, was.version + 1)
    fact = MaybeRelated(ticket=now.pk, to=late.ticket_id)
    assert [row.fact for row in Event.objects.filter(kind=fact.kind, stream=now.stream)] == [fact]
    for language, words in (("en", "may belong to another ticket"), ("ru", "другому обращению")):
        reader = make.administrator()
        Agent.objects.filter(pk=reader.pk).update(language=language)
        assert words in make.browser(reader).get(f"/t/{now.pk}/").content.decode()


def test_what_a_ticket_may_belong_to_is_said_once() -> None:
    early = make.incoming("И ещё", who=make.MARIA, in_reply_to=("first@client.example",))
    first = make.incoming("Первый", message_id="first@client.example", subject="код")
    other = make.incoming("Другой", who=make.JOHN, message_id="first@client.example")
    assert other.ticket_id != first.ticket_id
    early.ticket.refresh_from_db()
    assert early.ticket.maybe_related_id == first.ticket_id
    assert Event.objects.filter(kind=MaybeRelated.kind).count() == 1


def test_the_nearest_reference_wins() -> None:
    first, second = make.ticket(), make.ticket(subject="Другое")
    ids = (first.messages.get().message_id, second.messages.get().message_id)
    message = came(to=second.inbox, references=ids)
    assert message.ticket_id == second.pk


def test_a_huge_list_of_references_is_bounded(ticket: Ticket) -> None:
    ids = tuple(f"{number}@elsewhere" for number in range(5000))
    message = came(to=ticket.inbox, references=ids)
    assert message.thread_how == How.NEW


def test_note_address_is_not_a_reply_address(ticket: Ticket) -> None:
    assert ticket.inbox is not None
    note = links.note_address(ticket.inbox.address, ticket.pk)
    assert links.ticket_of_address(note) == ("n", ticket.pk)
    message = came(to=ticket.inbox, delivered_to=[note])
    assert message.ticket_id != ticket.pk
    assert threading.note_ticket is not None
