"""A client is answered where he wrote from last, or where he prefers, and gets the letters he
wants (R003)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests import make
from tests.drain import drain
from tests.portal import visitor
from zabota.channels.contract import Address
from zabota.channels.models import Outgoing
from zabota.customers.actions import add_address
from zabota.customers.models import Contact, Identity
from zabota.events.models import Event
from zabota.lib import clock
from zabota.staff.models import Agent
from zabota.tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db
PETR, HOME = make.PETR[0], "petr.home@mail.example"


@pytest.fixture
def vera() -> Agent:
    return make.agent(language="en")


@pytest.fixture
def ticket(vera: Agent) -> Ticket:
    """Its client has two addresses and wrote from the first."""
    made = make.ticket(owner=vera)
    assert made.contact is not None
    add_address(made.contact, HOME, by=make.BY)
    drain()
    return made


def post(vera: Agent, ticket: Ticket, what: str, **given: Any) -> Any:
    answer = make.browser(vera).post(f"/t/{ticket.pk}/{what}/", given)
    drain()
    return answer


def answered_to(vera: Agent, ticket: Ticket, **given: Any) -> str:
    assert post(vera, ticket, "reply", body="Ответ", **given).status_code == 302
    newest = Message.objects.filter(ticket=ticket, direction="out").latest("id")
    assert newest.outgoing is not None
    return newest.outgoing.recipient


def test_the_answer_goes_where_he_wrote_from_last(vera: Agent, ticket: Ticket) -> None:
    assert answered_to(vera, ticket) == PETR
    make.incoming("Пишу из дома", joins=ticket, sender=Address(HOME), who=(HOME, "Пётр"))
    assert answered_to(vera, ticket) == HOME
    make.incoming("Снова с работы", joins=ticket)
    assert answered_to(vera, ticket) == PETR


def test_the_agent_switches_for_one_answer(vera: Agent, ticket: Ticket) -> None:
    page = make.browser(vera).get(f"/t/{ticket.pk}/").content.decode()
    assert f'<option value="{HOME}">To: {HOME}</option>' in page
    assert answered_to(vera, ticket, to=HOME) == HOME
    assert answered_to(vera, ticket) == PETR


def test_nobody_elses_address_is_taken_and_the_text_is_kept(vera: Agent, ticket: Ticket) -> None:
    make.contact(make.MARIA)
    for stranger in (make.MARIA[0], "nobody@example.org", "x" * 400):
        answer = post(vera, ticket, "reply", body="Секрет", to=stranger)
        assert answer.status_code == 422
        assert "Секрет" in answer.content.decode()
    assert not Message.objects.filter(text="Секрет").exists()


def test_a_refusal_keeps_the_chosen_address(vera: Agent, ticket: Ticket) -> None:
    answer = post(vera, ticket, "reply", body="Текст", to=HOME, then="nonsense")
    assert f'<option value="{HOME}" selected>' in answer.content.decode()


def test_the_preferred_address_is_written_to_when_nothing_else_is_said(
    vera: Agent, ticket: Ticket
) -> None:
    home = Identity.objects.get(value=HOME)
    post(vera, ticket, "preferred", identity=home.pk)
    assert answered_to(vera, ticket) == HOME
    post(vera, ticket, "preferred", identity=Identity.objects.get(value=PETR).pk)
    assert answered_to(vera, ticket) == PETR
    assert Identity.objects.filter(is_preferred=True).count() == 1


def test_addresses_are_checked(vera: Agent, ticket: Ticket) -> None:
    make.contact(make.MARIA)
    for wrong in ("", "нет", "a@b", make.MARIA[0], "a@example.org\r\nBcc: x@example.org"):
        assert post(vera, ticket, "address", address=wrong).status_code == 422, wrong
    assert post(vera, ticket, "address", address=" Third@Example.org ").status_code == 302
    assert post(vera, ticket, "address", address="third@example.org").status_code == 302
    own = Contact.objects.get(identities__value=PETR).identities
    assert set(own.values_list("value", flat=True)) == {PETR, HOME, "third@example.org"}
    changes = Event.objects.filter(kind="customers.contact_changed", facts__fields=["identities"])
    assert changes.count() == 2
    for number in range(20):
        answer = post(vera, ticket, "address", address=f"n{number}@example.org")
    assert answer.status_code == 422
    strangers = Identity.objects.get(value=make.MARIA[0])
    assert post(vera, ticket, "preferred", identity=strangers.pk).status_code == 422
    assert post(vera, ticket, "preferred", identity="x").status_code == 422


def test_who_wants_no_receipts_and_marks_gets_none(vera: Agent, ticket: Ticket) -> None:
    before = len(visitor.mails(PETR))
    post(vera, ticket, "wishes")
    make.ticket("Второе обращение")
    drain()
    assert len(visitor.mails(PETR)) == before
    page = make.browser(vera).get(f"/t/{Ticket.objects.latest('id').pk}/").content.decode()
    assert "the client wants no receipts" in page
    post(vera, ticket, "solve")
    letter = visitor.mails(PETR)[-1]
    assert "rate/" not in letter
    post(vera, ticket, "wishes", wants=["receipts", "marks"])
    with clock.at(clock.now() + timedelta(hours=2)):
        make.ticket("Третье обращение")
        drain()
    assert len(visitor.mails(PETR)) == before + 2


def test_the_client_says_it_himself_in_his_cabinet(
    vera: Agent, ticket: Ticket, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "zabota.channels.systemmail.OutboxBackend"
    visitor.browser().post("/my/wishes/", {"wants": ""})
    client = visitor.browser()
    client.post("/my/", {"address": PETR})
    drain()
    client.post(visitor.links(visitor.mails(PETR)[-1])[0])
    assert 'value="marks" checked' in client.get("/my/").content.decode()
    assert client.post("/my/wishes/", {"wants": "receipts"}, follow=True).status_code == 200
    contact = Contact.objects.get(identities__value=PETR)
    assert (contact.wants_receipts, contact.wants_marks) == (True, False)
    assert 'value="marks">' in client.get("/my/").content.decode()


def test_his_other_address_gets_no_copy_of_his_own_letter(vera: Agent, ticket: Ticket) -> None:
    make.incoming("Пишу из дома", joins=ticket, sender=Address(HOME), who=(HOME, "Пётр"))
    make.incoming("Снова с работы", joins=ticket)
    assert answered_to(vera, ticket) == PETR
    assert not Outgoing.objects.filter(recipient=HOME).exists()
