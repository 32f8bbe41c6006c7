"""A ticket's page through HTTP: conversation, reasons, client, files, quarantine."""

from __future__ import annotations

from typing import Any

import pytest

from tests import make
from tests.drain import drain
from zabota.channels import scan
from zabota.channels.contract import Address, Robot
from zabota.channels.models import Outgoing, RawMessage
from zabota.channels.outbox import load
from zabota.channels.scan import Verdict
from zabota.staff.models import Agent, Level
from zabota.tickets import actions
from zabota.tickets.models import Attachment, AttachmentState, Message, Ticket

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def vera() -> Agent:
    return make.agent("Вера Зорина", language="en")


def pane(agent: Agent, ticket: Ticket, rest: str = "pane/") -> str:
    answer = make.browser(agent).get(f"/t/{ticket.pk}/{rest}", headers=FRAGMENT)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_conversation_shows_each_kind_of_message(vera: Agent) -> None:
    ticket = make.ticket(text="Здравствуйте!\n\n<script>alert(1)</script>", quoted="> старое")
    actions.reply(ticket, "Смотрим", agent=vera, by=vera.actor)
    actions.add_note(ticket, "Между нами", agent=vera, by=vera.actor)
    actions.log_call(ticket, "Поговорили", topic="Код", advice="Ждать", agent=vera, by=vera.actor)
    shown = pane(vera, ticket)
    for text in (
        "&lt;script&gt;", "старое", "Смотрим", "is-note", "Между нами", "Topic: Код",
        "Advice: Ждать", 'role="log"', "Waiting to be sent",
    ):  # fmt: skip
        assert text in shown, text
    assert "<script>alert" not in shown
    assert f'data-last="{Message.objects.filter(direction="out").get().pk}"' in shown


def test_changes_are_folded_between_messages(vera: Agent) -> None:
    ticket = make.ticket()
    actions.take(ticket, agent=vera, by=vera.actor)
    actions.set_urgency(ticket, 1, by=vera.actor)
    actions.set_tags(ticket, ["вход"], by=vera.actor)
    shown = pane(vera, ticket)
    assert "3 changes" in shown
    assert "Вера Зорина: urgency: normal → loses money now" in shown
    assert "Вера Зорина: owner: nobody → Вера Зорина" in shown


def test_a_ticket_of_twenty_messages_takes_few_queries(
    vera: Agent, django_assert_max_num_queries: Any
) -> None:
    ticket = make.ticket(files=(make.file(),), owner=vera)
    for number in range(10):
        actions.reply(ticket, f"Ответ {number}", agent=vera, by=vera.actor)
        make.incoming(f"Ещё {number}", joins=ticket, files=(make.file(f"{number}.txt"),))
    client = make.browser(vera)
    client.get("/inbox/mine/")
    with django_assert_max_num_queries(12):
        assert client.get(f"/t/{ticket.pk}/").status_code == 200
    with django_assert_max_num_queries(10):
        client.get(f"/t/{ticket.pk}/pane/", headers=FRAGMENT)
    with django_assert_max_num_queries(12):
        client.get(f"/t/{ticket.pk}/context/", headers=FRAGMENT)


def test_the_composer_names_exactly_those_who_will_get_the_answer(vera: Agent) -> None:
    late, box = "later@zabota.example", make.inbox()
    raw = make.mail(
        to=box.address, Reply_To=f"{late}, office@romashka.example", Cc=f"{late}, {make.MARIA[0]}"
    )
    make.received(box, raw)
    drain()
    make.inbox(make.billing(), address=late)
    ticket = Ticket.objects.get()
    message = actions.reply(ticket, "Ответ", agent=vera, by=vera.actor)
    drain()
    letter = load(Outgoing.objects.get(ticket_message=message).envelope)
    assert [one.email for one in (*letter.to, *letter.cc)] == [
        "office@romashka.example",
        make.MARIA[0],
    ]
    shown = pane(vera, ticket)
    assert "Пётр Лебедев &lt;office@romashka.example&gt;, copies: " + make.MARIA[0] in shown
    assert f"copies: {late}" not in shown


def test_a_long_conversation_hides_its_beginning(vera: Agent) -> None:
    ticket = make.ticket(text="Самое первое")
    for number in range(60):
        actions.add_note(ticket, f"Заметка {number}", agent=vera, by=vera.actor)
    assert "Самое первое" not in pane(vera, ticket)
    assert "Show the older messages" in pane(vera, ticket)
    assert "Самое первое" in pane(vera, ticket, "pane/?all=1")


def test_the_page_tells_its_live_stream_what_it_shows(vera: Agent) -> None:
    ticket = make.ticket()
    shown = make.browser(vera).get(f"/t/{ticket.pk}/?view=unassigned").content.decode()
    assert f'data-view="unassigned" data-queues="{ticket.queue_id}"' in shown
    assert f'id="pane" data-ticket="{ticket.pk}" data-v="{ticket.version}"' in shown


def test_why_here_is_one_click_away(vera: Agent) -> None:
    ticket = make.ticket(robot=Robot.LIST, repairs=("charset repaired",))
    drain()
    shown = pane(vera, ticket)
    for text in (
        "leads here", "It answers nothing we know", "test: list", "charset repaired",
        "a robot wrote it",
    ):  # fmt: skip
        assert text in shown, text
    make.incoming("Ещё", joins=ticket)
    assert "The subject names" in pane(vera, ticket)


def test_the_composer_names_recipient_and_copies(vera: Agent) -> None:
    ticket = make.ticket(cc=(Address("buh@romashka.example", "Бухгалтерия"),))
    assert "buh@romashka.example" in pane(vera, ticket)
    make.incoming("Ещё", joins=ticket, reply_to=(Address("box@romashka.example"),))
    assert "box@romashka.example" in pane(vera, ticket)


def test_see_only_has_no_composer_and_no_buttons() -> None:
    reader = make.agent("Тимур Хабибуллин", level=Level.SEE, language="en")
    shown = pane(reader, make.ticket())
    assert "<textarea" not in shown
    assert "/solve/" not in shown
    assert "You may read this queue" in shown


def test_the_client_panel(vera: Agent) -> None:
    make.contact(make.PETR, time_zone="Asia/Yekaterinburg", time_zone_guessed=True)
    old = make.ticket("Старое обращение")
    hidden = make.ticket("Чужое обращение", queue=make.billing())
    ticket = make.ticket("Новое обращение")
    shown = pane(vera, ticket, "context/")
    assert "Yekaterinburg (guessed)" in shown
    assert f"/t/{old.pk}/" in shown
    assert str(hidden.pk) not in {part.split("/")[0] for part in shown.split("/t/")[1:]}
    assert "new ticket in the queue" in shown


def test_linked_tickets_show_only_what_may_be_seen(vera: Agent) -> None:
    first = make.ticket("Первое")
    follow = make.ticket("Второе")
    foreign = make.ticket("Чужое", queue=make.billing())
    Ticket.objects.filter(pk=follow.pk).update(follow_up_of=first, maybe_related=foreign)
    shown = pane(vera, follow, "context/")
    assert f"/t/{first.pk}/" in shown
    assert f"/t/{foreign.pk}/" not in shown
    assert f"/t/{follow.pk}/" in pane(vera, first, "context/")


def test_a_company_domain_is_confirmed_by_a_manager(vera: Agent) -> None:
    chief = make.agent("Ольга Щербакова", level=Level.MANAGE, role="lead", language="en")
    ticket = make.ticket(who=make.JOHN)
    assert "nordwind.example" not in pane(vera, ticket, "context/").replace(make.JOHN[0], "")
    assert "Is nordwind.example a company?" in pane(chief, ticket, "context/")
    url = f"/t/{ticket.pk}/account/"
    assert make.browser(chief).post(url, {"name": ""}).status_code == 422
    assert make.browser(chief).post(url, {"name": "Nordwind AB"}).status_code == 302
    contact = make.contact(make.JOHN)
    assert contact.account
    assert contact.account.name == "Nordwind AB"


def test_mail_in_html_lies_in_a_sandbox_without_remote_pictures(vera: Agent) -> None:
    html = (
        '<p onclick="x()">Привет, <b>мир</b><script>alert(1)</script></p>'
        '<img src="https://track.example/p.gif"><form action="https://evil.example"></form>'
    )
    message = make.incoming(html=html)
    url = f"/t/{message.ticket_id}/message/{message.pk}/body/"
    assert f'src="{url}"' in pane(vera, message.ticket)
    answer = make.browser(vera).get(url)
    text, policy = answer.content.decode(), answer["Content-Security-Policy"]
    assert "track.example" in text
    assert 'src="https://track.example' not in text.replace("data-remote-src", "waiting")
    for bad in ("<script", "onclick", "<form"):
        assert bad not in text
    assert "sandbox " in policy
    assert "allow-scripts" not in policy
    assert "img-src 'self' data:;" in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    asked = make.browser(vera).get(url + "?remote=1")
    assert ' src="https://track.example/p.gif"' in asked.content.decode()
    assert "https:" in asked["Content-Security-Policy"]


def test_a_mail_of_plain_words_needs_no_frame(vera: Agent) -> None:
    message = make.incoming("Привет", html="<div><p>Привет</p><br></div>")
    assert "<iframe" not in pane(vera, message.ticket)
    url = f"/t/{message.ticket_id}/message/{message.pk}/body/"
    assert make.browser(vera).get(url).status_code == 404


def test_the_original_is_handed_out(vera: Agent) -> None:
    message = make.incoming()
    url = f"/t/{message.ticket_id}/message/{message.pk}/original/"
    assert make.browser(vera).get(url)["Location"].startswith("/files/")
    raw = RawMessage.objects.get(message=message)
    RawMessage.objects.filter(pk=raw.pk).update(sha256="0" * 64)
    assert make.browser(vera).get(url).status_code == 410


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (AttachmentState.OK, 302),
        (AttachmentState.BLOCKED, 403),
        (AttachmentState.INFECTED, 403),
        (AttachmentState.TOO_LARGE, 403),
    ],
)
def test_a_dangerous_file_is_refused_with_words(
    vera: Agent, state: AttachmentState, status: int
) -> None:
    ticket = make.ticket(files=(make.file("счёт.txt"),))
    file = Attachment.objects.get()
    Attachment.objects.update(state=state)
    answer = make.browser(vera).get(f"/t/{ticket.pk}/file/{file.pk}/")
    assert answer.status_code == status
    if status == 403:
        assert "счёт.txt" in answer.content.decode()
    chief = make.browser(make.administrator()).get(f"/t/{ticket.pk}/file/{file.pk}/")
    assert chief.status_code == (302 if state == AttachmentState.BLOCKED else status)


@pytest.mark.parametrize(
    ("verdict", "status"), [(Verdict.CLEAN, 302), (Verdict.INFECTED, 403), (Verdict.UNKNOWN, 403)]
)
def test_a_file_not_scanned_yet_is_scanned_then(
    vera: Agent, monkeypatch: pytest.MonkeyPatch, verdict: Verdict, status: int
) -> None:
    ticket = make.ticket(files=(make.file(),))
    Attachment.objects.update(state=AttachmentState.UNSCANNED)
    monkeypatch.setattr(scan, "scan", lambda sha256: verdict)
    url = f"/t/{ticket.pk}/file/{Attachment.objects.get().pk}/"
    assert make.browser(vera).get(url).status_code == status


def test_failed_mail_is_shown_and_tried_again(vera: Agent) -> None:
    ticket = make.ticket()
    message = actions.reply(ticket, "Ответ", agent=vera, by=vera.actor)
    drain()
    Outgoing.objects.update(state="failed", last_error="550 no such user")
    assert "Not sent: there is no such address (550 no such user)" in pane(vera, ticket)
    url = f"/t/{ticket.pk}/retry/{message.pk}/"
    assert make.browser(vera).post(url).status_code == 302
    assert Outgoing.objects.get(ticket_message=message).state == "queued"
    assert make.browser(vera).post(url).status_code == 422


def test_quarantine_shows_the_error_the_original_and_three_ways_out() -> None:
    chief = make.administrator(language="en")
    ticket = make.quarantined("No sender")
    shown = pane(chief, ticket)
    for text in ("No sender", "original-", "Read again", "Make a ticket", "Discard"):
        assert text in shown, text
    assert "care-composer" not in shown
    client, url = make.browser(chief), f"/t/{ticket.pk}/quarantine"
    assert client.post(f"{url}/discard/", {"reason": " "}).status_code == 422
    assert client.post(f"{url}/make-ticket/", {"address": "nobody"}).status_code == 422
    form = {"address": "p.lebedev@romashka.example", "subject": "Из карантина"}
    assert client.post(f"{url}/make-ticket/", form).status_code == 302
    assert Ticket.objects.get(subject="Из карантина").contact
    assert client.post(f"{url}/discard/", {"reason": "спам"}).status_code == 422
    other = make.ticket()
    assert client.post(f"/t/{other.pk}/quarantine/discard/", {"reason": "x"}).status_code == 404
