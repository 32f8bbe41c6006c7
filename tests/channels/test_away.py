"""A mail server that is away for a day: nothing is lost, and all of it leaves in its order."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from tests import make
from tests.drain import drain, run_timers
from tests.mailserver import SmtpServer, Taken
from zabota.channels import away, outbox
from zabota.channels.models import Outgoing, OutgoingState
from zabota.events.models import Event
from zabota.lib import clock
from zabota.tickets.actions import reply
from zabota.tickets.models import Ticket

pytestmark = pytest.mark.django_db

ANNA = ("anna@client.example", "Анна")
IVAN = ("ivan@client.example", "Иван")


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def tickets(smtp: SmtpServer) -> list[Ticket]:
    """Three clients' tickets at one inbox, all acknowledged."""
    inbox = make.inbox(config=smtp.config())
    found = [make.ticket(to=inbox, who=who) for who in (make.PETR, ANNA, IVAN)]
    drain()
    smtp.taken.clear()
    return found


@pytest.fixture(autouse=True)
def no_page_remembers() -> Iterator[None]:
    away.forget()
    yield
    away.forget()


def answer(ticket: Ticket, text: str = "Проверьте папку.") -> int:
    """The letter's number in the outbox."""
    agent = make.agent()
    message = reply(ticket, text, agent=agent, by=agent.actor)
    drain()
    return Outgoing.objects.values_list("pk", flat=True).get(ticket_message=message)


def states(*numbers: int) -> list[str]:
    rows = dict(Outgoing.objects.filter(pk__in=numbers).values_list("pk", "state"))
    return [rows[number] for number in numbers]


def text_of(mail: Taken) -> str:
    body = message_from_bytes(mail.raw, policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def tries() -> int:
    """How often a letter asked for the server again."""
    return Event.objects.filter(kind="channels.retry_due").count()


def test_a_day_without_the_server_then_everything_in_its_order(
    smtp: SmtpServer, tickets: list[Ticket]
) -> None:
    smtp.stop()
    numbers: list[int] = []
    for quarter in range(96):
        with clock.shifted(timedelta(minutes=15 * quarter)):
            if quarter % 8 == 0:
                numbers.append(answer(tickets[len(numbers) % 3], f"Ответ {len(numbers)}"))
            run_timers()
    assert states(*numbers) == [OutgoingState.AWAY] * 12
    assert not Outgoing.objects.filter(pk__in=numbers, attempts__gt=0).exists(), "no letter's fault"
    # Only the oldest asks, here each quarter.
    assert tries() <= 96
    smtp.start()
    with clock.shifted(timedelta(hours=24)):
        numbers.append(answer(tickets[0], "Ответ 12"))
        assert states(numbers[-1]) == [OutgoingState.AWAY], "nobody overtakes"
        run_timers()
        drain()
    assert states(*numbers) == [OutgoingState.SENT] * 13
    said = [text_of(mail).split("Ответ ")[1].split()[0] for mail in smtp.taken]
    assert said == [str(number) for number in range(13)]
    with clock.shifted(timedelta(hours=30)):
        run_timers()
    assert len(smtp.taken) == 13, "none twice"


def test_a_refused_letter_is_tried_by_itself(smtp: SmtpServer, tickets: list[Ticket]) -> None:
    smtp.data = lambda _: "451 later"
    first = answer(tickets[0])
    smtp.data = lambda _: ""
    second = answer(tickets[1])
    assert states(first, second) == [OutgoingState.DELAYED, OutgoingState.SENT]


@pytest.mark.parametrize("said", ["550 no such user", "451 later"])
def test_a_server_that_refuses_the_oldest_is_there_for_the_others(
    smtp: SmtpServer, tickets: list[Ticket], said: str
) -> None:
    smtp.stop()
    first, second = answer(tickets[0]), answer(tickets[1])
    assert states(first, second) == [OutgoingState.AWAY] * 2
    smtp.recipient = lambda address: said if address == make.PETR[0] else ""
    smtp.start()
    with clock.shifted(timedelta(minutes=2)):
        run_timers()
    assert states(second) == [OutgoingState.SENT]
    assert states(first)[0] in {OutgoingState.FAILED, OutgoingState.DELAYED}


def test_a_greeting_that_sends_away_is_no_word_about_the_letter(
    smtp: SmtpServer, tickets: list[Ticket], monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_given: object, **_named: object) -> None:
        raise smtplib.SMTPConnectError(421, b"too many connections")

    with monkeypatch.context() as patched:
        patched.setattr(smtplib, "SMTP", connect)
        number = answer(tickets[0])
    assert states(number) == [OutgoingState.AWAY]
    with clock.shifted(timedelta(minutes=2)):
        run_timers()
    assert states(number) == [OutgoingState.SENT]


def test_who_tries_again_asks_for_the_server(smtp: SmtpServer, tickets: list[Ticket]) -> None:
    smtp.stop()
    numbers = [answer(ticket) for ticket in tickets]
    smtp.start()
    outbox.retry(numbers[2], by=make.BY)
    run_timers()
    assert states(*numbers) == [OutgoingState.SENT] * 3


def test_other_inboxes_do_not_wait(smtp: SmtpServer, tickets: list[Ticket]) -> None:
    with SmtpServer() as other:
        theirs = make.ticket(
            to=make.inbox(address="billing@zabota.example", config=other.config()), who=ANNA
        )
        drain()
        smtp.stop()
        numbers = [answer(tickets[0]), answer(theirs)]
        assert states(*numbers) == [OutgoingState.AWAY, OutgoingState.SENT]


def test_after_five_days_the_writer_must_know(smtp: SmtpServer, tickets: list[Ticket]) -> None:
    smtp.stop()
    first, beside = answer(tickets[0]), answer(tickets[2])
    with clock.shifted(timedelta(days=4, hours=23)):
        second = answer(tickets[1])
        run_timers()
        assert states(first, second) == [OutgoingState.AWAY] * 2
    with clock.shifted(timedelta(days=5, hours=1)):
        run_timers()
    failed = OutgoingState.FAILED
    assert states(first, beside, second) == [failed, failed, OutgoingState.AWAY]
    assert "No connection" in Outgoing.objects.get(pk=first).last_error
    smtp.start()
    with clock.shifted(timedelta(days=5, hours=3)):
        run_timers()
    assert states(second) == [OutgoingState.SENT]


def test_an_administrator_sees_it_on_every_page(smtp: SmtpServer, tickets: list[Ticket]) -> None:
    boss, other = make.agent("Алексей Орлов", role="administrator"), make.agent()
    smtp.stop()
    number = answer(tickets[0])
    words = "Почтовый сервер ящика"
    page = make.browser(boss).get("/profile/").content.decode()
    assert words not in page, "a short trouble is none"
    created = Outgoing.objects.get(pk=number).created_at - timedelta(minutes=16)
    Outgoing.objects.filter(pk=number).update(created_at=created)
    away.forget()
    assert words in make.browser(boss).get("/profile/").content.decode()
    assert words not in make.browser(other).get("/profile/").content.decode()
    ticket = make.browser(other).get(f"/t/{tickets[0].pk}/").content.decode()
    assert "Ждёт почтовый сервер" in ticket
    smtp.start()
    with clock.shifted(timedelta(minutes=2)):
        run_timers()
    away.forget()
    assert words not in make.browser(boss).get("/profile/").content.decode()
