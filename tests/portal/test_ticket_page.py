"""The page of a ticket by the link of a mail: who may read, who may write, what stays secret."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.drain import drain
from tests.portal import visitor
from zabota.channels.contract import Robot
from zabota.channels.models import Outgoing, RawMessage
from zabota.lib import clock
from zabota.lib.log import JsonLines
from zabota.portal import limits
from zabota.portal.models import Attempt, ClientSession, Confirmation
from zabota.staff.models import Agent
from zabota.tickets import actions
from zabota.tickets.models import Message, Status, Ticket, TrackingLink

pytestmark = pytest.mark.django_db
PETR, MARIA = make.PETR[0], make.MARIA[0]


@pytest.fixture
def vera() -> Agent:
    return make.agent("Вера Зорина")


@pytest.fixture
def ticket() -> Ticket:
    made = make.ticket(files=(make.file("журнал.txt", b"line"),))
    drain()
    return made


def answer(ticket: Ticket, agent: Agent, text: str = "Уже чиним.", **options: Any) -> None:
    actions.reply(ticket, text, agent=agent, by=agent.actor, **options)
    drain()


def write(page: str, client: Any, text: str = "Всё ещё не приходит", **fields: Any) -> Any:
    form = {"text": text, "key": visitor.key(), "address": PETR} | fields
    return client.post(f"{page}message/", form)


def test_the_page_shows_state_owner_expected_time_and_public_messages(
    ticket: Ticket, vera: Agent
) -> None:
    page = visitor.page_of(PETR)
    client = visitor.browser()
    first = client.get(page).content.decode()
    assert "Received: one of us will read it soon" in first
    assert "Expect our answer by: " in first
    assert "Не приходит код для входа." in first
    actions.add_note(ticket, "Между нами", agent=vera, by=vera.actor)
    actions.log_call(ticket, "Поговорили", topic="", advice="", agent=vera, by=vera.actor)
    make.incoming("Я в отпуске", joins=ticket, robot=Robot.AUTO_REPLY)
    answer(ticket, vera)
    shown = client.get(page).content.decode()
    assert "Уже чиним." in shown
    assert shown.count("Вера Зорина") == 2
    assert "We are working on it" in shown
    assert "Expect our answer by" not in shown
    for secret in ("Между нами", "Поговорили", "Я в отпуске", PETR):
        assert secret not in shown


def test_a_late_answer_is_admitted(ticket: Ticket) -> None:
    with clock.shifted(timedelta(days=9)):
        shown = visitor.browser().get(visitor.page_of(PETR)).content.decode()
    assert "are late. We are sorry" in shown


def test_every_mail_to_a_participant_carries_the_same_link(ticket: Ticket, vera: Agent) -> None:
    answer(ticket, vera)
    answer(ticket, vera, "Готово", solve=True)
    pages = [one for text in visitor.mails(PETR) for one in visitor.links(text)]
    pages = [one for one in pages if "/rate/" not in one]
    assert len(pages) == 3
    assert len(set(pages)) == 1


def test_the_database_alone_does_not_hold_the_token(ticket: Ticket) -> None:
    token = visitor.page_of(PETR).split("/")[2]
    assert len(token) == 43
    stored = json.dumps([row.envelope for row in Outgoing.objects.all()])
    stored += repr(list(TrackingLink.objects.values())) + repr(list(Message.objects.values()))
    assert token not in stored
    link = TrackingLink.objects.get()
    for guess in (link.key, f"key.{link.key}", link.token_hash):
        assert visitor.browser().get(f"/r/{guess}/").status_code == 410


def test_a_mail_costs_one_more_statement_for_its_link(ticket: Ticket, vera: Agent) -> None:
    actions.reply(ticket, "Ещё ответ", agent=vera, by=vera.actor)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        drain()
    mine = [one for one in seen.captured_queries if "trackinglink" in one["sql"]]
    assert len(mine) == 1


def test_headers_keep_the_link_secret(ticket: Ticket) -> None:
    response = visitor.browser().get(visitor.page_of(PETR))
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert "no-store" in response["Cache-Control"]
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert b"<script" not in response.content


def test_the_token_never_stands_in_the_log(ticket: Ticket) -> None:
    page = visitor.page_of(PETR)
    token = page.split("/")[2]
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        client = visitor.browser()
        client.get(page)
        client.get(f"{page}file/999999/")
        client.get(f"{page}nothing/")
        client.post(page)
        write(page, client, text="")
        write(page, client)
        client.get(f"/confirm/{token}/")
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    assert "/r/<str:token>/" in written.getvalue()
    assert token not in written.getvalue()


@pytest.mark.parametrize("days", [179, 181])
def test_a_link_ends_half_a_year_after_closing(ticket: Ticket, vera: Agent, days: int) -> None:
    page = visitor.page_of(PETR)
    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED, closed_at=clock.now())
    with clock.shifted(timedelta(days=days)):
        client = visitor.browser()
        assert client.get(page).status_code == (200 if days < 180 else 410)
        if days > 180:
            assert write(page, client).status_code == 410
            assert client.post(f"{page}solved/").status_code == 410


def test_an_agent_revokes_a_link_and_the_next_mail_brings_a_new_one(
    ticket: Ticket, vera: Agent
) -> None:
    old = visitor.page_of(PETR)
    link = TrackingLink.objects.get()
    desk = make.browser(vera)
    panel = desk.get(f"/t/{ticket.pk}/context/", headers={"HX-Request": "true"})
    assert f"/t/{ticket.pk}/link/{link.pk}/revoke/" in panel.content.decode()
    desk.post(f"/t/{ticket.pk}/link/{link.pk}/revoke/")
    assert visitor.browser().get(old).status_code == 410
    answer(ticket, vera)
    new = visitor.page_of(PETR)
    assert new != old
    assert visitor.browser().get(new).status_code == 200
    assert desk.post(f"/t/{ticket.pk}/link/{link.pk}/revoke/").status_code == 422


def test_a_link_of_another_ticket_gives_neither_its_messages_nor_its_files(ticket: Ticket) -> None:
    other = make.ticket("Чужое", who=make.MARIA, files=(make.file("тайна.txt"),))
    drain()
    page, client = visitor.page_of(PETR), visitor.browser()
    foreign = Message.objects.get(ticket=other, direction="in").attachments.get()
    own = Message.objects.get(ticket=ticket, direction="in").attachments.get()
    assert client.get(f"{page}file/{own.pk}/").status_code == 302
    assert client.get(f"{page}file/{foreign.pk}/").status_code == 404
    assert "Чужое" not in client.get(page).content.decode()


def test_files_of_notes_are_not_given_out(ticket: Ticket, vera: Agent) -> None:
    note = actions.add_note(
        ticket, "Смета", agent=vera, by=vera.actor, files=[make.upload("смета.pdf")]
    )
    page = visitor.page_of(PETR)
    assert visitor.browser().get(f"{page}file/{note.attachments.get().pk}/").status_code == 404


def test_a_strange_browser_must_confirm_before_its_message_is_added(ticket: Ticket) -> None:
    page, client = visitor.page_of(PETR), visitor.browser()
    asked = write(page, client, files=SimpleUploadedFile("снимок.txt", b"x"))
    assert asked.status_code == 200
    assert "look into your mail" in asked.content.decode()
    assert Message.objects.filter(ticket=ticket, direction="in").count() == 1
    drain()
    (link,) = visitor.links(visitor.mails(PETR)[-1])
    for _ in range(2):
        shown = client.get(link)
        assert "Всё ещё не приходит" in shown.content.decode()
    assert Message.objects.filter(ticket=ticket, direction="in").count() == 1
    done = client.post(link)
    assert done.status_code == 302
    drain()
    added = Message.objects.filter(ticket=ticket, direction="in").latest("id")
    assert added.text == "Всё ещё не приходит"
    assert added.thread_how == "page"
    assert added.attachments.get().name == "снимок.txt"
    assert added.triaged_at is not None
    assert client.post(link).status_code == 410
    assert "Всё ещё не приходит" in client.get(done["Location"]).content.decode()


def test_a_known_browser_writes_at_once_and_once(ticket: Ticket) -> None:
    page, client = visitor.page_of(PETR), visitor.browser()
    write(page, client)
    client.post(visitor.links(visitor.mails(PETR)[-1])[0])
    key = visitor.key()
    for _ in range(3):
        sent = client.post(f"{page}message/", {"text": "Ещё слово", "key": key})
        assert sent.status_code == 302
    assert Message.objects.filter(ticket=ticket, text="Ещё слово").count() == 1
    raw = RawMessage.objects.filter(place__startswith="page:")
    assert raw.count() == 2
    assert "You write as" in client.get(page).content.decode()


def test_the_answer_does_not_tell_whether_an_address_is_known(ticket: Ticket) -> None:
    page = visitor.page_of(PETR)

    def said(address: str) -> str:
        answer = write(page, visitor.browser(), address=address)
        assert answer.status_code == 200
        return str(answer.content.decode().replace(address, "A"))

    assert said(PETR) == said("nobody@elsewhere.example")
    assert Outgoing.objects.filter(recipient="nobody@elsewhere.example").count() == 1


def test_being_known_for_one_ticket_opens_no_other(ticket: Ticket) -> None:
    make.ticket("Чужое", who=make.MARIA)
    drain()
    client = visitor.browser()
    write(visitor.page_of(PETR), client)
    client.post(visitor.links(visitor.mails(PETR)[-1])[0])
    theirs = visitor.page_of(MARIA)
    asked = client.post(f"{theirs}message/", {"text": "Я не Мария", "key": visitor.key()})
    assert asked.status_code == 422
    assert not Message.objects.filter(text="Я не Мария").exists()


def test_a_message_reopens_a_solved_ticket_and_confirming_keeps_it(
    ticket: Ticket, vera: Agent
) -> None:
    answer(ticket, vera, solve=True)
    page, client = visitor.page_of(PETR), visitor.browser()
    shown = client.get(page).content.decode()
    assert "Is your question solved?" in shown
    for _ in range(2):
        client.post(f"{page}solved/")
    said = [line for line in ("tickets.solution_confirmed",) if events(ticket).count(line) == 1]
    assert said
    assert "You said that it is solved" in client.get(page).content.decode()
    write(page, client)
    client.post(visitor.links(visitor.mails(PETR)[-1])[0])
    ticket.refresh_from_db()
    assert ticket.status == Status.OPEN
    assert ticket.waits_since is not None


def events(ticket: Ticket) -> list[str]:
    from zabota.events.models import Event

    return list(Event.objects.filter(stream=ticket.stream).values_list("kind", flat=True))


def test_a_message_on_a_closed_ticket_opens_a_linked_one(ticket: Ticket) -> None:
    page, client = visitor.page_of(PETR), visitor.browser()
    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED, closed_at=clock.now())
    write(page, client)
    done = client.post(visitor.links(visitor.mails(PETR)[-1])[0])
    follow = Ticket.objects.get(follow_up_of=ticket)
    assert f"#{follow.pk}" in client.get(done["Location"]).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [{"text": "   "}, {"address": "кто-то"}, {"address": ""}, {"key": "x"}, {"key": ""}],
)
def test_a_form_with_errors_comes_back_with_its_words(
    ticket: Ticket, wrong: dict[str, str]
) -> None:
    page = visitor.page_of(PETR)
    given = {"text": "Мои слова"} | wrong
    answer = write(page, visitor.browser(), **given)
    assert answer.status_code == 422
    if "text" not in wrong:
        assert "Мои слова" in answer.content.decode()
    assert not Confirmation.objects.exists()


def test_a_hundred_files_are_refused_in_words(ticket: Ticket) -> None:
    files = [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(100)]
    answer = write(visitor.page_of(PETR), visitor.browser(), files=files)
    assert answer.status_code in {400, 422}
    assert not Confirmation.objects.exists()


def test_confirmation_mails_are_limited_and_no_ip_address_is_kept(ticket: Ticket) -> None:
    page, client = visitor.page_of(PETR), visitor.browser(REMOTE_ADDR="203.0.113.77")
    found = [write(page, client).status_code for _ in range(limits.MAILS_TO_ADDRESS.most + 1)]
    assert found == [200] * limits.MAILS_TO_ADDRESS.most + [429]
    kept = repr(list(Attempt.objects.values()))
    assert "203.0.113" not in kept
    assert PETR not in kept
    with clock.shifted(timedelta(days=2)):
        limits.forget()
    assert not Attempt.objects.exists()


def test_a_stolen_cookie_table_opens_nothing(ticket: Ticket) -> None:
    client = visitor.browser()
    write(visitor.page_of(PETR), client)
    client.post(visitor.links(visitor.mails(PETR)[-1])[0])
    session = ClientSession.objects.get()
    assert client.cookies["zabota_client"].value != session.token_hash
    assert client.cookies["zabota_client"]["httponly"]


@pytest.mark.parametrize(("language", "words"), [("ru", "Обращение"), ("en", "Request")])
def test_language_by_browser_and_by_choice(ticket: Ticket, language: str, words: str) -> None:
    page = visitor.page_of(PETR)
    assert f"{words} №" in visitor.browser(language).get(page).content.decode() or (
        f"{words} #" in visitor.browser(language).get(page).content.decode()
    )
    other = visitor.browser("en" if language == "ru" else "ru")
    other.get(f"{page}?language={language}")
    assert f'lang="{language}"' in other.get(page).content.decode()
