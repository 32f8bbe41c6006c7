"""The cabinet: in by a link of the mail, and nobody sees what is not his."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.drain import drain
from tests.portal import visitor
from zabota.channels.models import Outgoing
from zabota.customers.models import Contact
from zabota.lib import clock
from zabota.portal.models import ClientSession, Confirmation
from zabota.staff.models import Level, Role
from zabota.tickets import actions
from zabota.tickets.models import Status, Ticket, TicketType, TrackingLink

pytestmark = pytest.mark.django_db
PETR, MARIA = make.PETR[0], make.MARIA[0]


def link_for(address: str, client: Client) -> str:
    assert client.post("/my/", {"address": address}).status_code == 200
    return visitor.links(visitor.mails(address)[-1])[0]


def signed_in(address: str) -> Client:
    client = visitor.browser()
    assert client.post(link_for(address, client))["Location"] == "/my/"
    return client


def opened(client: Client, ticket: Ticket | int) -> Any:
    number = ticket if isinstance(ticket, int) else ticket.pk
    return client.post("/my/open/", {"ticket": str(number)})


def test_own_requests_are_listed_and_opened() -> None:
    mine = make.ticket("Моё")
    make.ticket("Чужое", who=make.MARIA)
    client = signed_in(PETR)
    page = client.get("/my/").content.decode()
    assert "Моё" in page
    assert "Чужое" not in page
    shown = client.get(opened(client, mine)["Location"]).content.decode()
    assert "Моё" in shown
    assert "You write as" in shown


def test_a_foreign_number_answers_as_one_that_does_not_exist() -> None:
    make.ticket("Моё")
    foreign = make.ticket("Чужое", who=make.MARIA)
    client = signed_in(PETR)
    for number in (foreign.pk, 987654321):
        assert opened(client, number).status_code == 404
    for wrong in ("", "x", "-1", "١", "9" * 30):
        assert client.post("/my/open/", {"ticket": wrong}).status_code == 404
    assert not TrackingLink.objects.filter(ticket=foreign, address=PETR).exists()


def test_the_link_works_once_and_by_its_button_alone() -> None:
    make.ticket()
    client = visitor.browser()
    link = link_for(PETR, client)
    for method in ("get", "head", "get"):
        assert getattr(visitor.browser(), method)(link).status_code == 200
    assert not ClientSession.objects.exists()
    assert client.post(link).status_code == 302
    assert client.post(link).status_code == 410
    assert visitor.browser().get(link).status_code == 410
    assert ClientSession.objects.count() == 1


def test_the_link_ends_after_half_an_hour() -> None:
    make.ticket()
    client = visitor.browser()
    link = link_for(PETR, client)
    with clock.shifted(timedelta(minutes=31)):
        assert client.post(link).status_code == 410
    assert client.post(link).status_code == 302


def test_known_and_unknown_addresses_get_the_same_answer() -> None:
    make.ticket()

    def said(address: str) -> str:
        answer = visitor.browser().post("/my/", {"address": address})
        assert answer.status_code == 200
        return str(answer.content.decode().replace(address, "A"))

    assert said(PETR) == said("nobody@elsewhere.example")
    assert not Outgoing.objects.filter(recipient="nobody@elsewhere.example").exists()


def test_links_are_stored_hashed_and_limited() -> None:
    make.ticket()
    client = visitor.browser()
    token = link_for(PETR, client).split("/")[2]
    assert token not in repr(list(Confirmation.objects.values()))
    found = [client.post("/my/", {"address": PETR}).status_code for _ in range(5)]
    assert found == [200] * 4 + [429]


def test_a_manager_sees_his_account_and_loses_it_again() -> None:
    company = make.account("ООО «Ромашка»", "romashka.example")
    petr = make.contact(make.PETR, of=company)
    make.contact(make.MARIA, of=company)
    mine = make.ticket("Моё")
    hers = make.ticket("Мариино", who=make.MARIA)
    make.ticket("Постороннее", who=make.JOHN)
    lead = make.agent("Ольга Щербакова", level=Level.MANAGE, role=Role.LEAD)
    client = signed_in(PETR)
    assert "Мариино" not in client.get("/my/").content.decode()
    desk = make.browser(lead)
    panel = desk.get(f"/t/{mine.pk}/context/").content.decode()
    assert f"/t/{mine.pk}/manager/" in panel
    desk.post(f"/t/{mine.pk}/manager/", {"manages": "yes"})
    page = client.get("/my/").content.decode()
    assert "Мариино" in page
    assert "Постороннее" not in page
    hers_page = opened(client, hers)["Location"]
    assert "You write as" in client.get(hers_page).content.decode()
    own_page = opened(client, mine)["Location"]
    desk.post(f"/t/{mine.pk}/manager/", {"manages": "no"})
    assert not Contact.objects.get(pk=petr.pk).manages_account
    assert opened(client, hers).status_code == 404
    assert client.get(hers_page).status_code == 410
    assert client.get(own_page).status_code == 200


def test_our_work_behind_a_request_is_not_shown() -> None:
    vera = make.agent()
    ticket = make.ticket("Моё")
    actions.reply(ticket, "Готово", agent=vera, by=vera.actor, solve=True)
    drain()
    visitor.browser().post(f"{visitor.page_of(PETR)}rate/1/", {"mark": "1"})
    drain()
    recovery = Ticket.objects.get(type=TicketType.RECOVERY)
    client = signed_in(PETR)
    assert f"#{recovery.pk}" not in client.get("/my/").content.decode()
    assert opened(client, recovery).status_code == 404


def test_a_request_closed_long_ago_is_not_opened() -> None:
    ticket = make.ticket("Моё")
    client = signed_in(PETR)
    past = clock.now() - timedelta(days=181)
    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED, closed_at=past)
    assert opened(client, ticket).status_code == 404


def test_signing_out_and_forged_cookies() -> None:
    make.ticket("Моё")
    client = signed_in(PETR)
    client.post("/my/leave/")
    assert not ClientSession.objects.exists()
    assert "Моё" not in client.get("/my/").content.decode()
    client.cookies["zabota_client"] = "forged"
    assert "Моё" not in client.get("/my/").content.decode()


def test_clients_and_agents_have_sessions_of_their_own() -> None:
    make.ticket("Моё")
    client = signed_in(PETR)
    assert client.get("/inbox/open/").status_code == 302
    assert "Моё" not in make.browser(make.agent()).get("/my/").content.decode()


def test_the_list_takes_as_many_statements_for_ten_as_for_one() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/my/").status_code == 200
        return len(seen)

    make.ticket("Первое")
    client = signed_in(PETR)
    one = statements()
    for number in range(9):
        make.ticket(f"Ещё {number}")
    assert statements() == one
