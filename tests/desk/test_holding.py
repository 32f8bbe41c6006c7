"""An answer may be taken back for some seconds, and drafts wait on the server."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests import make
from tests.drain import drain, run_timers
from zabota.channels.models import Outgoing
from zabota.events.models import Event
from zabota.lib import clock
from zabota.staff.models import Agent, Grant, Level
from zabota.tickets import drafts
from zabota.tickets.models import Draft, HeldReply, Message, Status, Ticket

pytestmark = pytest.mark.django_db
AFTER = timedelta(seconds=11)


@pytest.fixture
def vera() -> Agent:
    return make.agent(language="en", undo_seconds=10)


@pytest.fixture
def ticket(vera: Agent) -> Ticket:
    found = make.ticket()
    drain()
    return found


def answer(vera: Agent, ticket: Ticket, **given: Any) -> Any:
    done = make.browser(vera).post(f"/t/{ticket.pk}/reply/", {"body": "Готово"} | given)
    drain()
    return done


def pass_time(length: timedelta = AFTER) -> None:
    with clock.at(clock.now() + length):
        run_timers()
        drain()


def sent() -> list[str]:
    found = Message.objects.filter(direction="out", purpose="").order_by("id")
    return list(found.values_list("text", flat=True))


def page(agent: Agent, ticket: Ticket) -> str:
    return make.browser(agent).get(f"/t/{ticket.pk}/").content.decode()


def test_nobody_sees_a_held_answer_and_nothing_changes_before_it_is_sent(
    vera: Agent, ticket: Ticket
) -> None:
    other = make.agent("Ольга Щербакова", language="en")
    before = Ticket.objects.values().get(pk=ticket.pk)
    letters = Outgoing.objects.count()
    assert answer(vera, ticket, then="solve").status_code == 302
    assert Ticket.objects.values().get(pk=ticket.pk) == before
    assert (sent(), Outgoing.objects.count()) == ([], letters)
    personal = Event.objects.filter(kind="tickets.replied", facts__purpose="")
    assert not personal.exists()
    assert "Готово" in page(vera, ticket)
    assert "Your answer leaves in a few seconds." in page(vera, ticket)
    assert "Готово" not in page(other, ticket)
    pass_time(timedelta(seconds=8))
    assert sent() == []
    pass_time()
    assert sent() == ["Готово"]
    assert Outgoing.objects.count() == letters + 1
    now = Ticket.objects.get(pk=ticket.pk)
    assert (now.status, now.owner, now.waits_since) == (Status.SOLVED, vera, None)
    assert not HeldReply.objects.exists()
    pass_time(timedelta(minutes=1))
    assert sent() == ["Готово"]


def test_taken_back_it_is_a_draft_again(vera: Agent, ticket: Ticket) -> None:
    answer(vera, ticket, then="solve")
    held = HeldReply.objects.get()
    done = make.browser(vera).post(f"/t/{ticket.pk}/held/{held.pk}/undo/", follow=True)
    assert ">Готово</textarea>" in done.content.decode()
    pass_time()
    assert sent() == []
    assert Ticket.objects.get(pk=ticket.pk).status == Status.NEW
    again = make.browser(vera).post(f"/t/{ticket.pk}/held/{held.pk}/undo/")
    assert again.status_code == 422
    assert "too late" in again.content.decode()


def test_what_was_begun_meanwhile_is_kept_behind_it(vera: Agent, ticket: Ticket) -> None:
    answer(vera, ticket)
    path = f"/t/{ticket.pk}/"
    make.browser(vera).post(f"{path}draft/", {"mode": "reply", "text": "И ещё одно"})
    make.browser(vera).post(f"{path}held/{HeldReply.objects.get().pk}/undo/")
    assert Draft.objects.get().text == "Готово\n\nИ ещё одно"


def test_while_no_worker_sends_it_the_author_still_sees_it_and_takes_it_back(
    vera: Agent, ticket: Ticket
) -> None:
    answer(vera, ticket)
    held = HeldReply.objects.get()
    with clock.at(clock.now() + timedelta(hours=1)):
        assert "Your answer leaves in a few seconds." in page(vera, ticket)
        make.browser(vera).post(f"/t/{ticket.pk}/held/{held.pk}/undo/")
        run_timers()
        drain()
    assert (sent(), Draft.objects.get().text) == ([], "Готово")


def test_only_its_author_takes_it_back(vera: Agent, ticket: Ticket) -> None:
    answer(vera, ticket)
    held = HeldReply.objects.get()
    chief = make.administrator(language="en")
    other = make.ticket("Другое обращение")
    for person, where in ((chief, ticket), (vera, other)):
        path = f"/t/{where.pk}/held/{held.pk}/undo/"
        assert make.browser(person).post(path).status_code == 422
    pass_time()
    assert sent() == ["Готово"]


def test_the_same_form_twice_is_held_and_sent_once(vera: Agent, ticket: Ticket) -> None:
    for _ in range(2):
        answer(vera, ticket, token="t" * 16)
    assert HeldReply.objects.count() == 1
    pass_time()
    answer(vera, ticket, token="t" * 16)
    pass_time(timedelta(minutes=1))
    assert sent() == ["Готово"]


def test_files_go_with_it(vera: Agent, ticket: Ticket) -> None:
    answer(vera, ticket, files=SimpleUploadedFile("счёт.txt", b"x"))
    pass_time()
    message = Message.objects.get(text="Готово")
    assert message.attachments.get().name == "счёт.txt"


def test_what_can_no_longer_be_sent_comes_back_with_the_reason(vera: Agent, ticket: Ticket) -> None:
    answer(vera, ticket)
    Grant.objects.filter(agent=vera).update(level=Level.SEE)
    pass_time()
    assert sent() == []
    assert Draft.objects.get().reason == "You may not answer in this queue any more."
    assert Event.objects.filter(stream=ticket.stream, kind="tickets.reply_returned").exists()


def test_a_closed_ticket_gives_the_answer_back(vera: Agent, ticket: Ticket) -> None:
    answer(vera, ticket)
    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED)
    pass_time()
    assert sent() == []
    kept = Draft.objects.get()
    assert (kept.text, kept.reason) == (
        "Готово",
        "The ticket is closed. Open a follow-up instead.",
    )


def test_what_cannot_be_sent_is_said_at_once(vera: Agent, ticket: Ticket) -> None:
    for given in ({"body": "  "}, {"to": "nobody@example.org"}, {"then": "nonsense"}):
        assert answer(vera, ticket, **given).status_code == 422
    assert not HeldReply.objects.exists()


def test_a_script_that_goes_on_to_the_next_ticket_is_told_how_to_come_back(
    vera: Agent, ticket: Ticket
) -> None:
    browser = make.browser(vera, headers={"HX-Request": "true"})
    done = browser.post(f"/t/{ticket.pk}/reply/", {"body": "Готово", "then": "solve"})
    held = HeldReply.objects.get()
    assert f'"/t/{ticket.pk}/held/{held.pk}/undo/"' in done["HX-Trigger"]
    assert '"care-next": true' in done["HX-Trigger"]


def test_a_draft_is_there_on_another_device_and_for_nobody_else(
    vera: Agent, ticket: Ticket
) -> None:
    other = make.agent("Ольга Щербакова")
    path = f"/t/{ticket.pk}/draft/"
    kept = make.browser(vera).post(path, {"mode": "reply", "text": "Пишу отв"})
    assert kept.json()["at"] == drafts.stamp(Draft.objects.get().at)
    make.browser(vera).post(path, {"mode": "reply", "text": "Пишу ответ"})
    assert ">Пишу ответ</textarea>" in page(vera, ticket)
    assert "Пишу" not in page(other, ticket)
    make.browser(vera).post(path, {"mode": "note", "text": "Заметка"})
    shown = page(vera, ticket)
    assert ">Заметка</textarea>" in shown
    assert 'data-mode="note"' in shown
    assert Draft.objects.count() == 2
    make.browser(vera).post(f"/t/{ticket.pk}/note/", {"body": "Заметка"})
    assert ">Пишу ответ</textarea>" in page(vera, ticket)
    answer(vera, ticket, body="Пишу ответ")
    assert not Draft.objects.exists()


def test_bad_drafts_are_refused(vera: Agent, ticket: Ticket) -> None:
    path = f"/t/{ticket.pk}/draft/"
    browser = make.browser(vera)
    assert browser.post(path, {"mode": "poem", "text": "x"}).status_code == 422
    assert browser.post(path, {"mode": "reply", "text": "x" * 100_001}).status_code == 422
    assert browser.post(path, {"mode": "reply", "text": "a\0b"}).status_code == 200
    assert browser.post(path, {"mode": "reply", "text": "  "}).json() == {"at": 0}
    assert not Draft.objects.exists()


def test_nought_seconds_send_at_once_and_more_than_thirty_are_refused(ticket: Ticket) -> None:
    agent = make.agent("Ольга Щербакова", language="en")
    assert agent.undo_seconds == 0
    answer(agent, ticket)
    assert sent() == ["Готово"]
    form = {"surname": "Щербакова", "first_name": "Ольга", "language": "en", "theme": "system",
            "density": "normal", "time_zone": "Europe/Moscow", "undo_seconds": "31"}  # fmt: skip
    browser = make.browser(agent)
    assert browser.post("/profile/", form).status_code == 422
    assert browser.post("/profile/", form | {"undo_seconds": "30"}).status_code == 302
    assert Agent.objects.get(pk=agent.pk).undo_seconds == 30
