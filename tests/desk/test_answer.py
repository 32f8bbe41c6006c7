"""Writing through HTTP: once per click, nothing typed is lost, bad input is refused in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from tests import make
from zabota.channels import blobs
from zabota.staff.models import Agent
from zabota.tickets import actions
from zabota.tickets.models import Attachment, Direction, Message, Status, Ticket

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


def send(client: Client, ticket: Ticket, what: str = "reply", **form: Any) -> HttpResponse:
    return client.post(f"/t/{ticket.pk}/{what}/", form)  # type: ignore[return-value]


def answers() -> list[Message]:
    return list(Message.objects.filter(direction=Direction.OUT).order_by("id"))


def test_an_answer_without_scripts_comes_back_to_the_ticket(
    client: Client, ticket: Ticket, vera: Agent
) -> None:
    answer = send(client, ticket, body="Смотрим")
    assert answer["Location"] == f"/t/{ticket.pk}/?view=open"
    assert answers()[0].text == "Смотрим"
    ticket.refresh_from_db()
    assert (ticket.owner, ticket.status) == (vera, Status.OPEN)


def test_an_answer_by_script_brings_the_fresh_pane(client: Client, ticket: Ticket) -> None:
    answer = client.post(f"/t/{ticket.pk}/reply/", {"body": "Смотрим"}, headers=FRAGMENT)
    assert answer.status_code == 200
    assert "Смотрим" in answer.content.decode()
    assert answer.content.decode().count("<article") > 1
    assert "toast" in answer["HX-Trigger"]


def test_the_same_click_twice_posts_once(client: Client, ticket: Ticket) -> None:
    form = {"body": "Смотрим", "token": "abc", "seen": "1"}
    last = Message.objects.get().pk
    for _ in range(2):
        assert send(client, ticket, **form | {"seen": str(last)}).status_code == 302
    assert len(answers()) == 1
    again = str(answers()[0].pk)
    assert send(client, ticket, **form | {"seen": again}).status_code == 302
    assert len(answers()) == 2, "the same words once more, on purpose"
    for what, field in (("note", "body"), ("call", "summary")):
        for _ in range(2):
            send(client, ticket, what, **{field: "Раз", "token": "abc"})
        assert Message.objects.filter(direction=what).count() == 1


def test_a_newer_mail_stops_the_answer_and_keeps_the_text(client: Client, ticket: Ticket) -> None:
    seen = Message.objects.get().pk
    make.incoming("Уже не надо", joins=ticket)
    answer = send(client, ticket, body="Длинный ответ", seen=seen, token="t")
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "The client wrote meanwhile" in page
    assert ">Длинный ответ</textarea>" in page
    assert not answers()
    newest = Message.objects.order_by("-id")[0].pk
    assert send(client, ticket, body="Длинный ответ", seen=newest, token="t").status_code == 302


def test_a_colleagues_answer_stops_mine(client: Client, ticket: Ticket) -> None:
    seen = Message.objects.get().pk
    other = make.agent("Алексей Орлов")
    actions.reply(ticket, "Уже ответил", agent=other, by=other.actor)
    answer = client.post(f"/t/{ticket.pk}/reply/", {"body": "И я", "seen": seen}, headers=FRAGMENT)
    assert answer.status_code == 409
    assert answer.content.decode().startswith("Алексей Орлов answered meanwhile")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"body": "  \n "}, "The answer is empty"),
        ({}, "The answer is empty"),
        ({"body": "я" * 1_000_000}, "too long"),
        ({"body": "x", "then": "everything"}, "no such choice"),
    ],
)
def test_a_bad_answer_is_refused_in_words(
    client: Client, ticket: Ticket, form: dict[str, str], words: str
) -> None:
    answer = client.post(f"/t/{ticket.pk}/reply/", form, headers=FRAGMENT)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not answers()
    assert send(client, ticket, body="Хорошо").status_code == 302


def test_a_refused_text_stays_in_the_composer(client: Client, ticket: Ticket) -> None:
    actions.close_silently(ticket, "spam", by=make.BY)
    answer = send(client, ticket, body="<b>Мой ответ</b>")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "&lt;b&gt;Мой ответ&lt;/b&gt;</textarea>" in page
    assert "The ticket is closed" in page


def test_an_agent_without_a_name_cannot_sign(client: Client, ticket: Ticket, vera: Agent) -> None:
    Agent.objects.filter(pk=vera.pk).update(surname=" ")
    answer = client.post(f"/t/{ticket.pk}/reply/", {"body": "Ответ"}, headers=FRAGMENT)
    assert answer.status_code == 422
    assert "signed with both" in answer.content.decode()


def test_files_travel_with_the_answer(client: Client, ticket: Ticket) -> None:
    file = SimpleUploadedFile("счёт за ноябрь.pdf", b"%PDF-1.7", "application/pdf")
    assert send(client, ticket, body="Счёт", files=[file]).status_code == 302
    stored = Attachment.objects.get()
    assert (stored.name, stored.size) == ("счёт за ноябрь.pdf", 8)
    assert stored.message == answers()[0]


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("программа.exe", 10, "files of this type are not sent"),
        ("отчёт.EXE. ", 10, "files of this type are not sent"),
        ("видео.mp4", 1024 * 1024 + 1, "is larger than 1 MB"),
    ],
)
def test_a_file_that_may_not_go_is_refused(
    client: Client, ticket: Ticket, settings: Any, name: str, size: int, words: str
) -> None:
    settings.MAX_UPLOAD_MB = 1
    file = SimpleUploadedFile(name, b"x" * size)
    answer = client.post(
        f"/t/{ticket.pk}/reply/", {"body": "Файл", "files": [file]}, headers=FRAGMENT
    )
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not answers()
    assert not Attachment.objects.exists()


def test_a_full_disk_is_said(
    client: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(chunks: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(blobs, "put", full)
    file = SimpleUploadedFile("a.txt", b"x")
    answer = send(client, ticket, body="Файл", files=[file])
    assert answer.status_code == 422
    assert "no room on the disk" in answer.content.decode()
    assert not answers()


def test_sent_with_the_solution_the_next_ticket_opens(client: Client, ticket: Ticket) -> None:
    middle = make.ticket("Следующее", who=make.MARIA)
    below = make.ticket("Последнее", who=make.JOHN)
    answer = client.post(f"/t/{middle.pk}/reply/?view=open", {"body": "Готово", "then": "solve"})
    assert answer["Location"] == f"/t/{below.pk}/?view=open"
    middle.refresh_from_db()
    assert middle.status == Status.SOLVED
    form = {"body": "Готово", "then": "solve"}
    by_script = client.post(f"/t/{ticket.pk}/reply/", form, headers=FRAGMENT)
    assert '"care-next": true' in by_script["HX-Trigger"]


@pytest.mark.parametrize(
    ("then", "status"),
    [("wait", Status.WAITING_CLIENT), ("internal", Status.WAITING_INTERNAL), ("", Status.OPEN)],
)
def test_the_status_after_the_answer(
    client: Client, ticket: Ticket, then: str, status: str
) -> None:
    send(client, ticket, body="Ответ", then=then)
    ticket.refresh_from_db()
    assert ticket.status == status


def test_a_note_is_never_sent(client: Client, ticket: Ticket) -> None:
    assert send(client, ticket, "note", body="Между нами").status_code == 302
    assert Message.objects.get(direction=Direction.NOTE).outgoing is None
    assert send(client, ticket, "note", body=" ").status_code == 422
    assert send(client, ticket, "note", body="я" * 200_000).status_code == 422


def test_a_call_is_logged_with_its_summary(client: Client, ticket: Ticket) -> None:
    form = {"topic": "Код", "summary": "Звонил сам", "direction": "out", "minutes": "12"}
    assert send(client, ticket, "call", **form).status_code == 302
    call = Message.objects.get(direction=Direction.CALL)
    assert (call.call["minutes"], call.call["came_in"]) == (12, False)
    for bad in (
        {"summary": ""},
        {"summary": "x", "minutes": "-5"},
        {"summary": "x", "minutes": "9999"},
    ):
        assert send(client, ticket, "call", **bad).status_code == 422
