"""Mail that comes back, mail that an agent forwards, and more mail than a person would send."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist

from tests import make
from tests.drain import drain
from zabota.automation import triage
from zabota.channels.models import Outgoing
from zabota.customers.models import Contact, Identity
from zabota.lib import clock
from zabota.staff.models import Agent, Level, Role
from zabota.tickets import actions
from zabota.tickets.floods import MOST
from zabota.tickets.models import Message, Status, Ticket
from zabota.tickets.threading import How

pytestmark = pytest.mark.django_db


def arrives(raw: bytes) -> Message:
    """The message that a mail became."""
    row = make.received(make.inbox(), raw)
    drain()
    return Message.objects.get(raw=row)


def answered(text: str = "Проверяем.") -> tuple[Ticket, Agent, Outgoing]:
    """A ticket of a client, and our answer, sent."""
    agent = make.agent(level=Level.MANAGE)
    ticket = arrives(make.mail()).ticket
    return ticket, agent, answer(ticket, agent, text)


def answer(ticket: Ticket, agent: Agent, text: str) -> Outgoing:
    message = actions.reply(ticket, text, agent=agent, by=agent.actor)
    drain()
    message.refresh_from_db()
    assert message.outgoing is not None
    Outgoing.objects.filter(pk=message.outgoing.pk).update(state="sent", sent_at=clock.now())
    return message.outgoing


def bounce(outgoing: Outgoing, status: str = "5.1.1") -> bytes:
    """The report of the receiver's server."""
    action = "delayed" if status[0] == "4" else "failed"
    return f"""From: Mail Delivery System <MAILER-DAEMON@mx.client.example>
To: support@zabota.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <{outgoing.pk}.{status}@mx.client.example>
Date: {clock.now():%a, %d %b %Y %H:%M:%S} +0000
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.client.example

Final-Recipient: rfc822; {outgoing.recipient}
Action: {action}
Status: {status}

--b
Content-Type: text/rfc822-headers

From: support@zabota.example
To: {outgoing.recipient}
Message-ID: <{outgoing.message_id}>

--b--
""".encode()


def page(agent: Agent, ticket: Ticket) -> str:
    return make.browser(agent).get(f"/t/{ticket.pk}/").content.decode()


def test_a_bounce_shows_at_the_message_and_wakes_nobody() -> None:
    ticket, agent, outgoing = answered()
    actions.solve(ticket, by=agent.actor)
    drain()
    told = arrives(bounce(outgoing))
    assert told.ticket_id == ticket.pk
    assert told.thread_how == How.BOUNCE
    ticket.refresh_from_db()
    assert ticket.status == Status.SOLVED
    outgoing.refresh_from_db()
    assert outgoing.state == "returned"
    text = page(agent, ticket)
    assert "Возвращено сервером получателя" in text
    assert "такого адреса нет" in text
    assert f"/t/{ticket.pk}/resend/{told.pk}" not in text


def test_a_delay_is_told_and_the_later_end_too() -> None:
    ticket, agent, outgoing = answered()
    arrives(bounce(outgoing, "4.4.1"))
    outgoing.refresh_from_db()
    assert outgoing.state == "held"
    assert "всё ещё пытается" in page(agent, ticket).lower()
    arrives(bounce(outgoing, "5.4.7"))
    outgoing.refresh_from_db()
    assert outgoing.state == "returned"
    arrives(bounce(outgoing, "4.4.7"))
    outgoing.refresh_from_db()
    assert outgoing.state == "returned", "a late word of a delay changes nothing"


def test_an_address_that_returns_twice_is_marked_until_he_writes_again() -> None:
    ticket, agent, first = answered()
    second = answer(ticket, agent, "Ещё раз.")
    arrives(bounce(first))
    warning = "адрес, возможно, неверен"
    assert warning not in page(agent, ticket)
    arrives(bounce(second))
    arrives(bounce(second).replace(b"5.1.1@", b"again@"))
    assert Identity.objects.get(value=make.PETR[0]).returned == 2
    assert warning in page(agent, ticket)
    arrives(make.mail("Я снова на связи."))
    assert warning not in page(agent, ticket)


def test_a_bounce_of_a_mail_that_is_not_ours_is_kept_as_a_robots_ticket() -> None:
    _ticket, _agent, outgoing = answered()
    outgoing.message_id = "someone@else.example"
    told = arrives(bounce(outgoing))
    assert told.ticket.is_robot
    assert told.thread_how == How.NEW


FORWARDED = """Посмотрите, пожалуйста.

---------- Forwarded message ---------
От: Анна Новикова <anna@newclient.example>
Date: пт, 27 нояб. 2026 г. в 10:00
Subject: счёт
To: <sales@zabota.example>

Где мой счёт за ноябрь?
"""


def test_what_an_agent_forwards_belongs_to_the_client() -> None:
    agent = make.agent()
    raw = make.mail(FORWARDED, who=(agent.email, agent.full_name), subject="Fwd: счёт")
    message = arrives(raw)
    contact = message.ticket.contact
    assert contact is not None
    assert (contact.address, contact.name) == ("anna@newclient.example", "Анна Новикова")
    assert message.thread_how == How.FORWARDED
    assert "Где мой счёт" in message.text
    addresses = set(message.ticket.participants.values_list("address", flat=True))
    assert "anna@newclient.example" in addresses
    assert agent.email not in addresses
    assert agent.email in page(make.administrator(), message.ticket)


def test_a_client_who_forwards_something_stays_the_client() -> None:
    message = arrives(make.mail(FORWARDED, subject="Fwd: счёт"))
    contact = message.ticket.contact
    assert contact is not None
    assert contact.address == make.PETR[0]
    assert message.thread_how == How.NEW


def test_an_agent_who_forwards_mail_of_a_colleague_is_the_contact() -> None:
    agent, other = make.agent(), make.agent("Ольга Щербакова")
    text = FORWARDED.replace("anna@newclient.example", other.email)
    message = arrives(make.mail(text, who=(agent.email, agent.full_name), subject="Fwd: счёт"))
    assert message.ticket.contact is not None
    assert message.ticket.contact.address == agent.email


def flood(mails: int) -> None:
    box = make.inbox()
    for number in range(mails):
        make.received(box, make.mail(f"Письмо {number}", subject=f"Тема {number}"))
        if number % 1000 == 999:
            drain()
    drain()


def outgoing_to(address: str) -> int:
    return Outgoing.objects.filter(recipient=address).count()


def check_flood(mails: int) -> None:
    lead = make.agent("Ольга Щербакова", level=Level.MANAGE, role=Role.LEAD)
    flood(mails)
    assert Ticket.objects.count() == MOST
    assert Message.objects.filter(direction="in").count() == mails
    last = Message.objects.filter(thread_how=How.FLOOD).values_list("ticket", flat=True).distinct()
    assert list(last) == [Ticket.objects.latest("pk").pk]
    assert outgoing_to(make.PETR[0]) == 1, "one automatic answer in the window"
    assert outgoing_to(lead.email) == 1, "the lead hears once"
    arrives(make.mail("Я другой", who=make.JOHN))
    assert Ticket.objects.count() == MOST + 1


def test_more_mails_than_a_person_sends_cost_few_tickets_and_one_answer() -> None:
    check_flood(120)


# Commits, because versions of a row that one transaction changes ten thousand times are never
# cleared away: the test would measure that.
@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_ten_thousand_mails_of_one_sender() -> None:
    check_flood(10_000)


def test_the_flood_is_over_after_an_hour() -> None:
    flood(MOST + 2)
    with clock.at(clock.now() + timedelta(hours=1, minutes=1)):
        assert arrives(make.mail("Позже")).thread_how == How.NEW


def test_two_robots_that_say_nothing_of_themselves_stop() -> None:
    """Each of our answers brings a new mail of his, without any sign of a robot."""
    sent = 0
    for number in range(30):
        with clock.at(clock.now() + timedelta(minutes=3 * number)):
            before = outgoing_to(make.PETR[0])
            arrives(make.mail("Ваше обращение принято.", subject=f"Принято {number}"))
            if outgoing_to(make.PETR[0]) == before:
                break
            sent += 1
    assert sent == triage.PER_LONG_WINDOW


def test_merged_contacts_and_unknown_addresses_do_not_stumble() -> None:
    ticket, _agent, outgoing = answered()
    Identity.objects.filter(value=outgoing.recipient).delete()
    arrives(bounce(outgoing))
    with pytest.raises(ObjectDoesNotExist):
        Identity.objects.get(value=outgoing.recipient)
    assert ticket.contact is not None
    assert Contact.objects.filter(pk=ticket.contact.pk).exists()
