"""What a solution took, with and without the time that lay with the client (R036)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from tests import make
from zabota.events.log import of_stream
from zabota.lib import clock
from zabota.lib.times import length
from zabota.tickets import actions
from zabota.tickets.events import Solved
from zabota.tickets.lasting import with_client
from zabota.tickets.models import Status, Ticket

HOUR = timedelta(hours=1)


def solved(ticket: Ticket) -> tuple[int, int]:
    facts = [row.facts for row in of_stream(ticket.stream, 100).answer() if row.kind == Solved.kind]
    newest = max(facts, key=lambda fact: fact["took"])
    return newest["took"], newest["with_client"]


@pytest.mark.django_db
def test_the_clients_wait_and_a_solution_that_did_not_last_are_his() -> None:
    start = clock.now()
    agent = make.agent()
    with clock.at(start):
        ticket = make.ticket()
    with clock.at(start + HOUR):
        actions.reply(ticket, "Номер?", agent=agent, by=agent.actor, then=Status.WAITING_CLIENT)
    with clock.at(start + 4 * HOUR):
        make.incoming("4471", joins=ticket)
    with clock.at(start + 5 * HOUR):
        actions.solve(ticket, by=agent.actor)
    assert solved(ticket) == (5 * 3600, 3 * 3600)
    with clock.at(start + 7 * HOUR):
        make.incoming("Не работает", joins=ticket)
    with clock.at(start + 8 * HOUR):
        actions.solve(ticket, by=agent.actor)
    assert solved(ticket) == (8 * 3600, 5 * 3600)
    page = make.browser(make.agent("Ольга Щербакова", language="en")).get(f"/t/{ticket.pk}/")
    assert "after 8 hr; without the client&#39;s wait 3 hr" in page.content.decode()


def test_turns_out_of_order_take_nothing_away() -> None:
    now = clock.now()
    turns = [(now, "waiting_client"), (now - HOUR, "open"), (now - HOUR, "solved")]
    assert with_client(turns, now) == HOUR
    assert with_client([], now) == timedelta(0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 min"),
        (61, "1 min"),
        (3600, "1 hr"),
        (12_000, "3 hr 20 min"),
        (176_400, "2 days 1 hr"),
    ],
)
def test_a_length_in_two_parts(seconds: int, words: str) -> None:
    with translation.override("en"):
        assert length(seconds) == words
