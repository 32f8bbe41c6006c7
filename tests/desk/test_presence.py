"""Who looks and who writes: heard by those who may see the ticket, forgotten in seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests import make
from tests.site import Site, Stream, serving
from zabota.desk import presence
from zabota.desk.presence import Presence
from zabota.staff.models import Agent, Level

db = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: object) -> Iterator[Site]:
    with serving() as running:
        yield running


def key_of(person: Agent) -> str:
    return str(make.browser(person).session.session_key)


def say(site: Site, key: str, ticket: Any, what: str = "view", tab: str = "t1", **more: Any) -> int:
    body = json.dumps({"ticket": ticket, "what": what, "tab": tab} | more).encode()
    headers = {"Content-Type": "application/json", "Cookie": f"sessionid={key}"}
    return site.request("POST", "/live/here", body, headers)[0]


@db
def test_who_sees_the_ticket_hears_who_is_there_and_his_own_name_never(site: Site) -> None:
    ticket = make.ticket()
    vera, other = make.agent(), make.agent("Ольга Щербакова")
    mine = Stream(site, key_of(vera), "queues=all")
    hers = Stream(site, key_of(other), f"ticket={ticket.pk}")
    foreign = Stream(site, key_of(make.agent("Тимур Хабибуллин", make.billing())), "queues=all")
    assert say(site, key_of(vera), ticket.pk) == 204
    assert hers.next() == ("people", {"id": ticket.pk, "people": [[vera.full_name, "view"]]})
    assert mine.next() == ("people", {"id": ticket.pk, "people": []})
    say(site, key_of(vera), ticket.pk)
    assert hers.silent(), "what is only said again is not told"
    say(site, key_of(vera), ticket.pk, "type")
    assert hers.next()[1]["people"] == [[vera.full_name, "type"]]
    late = Stream(site, key_of(other), "queues=all")
    assert late.next() == (
        "crowd",
        {"tickets": [{"id": ticket.pk, "people": [[vera.full_name, "type"]]}]},
    )
    say(site, key_of(vera), ticket.pk, "")
    assert hers.next()[1]["people"] == []
    assert foreign.silent()
    for stream in (mine, hers, foreign, late):
        stream.close()


@db
def test_whoever_falls_silent_is_gone_within_ten_seconds(site: Site) -> None:
    ticket = make.ticket()
    hers = Stream(site, key_of(make.agent("Ольга Щербакова")), "queues=all")
    say(site, key_of(make.agent()), ticket.pk)
    hers.next()
    began = time.monotonic()
    assert hers.next(12)[1]["people"] == []
    assert 6 < time.monotonic() - began < 10
    hers.close()


@db
def test_a_foreign_ticket_and_one_that_does_not_exist_are_answered_alike(site: Site) -> None:
    foreign, key = make.ticket(queue=make.billing()), key_of(make.agent())
    there = make.agent("Тимур Хабибуллин", make.billing())
    listener = Stream(site, key_of(there), "queues=all")
    assert say(site, key, foreign.pk) == 404
    assert say(site, key, 10**15) == 404
    assert listener.silent()
    assert say(site, "nobody", foreign.pk) == 401
    # Who may only look is seen looking.
    looks = make.agent("Анна Кузнецова", make.billing(), level=Level.SEE)
    assert say(site, key_of(looks), foreign.pk) == 204
    assert listener.next()[1]["people"] == [[looks.full_name, "view"]]
    listener.close()


@db
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"ticket": 1, "what": "view", "tab": "a"}', "text/plain"),
        (b'{"ticket": 1, "what": "view", "tab": "a"}', "application/x-www-form-urlencoded"),
        (b'{"ticket": 1, "what": "dance", "tab": "a"}', "application/json"),
        (b'{"ticket": "1 OR 1", "what": "view", "tab": "a"}', "application/json"),
        (b'{"ticket": 1e400, "what": "view", "tab": "a"}', "application/json"),
        (b'{"ticket": 99999999999999999999, "what": "view", "tab": "a"}', "application/json"),
        (b'{"ticket": -1, "what": "view", "tab": "a"}', "application/json"),
        (b'{"ticket": 1, "what": "view", "tab": "../"}', "application/json"),
        (b'{"ticket": 1, "what": "view", "tab": "a", "turn": -1}', "application/json"),
        (b'{"ticket": 1, "what": "view", "tab": "a", "turn": 1e300}', "application/json"),
        (b'{"ticket": 1, "what": "view", "tab": "%s"}' % (b"a" * 600), "application/json"),
        (b"[" * 400, "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"", "application/json"),
    ],
)
def test_what_cannot_be_read_is_refused(site: Site, body: bytes, kind: str) -> None:
    headers = {"Content-Type": kind, "Cookie": f"sessionid={key_of(make.agent())}"}
    assert site.request("POST", "/live/here", body, headers)[0] == 422


def said(
    agent: int, what: str, tab: str = "a", turn: int = 0, hidden: bool = False
) -> dict[str, Any]:
    words = {"agent": agent, "name": f"Агент {agent}", "queue": 1, "what": what, "tab": tab}
    return words | {"turn": turn, "hidden": hidden}


def test_two_tabs_are_one_person_who_does_the_more_important() -> None:
    here = Presence()
    assert here.hear(5, said(1, "view"))
    assert not here.hear(5, said(1, "view", "b"))
    assert here.hear(5, said(1, "draft", "b"))
    assert here.people(5, but=2) == [("Агент 1", "draft")]
    assert not here.hear(5, said(1, "")), "the other tab is still there"
    assert here.hear(5, said(1, "", "b"))
    assert here.people(5, but=2) == []


def test_a_word_that_comes_after_a_later_one_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = Presence()
    here.hear(5, said(1, "draft", turn=7))
    assert here.hear(5, said(1, "", turn=9))
    assert not here.hear(5, said(1, "draft", turn=8, hidden=True)), "the tab has left"
    assert here.people(5, but=2) == []
    assert not here.hear(6, said(1, "", turn=11))
    assert not here.hear(6, said(1, "view", turn=10)), "even what was never heard of before"
    assert here.hear(5, said(1, "view", turn=12)), "it came back"
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 9)
    assert here.expire() == [5]
    assert list(here.tickets()) == []


def test_a_draft_in_the_background_holds_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Presence()
    here.hear(5, said(1, "view"))
    here.hear(5, said(2, "draft", hidden=True))
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 9)
    assert here.expire() == [5]
    assert here.people(5, but=0) == [("Агент 2", "draft")]
    monkeypatch.setattr(time, "monotonic", lambda: now + 76)
    assert here.expire() == [5]
    assert here.expire() == []


def test_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "MOST_SEATS", 3)
    here = Presence()
    for number in range(9):
        here.hear(number + 1, said(number, "view"))
    assert len(list(here.tickets())) == 3
    here.hear(1, said(0, "type"))
    assert here.people(1, but=9) == [("Агент 0", "type")], "whoever is there is heard on"
