"""The lists through HTTP: who sees which line, paging, counts, empty lists, bad addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import make
from zabota.channels.contract import Robot
from zabota.desk import inbox
from zabota.staff.models import Agent
from zabota.tickets import actions, queries
from zabota.tickets.models import Ticket

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def vera() -> Agent:
    return make.agent("Вера Зорина", language="en")


def rows(agent: Agent, view: str) -> str:
    answer = make.browser(agent).get(f"/inbox/{view}/rows/", headers=FRAGMENT)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_work_place_begins_with_my_tickets(vera: Agent) -> None:
    assert make.browser(vera).get("/")["Location"] == "/inbox/mine/"


def test_each_view_holds_what_its_name_says(vera: Agent) -> None:
    mine = make.ticket("Моё", owner=vera)
    free = make.ticket("Ничьё", who=make.MARIA)
    robot = make.ticket("Рассылка", who=make.JOHN, robot=Robot.LIST)
    solved = make.ticket("Решено")
    actions.solve(solved, by=make.BY)
    expected = {
        "mine": {mine}, "unassigned": {free}, "open": {mine, free}, "solved": {solved},
        "robots": {robot}, "quarantine": set(), "burning": set(),
    }  # fmt: skip
    for view, tickets in expected.items():
        shown = rows(vera, view)
        for ticket in (mine, free, robot, solved):
            assert (f'id="row-{ticket.pk}"' in shown) == (ticket in tickets), (view, ticket)


def test_quarantine_is_seen_by_whom_it_is_granted(vera: Agent) -> None:
    ticket = make.quarantined()
    assert f"row-{ticket.pk}" not in rows(vera, "quarantine")
    assert f"row-{ticket.pk}" in rows(make.administrator(), "quarantine")


def test_a_line_says_who_what_and_how_urgent(vera: Agent) -> None:
    make.contact(make.PETR, of=make.account("ООО «Ромашка»"))
    ticket = make.ticket("Не приходит <b>код</b>", owner=vera)
    actions.set_urgency(ticket, 1, by=vera.actor)
    shown = rows(vera, "open")
    assert "Не приходит &lt;b&gt;код&lt;/b&gt;" in shown
    for text in ("Пётр Лебедев", "ООО «Ромашка»", "ПЛ", "Owner: Вера Зорина", "loses money now"):
        assert text in shown, text
    assert "is-unread" in shown
    actions.reply(ticket, "Смотрим", agent=vera, by=vera.actor)
    assert "is-unread" not in rows(vera, "open")


def test_pages_follow_one_another_without_gap_or_repeat(vera: Agent) -> None:
    box, contact = make.inbox(), make.contact()
    start = datetime(2026, 11, 1, tzinfo=UTC)
    Ticket.objects.bulk_create(
        Ticket(
            subject=f"Тема {n}",
            queue=box.queue,
            contact=contact,
            inbox=box,
            last_message_at=start + timedelta(minutes=n // 3),
            turn=1000 - n // 3,
        )
        for n in range(120)
    )
    client, url, seen = make.browser(vera), "/inbox/open/rows/", []
    for length in (50, 50, 20):
        page = client.get(url, headers=FRAGMENT).content.decode()
        found = [part.split('"')[0] for part in page.split('id="row-')[1:]]
        assert len(found) == length
        seen += found
        url = page.split('data-older="')[1].split('"')[0] if "data-older" in page else ""
    assert url == ""
    assert len(set(seen)) == 120
    wanted = Ticket.objects.order_by("turn", "id").values_list("id", flat=True)
    assert [int(pk) for pk in seen] == list(wanted)


def test_the_next_page_works_without_scripts(vera: Agent) -> None:
    answer = make.browser(vera).get("/inbox/open/rows/?before=1-1")
    assert answer["Location"] == "/inbox/open/?before=1-1"


@pytest.mark.parametrize("cursor", ["x", "1", "1-", "-1", "1-x", "9" * 40 + "-1", "1-" + "9" * 30])
def test_a_broken_cursor_is_a_bad_request(vera: Agent, cursor: str) -> None:
    answer = make.browser(vera).get("/inbox/open/", {"before": cursor})
    assert answer.status_code == 400


def test_an_unknown_view_does_not_exist(vera: Agent) -> None:
    client = make.browser(vera)
    assert client.get("/inbox/everything/").status_code == 404
    assert client.get("/inbox/everything/rows/", headers=FRAGMENT).status_code == 404


def test_an_empty_list_says_why_and_where_to_go(vera: Agent) -> None:
    page = make.browser(vera).get("/inbox/mine/").content.decode()
    assert "Your inbox is clear" in page
    assert "/inbox/unassigned/" in page


def test_counts_are_capped(vera: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "COUNT_CAP", 3)
    for who in (make.PETR, make.MARIA, make.JOHN):
        make.ticket(who=who)
    panel = make.browser(vera).get("/inbox/counts/", headers=FRAGMENT).content.decode()
    assert "2+" in panel
    assert inbox.capped(0) == ""


def test_a_list_takes_few_queries(vera: Agent, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        make.ticket(f"Тема {number}")
    client = make.browser(vera)
    client.get("/inbox/open/")
    with django_assert_max_num_queries(6):
        client.get("/inbox/open/")
    with django_assert_max_num_queries(5):
        client.get("/inbox/open/rows/", headers=FRAGMENT)


def test_a_row_that_left_the_view_is_empty(vera: Agent) -> None:
    ticket = make.ticket()
    client = make.browser(vera)
    shown = client.get(f"/t/{ticket.pk}/row/?view=unassigned", headers=FRAGMENT)
    assert f"row-{ticket.pk}" in shown.content.decode()
    actions.take(ticket, agent=vera, by=vera.actor)
    gone = client.get(f"/t/{ticket.pk}/row/?view=unassigned", headers=FRAGMENT)
    assert (gone.status_code, gone.content) == (204, b"")


def test_who_signed_out_hears_it_without_losing_his_page() -> None:
    answer = make.browser().get("/inbox/open/rows/", headers=FRAGMENT)
    assert answer.status_code == 401
    page = make.browser().get("/inbox/open/?before=1-1")
    assert page["Location"].endswith("?next=/inbox/open/%3Fbefore%3D1-1")


def test_cursor_goes_there_and_back() -> None:
    for place in (0, 17, -1795680000000000, 1 << 54):
        assert inbox.read_cursor(inbox.write_cursor(place, 42)) == (place, 42)
