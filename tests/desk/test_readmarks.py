"""What is unread is each agent's own: bold until he has looked, and again when he wishes."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from tests import make
from tests.drain import drain, run_timers
from zabota.lib import clock
from zabota.staff.models import Agent
from zabota.tickets import actions
from zabota.tickets.models import ReadMark, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def vera() -> Agent:
    return make.agent(language="en")


@pytest.fixture
def olga() -> Agent:
    return make.agent("Ольга Щербакова", language="en")


@pytest.fixture
def ticket(vera: Agent, olga: Agent) -> Ticket:
    found = make.ticket()
    drain()
    return found


def is_unread(agent: Agent, ticket: Ticket) -> bool:
    page = make.browser(agent).get("/inbox/open/").content.decode()
    line = re.search(rf'<li class="([^"]*)" id="row-{ticket.pk}"', page)
    assert line is not None
    return "is-unread" in line[1]


def news_of(agent: Agent, ticket: Ticket) -> str:
    page = make.browser(agent).get(f"/t/{ticket.pk}/").content.decode()
    found = re.search(r'data-news="(\d+)"', page)
    assert found is not None
    return found[1]


def look(agent: Agent, ticket: Ticket, upto: str | None = None) -> int:
    upto = upto or news_of(agent, ticket)
    url = reverse("desk:read", args=[ticket.pk]) + f"?upto={upto}"
    return make.browser(agent).post(url).status_code


def test_a_ticket_is_unread_for_each_until_he_has_looked(
    vera: Agent, olga: Agent, ticket: Ticket
) -> None:
    assert is_unread(vera, ticket)
    make.browser(vera).get(f"/t/{ticket.pk}/")
    assert is_unread(vera, ticket), "a GET changes nothing"
    assert look(vera, ticket) == 204
    assert not is_unread(vera, ticket)
    assert is_unread(olga, ticket)


def test_what_came_after_the_page_was_drawn_stays_unread(vera: Agent, ticket: Ticket) -> None:
    drawn = news_of(vera, ticket)
    make.incoming("Уже не надо", joins=ticket)
    look(vera, ticket, drawn)
    assert is_unread(vera, ticket)
    look(vera, ticket)
    assert not is_unread(vera, ticket)
    look(vera, ticket, drawn)
    assert not is_unread(vera, ticket), "an older look takes nothing back"
    look(vera, ticket, str(10**16))
    make.incoming("Уже не надо", joins=ticket)
    assert is_unread(vera, ticket), "nobody has read what is still to come"


def test_a_note_of_a_colleague_is_news_and_ones_own_words_are_not(
    vera: Agent, olga: Agent, ticket: Ticket
) -> None:
    look(vera, ticket)
    actions.add_note(ticket, "Это сбой шлюза", agent=olga, by=olga.actor)
    assert is_unread(vera, ticket)
    assert not is_unread(olga, ticket)
    for what in ("reply", "note"):
        make.browser(vera).post(f"/t/{ticket.pk}/{what}/", {"body": "Смотрим"})
        assert not is_unread(vera, ticket)
        assert is_unread(olga, ticket)
        look(olga, ticket)
    actions.log_call(ticket, "Клиент перезвонит", agent=vera, by=vera.actor)
    assert not is_unread(vera, ticket)
    assert is_unread(olga, ticket)


def test_a_held_answer_is_read_by_its_author_when_it_leaves(vera: Agent, ticket: Ticket) -> None:
    Agent.objects.filter(pk=vera.pk).update(undo_seconds=10)
    look(vera, ticket)
    make.browser(vera).post(f"/t/{ticket.pk}/reply/", {"body": "Готово"})
    with clock.at(clock.now() + timedelta(seconds=11)):
        run_timers()
        drain()
    assert not is_unread(vera, ticket)


def test_it_may_be_put_back(vera: Agent, ticket: Ticket) -> None:
    look(vera, ticket)
    browser, url = make.browser(vera), reverse("desk:unread", args=[ticket.pk])
    assert browser.get(url).status_code == 405
    answer = browser.post(url, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert "Marked as unread" in answer.headers["HX-Trigger"]
    assert is_unread(vera, ticket)
    look(vera, ticket)
    assert not is_unread(vera, ticket)
    assert browser.post(url).headers["Location"].startswith("/inbox/")
    assert is_unread(vera, ticket)


def test_what_came_before_he_did_counts_as_read(ticket: Ticket) -> None:
    newcomer = make.agent("Анна Кузнецова", language="en")
    Agent.objects.filter(pk=newcomer.pk).update(read_from=clock.now())
    assert not is_unread(newcomer, ticket)
    make.incoming("Уже не надо", joins=ticket)
    assert is_unread(newcomer, ticket)


@pytest.mark.parametrize("upto", ["", "-1", "x", "1" * 18, "١٢"])
def test_a_moment_that_cannot_be_read_is_refused(vera: Agent, ticket: Ticket, upto: str) -> None:
    url = reverse("desk:read", args=[ticket.pk]) + f"?upto={upto}"
    assert make.browser(vera).post(url).status_code == 422
    assert not ReadMark.objects.exists()
