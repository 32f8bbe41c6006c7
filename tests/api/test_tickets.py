"""Tickets through the programs' door."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from tests import make
from tests.api.program import Program, integration, new_ticket
from tests.drain import drain
from zabota.api.schemas import Kind
from zabota.channels.models import Inbox, Outgoing
from zabota.events.models import Event
from zabota.lib import clock
from zabota.staff.models import Level, Scope
from zabota.tickets.models import Message, Ticket, TicketType

pytestmark = pytest.mark.django_db


@pytest.fixture
def crm() -> Program:
    return Program(integration())


def test_a_request_becomes_a_treated_ticket(crm: Program) -> None:
    answer = crm.post("/tickets", new_ticket(urgency=2, tags=["Касса", "вход"]))
    assert answer.status_code == 201, answer.content
    made = answer.json()
    ticket = Ticket.objects.get(pk=made["number"])
    assert made["acknowledged"]
    assert made["contact"]["name"] == "Пётр Лебедев"
    assert datetime.fromisoformat(made["expected_at"]) > clock.now()
    assert (ticket.urgency, sorted(ticket.tags)) == (2, ["вход", "касса"])
    message = Message.objects.get(pk=made["message"])
    assert (message.direction, message.thread_how) == ("in", "api")
    assert message.contact_id == made["contact"]["id"]
    assert message.triaged_at
    event = Event.objects.get(kind="tickets.made", stream=ticket.stream)
    assert event.actor == f"agent:{crm.token.agent_id}"
    drain()
    letter = Outgoing.objects.get()
    assert letter.recipient == "p.lebedev@romashka.example"


def test_without_acknowledgement_no_mail_goes_but_the_time_is_told(crm: Program) -> None:
    made = crm.post("/tickets", new_ticket(acknowledge=False)).json()
    assert made["acknowledged"] is False
    assert made["expected_at"]
    drain()
    assert not Outgoing.objects.exists()
    fact = Event.objects.get(kind="tickets.triaged").facts
    assert fact["why_not"] == "unwanted"
    page = make.browser(make.administrator(language="en")).get(f"/t/{made['number']}/").content
    assert b"the program that brought it wanted none" in page
    assert b"The program that brought it chose this queue." in page


def test_a_topic_leads_to_its_queue(crm: Program) -> None:
    topic = make.topic()
    body = new_ticket(topic=topic.pk)
    del body["queue"]
    made = crm.post("/tickets", body).json()
    assert (made["topic"], made["queue"]) == (topic.pk, topic.queue_id)


def test_original_times_need_the_scope_and_are_silent(crm: Program) -> None:
    long_ago = "2024-03-01T10:00:00+03:00"
    plain = Program(crm.token.agent, [Scope.TICKETS_WRITE])
    assert plain.post("/tickets", new_ticket(created_at=long_ago)).status_code == 403
    made = crm.post("/tickets", new_ticket(created_at=long_ago)).json()
    assert datetime.fromisoformat(made["created_at"]) == datetime.fromisoformat(long_ago)
    assert made["expected_at"] is None
    assert made["acknowledged"] is False
    drain()
    assert not Outgoing.objects.exists()
    ticket = Ticket.objects.get(pk=made["number"])
    assert ticket.next_due_at is None
    assert ticket.messages.get().at == ticket.created_at
    ahead = (clock.now() + timedelta(days=1)).isoformat()
    assert crm.post("/tickets", new_ticket(created_at=ahead)).status_code == 422


def test_what_cannot_be_made_says_which_field(crm: Program) -> None:
    closed, own = make.billing(), make.topic()
    for change, field in (
        ({"queue": closed.pk}, "queue"),
        ({"queue": 987654}, "queue"),
        ({"topic": 987654}, "topic"),
        ({"subject": "  "}, "subject"),
        ({"on_behalf_of": {"address": "nobody"}}, "on_behalf_of.address"),
        ({"colour": "red"}, "colour"),
        ({"attachments": [7]}, "attachments"),
        ({"type": "recovery"}, "type"),
    ):
        answer = crm.post("/tickets", new_ticket(topic=own.pk) | change)
        assert answer.status_code == 422, change
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["errors"][0]["field"] == field, answer.json()
    assert not Ticket.objects.exists()


def test_without_a_mailbox_it_is_said(crm: Program) -> None:
    Inbox.objects.update(is_active=False)
    answer = crm.post("/tickets", new_ticket())
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:zabota:problem:no-inbox"
    assert not Ticket.objects.exists()


def test_problems_speak_the_language_of_the_caller(crm: Program) -> None:
    russian = crm.post("/tickets", {}, Accept_Language="ru").json()
    english = crm.post("/tickets", {}, Accept_Language="en").json()
    assert english["title"] == "Some values cannot be used"
    assert russian["title"] == "Некоторые значения не подходят"
    assert russian["errors"][0]["message"] == "Это значение обязательно."
    assert russian["type"] == english["type"] == "urn:zabota:problem:invalid"


def test_changes_are_done_together_or_not_at_all(crm: Program) -> None:
    ticket = make.ticket(queue=make.queue())
    vera = make.agent("Вера Зорина")
    path = f"/tickets/{ticket.pk}"
    changes: dict[str, Any] = {
        "owner": vera.pk, "urgency": 1, "tags": ["vip"], "topic": make.topic().pk, "status": "open",
    }  # fmt: skip
    answer = crm.patch(path, changes)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert {name: told[name] for name in changes} == changes
    stranger = make.agent("Sara Lindqvist", make.billing())
    answer = crm.patch(path, {"tags": ["новый"], "owner": stranger.pk})
    assert answer.json()["errors"][0]["field"] == "owner"
    ticket.refresh_from_db()
    assert (ticket.tags, ticket.owner_id) == (["vip"], vera.pk)
    assert crm.patch(path, {"owner": None}).json()["owner"] is None
    assert crm.patch(path, {"status": "solved"}).json()["status"] == "solved"
    assert crm.patch(path, {"status": "open"}).json()["status"] == "open"
    moved = crm.patch(path, {"queue": make.billing().pk}, Idempotency_Key="m").json()
    assert moved["queue"] == make.billing().pk
    assert crm.get(path).status_code == 404
    # Its own answer is told again though the ticket is out of sight.
    assert crm.patch(path, {"queue": make.billing().pk}, Idempotency_Key="m").json() == moved
    assert crm.patch(path, {"queue": make.billing().pk}).status_code == 404


def test_rights_are_those_of_the_agent(crm: Program) -> None:
    ticket = make.ticket(queue=make.queue())
    path = f"/tickets/{ticket.pk}"
    reader = Program(integration(make.queue(), level=Level.REPLY))
    assert reader.patch(path, {"owner": reader.token.agent_id}).status_code == 403
    assert reader.patch(path, {"status": "solved"}).status_code == 403
    other = make.topic("Счёт", "Bill", to=make.billing())
    assert reader.patch(path, {"topic": other.pk}).status_code == 403
    assert reader.post(f"{path}/reply", {"text": "Да", "then": "solved"}).status_code == 403
    assert reader.patch(path, {"urgency": 2}).status_code == 200
    onlooker = Program(integration(make.queue(), level=Level.SEE))
    assert onlooker.get(path).status_code == 200
    assert onlooker.patch(path, {"urgency": 1}).status_code == 403


def test_a_foreign_ticket_is_like_one_that_does_not_exist(crm: Program) -> None:
    foreign = make.ticket(queue=make.billing(), who=make.JOHN)
    for method, rest, body in (
        ("get", "", None),
        ("patch", "", {"urgency": 1}),
        ("get", "/messages", None),
        ("post", "/reply", {"text": "Да"}),
        ("post", "/note", {"text": "Да"}),
        ("post", "/call", {"summary": "Да"}),
        ("get", "/attachments/1", None),
    ):
        answers = []
        for number in (foreign.pk, 987654321):
            answer = crm.ask(method, f"/tickets/{number}{rest}", body)
            answers.append((answer.status_code, answer.content, set(answer.headers)))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    assert crm.get("/tickets").json()["items"] == []
    assert crm.get(f"/tickets?contact={foreign.contact_id}").json()["items"] == []


def test_programs_may_make_every_type_but_recoveries() -> None:
    assert set(get_args(Kind)) == set(TicketType.values) - {TicketType.RECOVERY.value}
