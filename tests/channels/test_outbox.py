"""The outbox against a real SMTP server that misbehaves as told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests import make
from tests.drain import drain, run_timers
from tests.mailserver import SmtpServer
from zabota.channels import outbox, registry
from zabota.channels.models import Inbox, Outgoing, OutgoingState
from zabota.events.models import Timer
from zabota.lib import clock, crypto
from zabota.tickets.actions import reply
from zabota.tickets.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def ticket(smtp: SmtpServer) -> Ticket:
    ticket = make.ticket(to=make.inbox(config=smtp.config()))
    drain()
    smtp.taken.clear()
    return ticket


def answer(ticket: Ticket) -> Outgoing:
    agent = make.agent()
    message = reply(ticket, "Проверьте папку.", agent=agent, by=agent.actor)
    drain()
    return Outgoing.objects.get(ticket_message=message)


def later(minutes: float) -> None:
    with clock.shifted(timedelta(minutes=minutes)):
        run_timers()


def test_sent_with_its_own_message_id(smtp: SmtpServer, ticket: Ticket) -> None:
    row = answer(ticket)
    mine = [mail for mail in smtp.taken if row.message_id.encode() in mail.raw]
    assert row.state == OutgoingState.SENT
    assert len(mine) == 1
    assert mine[0].recipients == (make.PETR[0],)


def test_a_temporary_refusal_waits_and_is_tried_again(smtp: SmtpServer, ticket: Ticket) -> None:
    smtp.data = lambda _: "451 later"
    row = answer(ticket)
    assert (row.state, row.attempts) == (OutgoingState.DELAYED, 1)
    assert "451" in row.last_error
    later(0.5)
    row.refresh_from_db()
    assert row.attempts == 1
    smtp.data = lambda _: ""
    later(1.1)
    row.refresh_from_db()
    assert row.state == OutgoingState.SENT


def test_a_permanent_refusal_waits_for_a_person(smtp: SmtpServer, ticket: Ticket) -> None:
    smtp.recipient = lambda _: "550 no such user"
    row = answer(ticket)
    assert row.state == OutgoingState.FAILED
    later(10_000)
    row.refresh_from_db()
    assert row.state == OutgoingState.FAILED
    smtp.recipient = lambda _: ""
    outbox.retry(row.pk, by=make.BY)
    drain()
    row.refresh_from_db()
    assert row.state == OutgoingState.SENT


def test_given_up_after_the_last_back_off(smtp: SmtpServer, ticket: Ticket) -> None:
    smtp.data = lambda _: "451 never"
    row = answer(ticket)
    for step in range(len(outbox.BACKOFF) + 1):
        later(sum(wait.total_seconds() / 60 for wait in outbox.BACKOFF[: step + 1]) + 60 * step)
    row.refresh_from_db()
    assert row.state == OutgoingState.FAILED
    assert not Timer.objects.filter(subject=f"outgoing:{row.pk}").exists()


def test_connection_lost_after_the_mail_was_taken_repeats_the_same_message_id(
    smtp: SmtpServer, ticket: Ticket
) -> None:
    smtp.drop_after_data = 1
    row = answer(ticket)
    assert row.state == OutgoingState.DELAYED
    later(1.1)
    row.refresh_from_db()
    same = [mail for mail in smtp.taken if f"<{row.message_id}>".encode() in mail.raw]
    assert row.state == OutgoingState.SENT
    assert len(same) == 2


def test_one_refused_copy_is_named_and_the_others_are_sent(
    smtp: SmtpServer,
) -> None:
    from zabota.channels.contract import Address

    box = make.inbox(config=smtp.config())
    ticket = make.ticket(to=box, cc=(Address(*make.MARIA),))
    smtp.recipient = lambda address: "550 gone" if address == make.MARIA[0] else ""
    row = answer(ticket)
    assert row.state == OutgoingState.SENT
    assert make.MARIA[0] in row.last_error


def test_a_switched_off_inbox_sends_nothing_and_says_so(smtp: SmtpServer, ticket: Ticket) -> None:
    Inbox.objects.update(is_active=False)
    row = answer(ticket)
    assert row.state == OutgoingState.FAILED
    assert "switched off" in row.last_error
    assert not smtp.taken


def test_retry_of_a_sent_message_is_refused(smtp: SmtpServer, ticket: Ticket) -> None:
    row = answer(ticket)
    with pytest.raises(outbox.NotRetryable):
        outbox.retry(row.pk, by=make.BY)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("help@почта.рф", "xn--80a1acny.xn--p1ai"),
        ("help@client.example", "client.example"),
        ("", "zabota.invalid"),
        (f"help@{'п' * 100}.рф", "zabota.invalid"),
    ],
)
def test_our_message_ids_are_ascii(address: str, host: str) -> None:
    made = outbox.new_message_id(address, 7)
    assert made.endswith(f".7@{host}")
    assert made != outbox.new_message_id(address, 7)


def test_one_key_is_one_message(ticket: Ticket) -> None:
    row = answer(ticket)
    again = outbox.enqueue(outbox.load(row.envelope), key=row.key, inbox=None, by=make.BY)
    assert again.pk == row.pk


@pytest.mark.parametrize("fault", [ValueError("слово клиента"), crypto.WrongKey("key lost")])
def test_an_unexpected_fault_stands_beside_the_message_with_a_retry(
    smtp: SmtpServer, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def stumble(*_: object) -> None:
        raise fault

    monkeypatch.setattr(registry.kind("mail"), "send", stumble)
    row = answer(ticket)
    assert row.state == OutgoingState.FAILED
    assert ("ValueError" in row.last_error) or ("key lost" in row.last_error)
    assert "клиента" not in row.last_error
    monkeypatch.undo()
    outbox.retry(row.pk, by=make.BY)
    drain()
    row.refresh_from_db()
    assert row.state == OutgoingState.SENT
