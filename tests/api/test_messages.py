"""Messages and files through the programs' door."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from tests import make
from tests.api.program import Program, integration, new_ticket
from tests.drain import drain
from zabota.channels.models import Outgoing
from zabota.lib.signing import read_file_link
from zabota.staff.models import Scope
from zabota.tickets.models import Attachment, AttachmentState, Message, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def crm() -> Program:
    return Program(integration())


@pytest.fixture
def ticket() -> Ticket:
    return make.ticket(queue=make.queue())


def test_an_answer_is_signed_and_sent(crm: Program, ticket: Ticket) -> None:
    upload = crm.upload("счёт.txt", b"12 400").json()
    body = {"text": "Готово", "then": "waiting_client", "attachments": [upload["id"]]}
    answer = crm.post(f"/tickets/{ticket.pk}/reply", body)
    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert (said["author"], said["direction"]) == ("Тимур Хабибуллин", "out")
    assert [one["name"] for one in said["attachments"]] == ["счёт.txt"]
    drain()
    assert Outgoing.objects.filter(ticket_message=said["id"]).exists()
    ticket.refresh_from_db()
    assert ticket.status == "waiting_client"
    # A program leads no ticket: a person still has to take it.
    assert ticket.owner_id is None
    # An upload goes with one message.
    assert crm.post(f"/tickets/{ticket.pk}/note", body | {"then": ""}).status_code == 422
    again = {"text": "Ещё", "attachments": [upload["id"]]}
    assert crm.post(f"/tickets/{ticket.pk}/note", again).status_code == 422


def test_what_the_client_wrote_elsewhere_wakes_the_ticket(crm: Program, ticket: Ticket) -> None:
    drain()
    crm.post(f"/tickets/{ticket.pk}/reply", {"text": "Готово", "then": "solved"})
    drain()
    upload = crm.upload("снимок.txt", b"0").json()
    body = {
        "on_behalf_of": {"address": make.PETR[0]},
        "text": "Снова не приходит",
        "attachments": [upload["id"]],
    }
    once = {"Idempotency-Key": "m1"}
    answer = crm.post(f"/tickets/{ticket.pk}/message", body, **once)
    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert (said["direction"], said["ticket"]) == ("in", ticket.pk)
    assert [one["name"] for one in said["attachments"]] == ["снимок.txt"]
    assert crm.post(f"/tickets/{ticket.pk}/message", body, **once).json() == said
    drain()
    ticket.refresh_from_db()
    assert ticket.status == "open"
    assert ticket.waits_since is not None
    message = Message.objects.get(pk=said["id"])
    assert (message.contact_id, message.thread_how) == (ticket.contact_id, "api")
    assert message.triaged_at is not None
    acknowledged = Message.objects.filter(ticket=ticket, purpose="acknowledgement")
    assert acknowledged.count() == 1, "one receipt a ticket"


def test_to_a_closed_ticket_he_writes_a_follow_up(crm: Program, ticket: Ticket) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(status="closed")
    body = {"on_behalf_of": {"address": make.PETR[0]}, "text": "Ещё вопрос"}
    said = crm.post(f"/tickets/{ticket.pk}/message", body).json()
    follow_up = Ticket.objects.get(pk=said["ticket"])
    assert (follow_up.follow_up_of_id, follow_up.queue_id) == (ticket.pk, ticket.queue_id)


def test_an_answer_can_solve(crm: Program, ticket: Ticket) -> None:
    crm.post(f"/tickets/{ticket.pk}/reply", {"text": "Готово", "then": "solved"})
    ticket.refresh_from_db()
    assert ticket.status == "solved"


def test_notes_and_calls_stay_inside(crm: Program, ticket: Ticket) -> None:
    path = f"/tickets/{ticket.pk}"
    assert crm.post(f"{path}/note", {"text": "Проверить"}).json()["direction"] == "note"
    call = {"summary": "Помогли", "advice": "Код", "minutes": 4, "direction": "out"}
    call["at"] = "2026-01-10T10:00:00Z"
    said = crm.post(f"{path}/call", call).json()
    assert said["call"] == {"topic": "", "advice": "Код", "came_in": False, "minutes": 4}
    assert said["at"].startswith("2026-01-10T10:00:00")
    call["at"] = "2099-01-10T10:00:00Z"
    assert crm.post(f"{path}/call", call).status_code == 422
    drain()
    assert not Outgoing.objects.filter(ticket_message__direction__in=["note", "call"]).exists()


def test_messages_come_in_pages_oldest_first(crm: Program, ticket: Ticket) -> None:
    path = f"/tickets/{ticket.pk}/messages"
    for number in range(4):
        crm.post(f"/tickets/{ticket.pk}/note", {"text": f"№ {number}"})
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = crm.get(f"{path}?limit=2&cursor={cursor}").json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert seen == sorted(Message.objects.filter(ticket=ticket).values_list("pk", flat=True))
    assert len(seen) == 5


def test_a_file_is_given_by_a_link_of_a_minute(crm: Program) -> None:
    upload = crm.upload("счёт.txt", b"12 400").json()
    made = crm.post("/tickets", new_ticket(attachments=[upload["id"]])).json()
    path = f"/tickets/{made['number']}"
    (file,) = crm.get(f"{path}/messages").json()["items"][0]["attachments"]
    answer = crm.get(f"{path}/attachments/{file['id']}")
    assert answer.status_code == 302
    link = read_file_link(unquote(answer["Location"].removeprefix("/files/")), "")
    assert link.name == "счёт.txt"
    row = Attachment.objects.get(pk=file["id"])
    Attachment.objects.update(state=AttachmentState.INFECTED)
    assert crm.get(f"{path}/attachments/{row.pk}").status_code == 404
    other = make.ticket(queue=make.queue(), who=make.JOHN)
    Attachment.objects.update(state=AttachmentState.OK)
    assert crm.get(f"/tickets/{other.pk}/attachments/{row.pk}").status_code == 404


def test_files_are_judged(crm: Program) -> None:
    answer = crm.upload("virus.exe", b"MZ")
    assert answer.status_code == 422
    assert "virus.exe" in answer.json()["detail"]


def test_nobody_takes_the_upload_of_another_token(crm: Program, ticket: Ticket) -> None:
    upload = crm.upload("счёт.txt", b"12 400").json()
    other = Program(crm.token.agent, [Scope.TICKETS_WRITE])
    body = {"text": "Да", "attachments": [upload["id"]]}
    answer = other.post(f"/tickets/{ticket.pk}/note", body)
    assert answer.json()["errors"][0]["field"] == "attachments"
    assert crm.post(f"/tickets/{ticket.pk}/note", body).status_code == 201
