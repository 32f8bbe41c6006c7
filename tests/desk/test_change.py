"""Changing a ticket through HTTP: what works, what is refused, and where one lands afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests import make
from zabota.events.models import Event
from zabota.staff.models import Agent, Level
from zabota.tickets import actions
from zabota.tickets.models import Status, Ticket

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def vera() -> Agent:
    return make.agent("Вера Зорина", language="en")


@pytest.fixture
def client(vera: Agent) -> Client:
    return make.browser(vera)


@pytest.fixture
def ticket() -> Ticket:
    return make.ticket()


def post(client: Client, ticket: Ticket, what: str, **form: Any) -> int:
    return client.post(f"/t/{ticket.pk}/{what}/", form).status_code


def test_each_property_is_changed(client: Client, ticket: Ticket, vera: Agent) -> None:
    topic = make.topic()
    changes: dict[str, dict[str, Any]] = {
        "take": {}, "urgency": {"urgency": 1}, "type": {"type": "incident"},
        "topic": {"topic": topic.pk}, "tags": {"tags": "Вход, почта ,, вход"},
        "status": {"status": "waiting_internal"}, "subject": {"subject": "Новая тема"},
    }  # fmt: skip
    for what, form in changes.items():
        assert post(client, ticket, what, **form) == 302, what
    ticket.refresh_from_db()
    assert ticket.owner == vera
    assert (ticket.urgency, ticket.type, ticket.topic) == (1, "incident", topic)
    assert ticket.tags == ["вход", "почта"]
    assert (ticket.status, ticket.subject) == (Status.WAITING_INTERNAL, "Новая тема")


@pytest.mark.parametrize(
    ("what", "form"),
    [
        ("urgency", {"urgency": 9}),
        ("urgency", {"urgency": "x"}),
        ("urgency", {}),
        ("type", {"type": "wish"}),
        ("status", {"status": "solved"}),
        ("status", {"status": "nonsense"}),
        ("topic", {"topic": 999999}),
        ("topic", {"topic": "9" * 30}),
        ("subject", {"subject": "  "}),
        ("queue", {"queue": 999999}),
        ("queue", {"queue": ""}),
        ("assign", {"owner": 999999}),
        ("assign", {"owner": "x"}),
        ("close", {"reason": "boredom"}),
        ("close", {"reason": "robot"}),
        ("undo-move", {}),
        ("reopen", {}),
    ],
)
def test_nonsense_is_refused_in_words(
    client: Client, ticket: Ticket, what: str, form: dict[str, Any]
) -> None:
    before = Ticket.objects.values().get(pk=ticket.pk)
    answer = client.post(f"/t/{ticket.pk}/{what}/", form, headers=FRAGMENT)
    assert answer.status_code == 422
    assert 'role="alert" id="refusal"' in answer.content.decode()
    assert post(client, ticket, what, **form) == 422
    assert Ticket.objects.values().get(pk=ticket.pk) == before


def test_an_agent_of_another_queue_cannot_become_owner(client: Client, ticket: Ticket) -> None:
    foreign = make.agent("Sara Lindqvist", make.billing())
    answer = client.post(f"/t/{ticket.pk}/assign/", {"owner": foreign.pk}, headers=FRAGMENT)
    assert answer.status_code == 422
    assert "Sara Lindqvist may not answer in this queue" in answer.content.decode()


def test_who_was_slower_does_not_take(client: Client, ticket: Ticket) -> None:
    faster = make.agent("Алексей Орлов")
    actions.take(ticket, agent=faster, by=faster.actor)
    answer = client.post(f"/t/{ticket.pk}/take/", headers=FRAGMENT)
    assert answer.status_code == 422
    assert "Алексей Орлов already leads" in answer.content.decode()


def test_a_ticket_moved_out_of_sight_says_so(client: Client, ticket: Ticket) -> None:
    form = {"queue": make.billing().pk, "reason": "про деньги"}
    answer = client.post(f"/t/{ticket.pk}/queue/", form, headers=FRAGMENT)
    assert answer.status_code == 200
    assert "has left your queues" in answer.content.decode()
    assert client.get(f"/t/{ticket.pk}/").status_code == 404


def test_the_words_of_a_move_stand_in_the_ticket_and_not_in_the_log(ticket: Ticket) -> None:
    chief = make.browser(make.administrator())
    form = {"queue": make.billing().pk, "reason": "просит\0 Иванов"}
    assert chief.post(f"/t/{ticket.pk}/queue/", form).status_code == 302
    ticket.refresh_from_db()
    assert ticket.queue_reason == "просит Иванов"
    moved = Event.objects.get(kind="tickets.queue_changed")
    assert moved.facts["reason"] == "hand"


@pytest.mark.parametrize(
    ("path", "form"), [("account/", {"name": "a\0b"}), ("tags/", {"tags": "a\0b"})]
)
def test_a_null_byte_is_no_error_of_ours(ticket: Ticket, path: str, form: dict[str, str]) -> None:
    chief = make.browser(make.administrator())
    assert chief.post(f"/t/{ticket.pk}/{path}", form).status_code == 302


def test_a_wrong_move_is_taken_back(ticket: Ticket) -> None:
    chief = make.browser(make.administrator(language="en"))
    assert post(chief, ticket, "queue", queue=make.billing().pk) == 302
    shown = chief.get(f"/t/{ticket.pk}/pane/", headers=FRAGMENT).content.decode()
    assert "Take the last move back" in shown
    assert "Somebody moved it here." in shown
    assert post(chief, ticket, "undo-move") == 302
    ticket.refresh_from_db()
    assert ticket.queue == make.queue()


def test_a_topic_moves_a_free_ticket_only_with_the_right_to_move(ticket: Ticket) -> None:
    answerer = make.browser(make.agent("Алексей Орлов", level=Level.REPLY))
    elsewhere = make.topic("Счета", to=make.billing())
    assert post(answerer, ticket, "topic", topic=elsewhere.pk) == 403
    assert post(answerer, ticket, "topic", topic=make.topic().pk) == 302


def test_solved_reopened_closed(client: Client, ticket: Ticket) -> None:
    assert client.post(f"/t/{ticket.pk}/solve/")["Location"] == "/inbox/open/"
    assert post(client, ticket, "solve") == 422
    assert post(client, ticket, "reopen") == 302
    assert post(client, ticket, "close", reason="spam") == 302
    ticket.refresh_from_db()
    assert (ticket.status, ticket.close_reason) == (Status.CLOSED, "spam")


def test_the_list_one_came_from_is_kept(client: Client, ticket: Ticket) -> None:
    page = f"http://testserver/t/{ticket.pk}/?view=unassigned"
    answer = client.post(f"/t/{ticket.pk}/urgency/", {"urgency": 2}, headers={"Referer": page})
    assert answer["Location"] == f"/t/{ticket.pk}/?view=unassigned"


def test_a_form_of_another_site_is_refused(vera: Agent, ticket: Ticket) -> None:
    strict = make.browser(vera, enforce_csrf_checks=True)
    assert post(strict, ticket, "urgency", urgency=1) == 403
    ticket.refresh_from_db()
    assert ticket.urgency == 3
