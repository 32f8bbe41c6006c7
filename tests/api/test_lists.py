"""Filters and pages of the lists."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest

from tests import make
from tests.api.program import Program, integration
from zabota.api.filtering import condition
from zabota.api.schemas import TicketFilter
from zabota.customers.models import Contact
from zabota.lib import clock
from zabota.tickets import actions
from zabota.tickets.conditions import Among, Between, holds, where
from zabota.tickets.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def crm() -> Program:
    return Program(integration(make.queue(), make.billing()))


def shop() -> list[Ticket]:
    """Tickets that differ in everything a filter knows."""
    vera = make.agent("Вера Зорина")
    now = clock.now()
    first = make.ticket("Первый", queue=make.queue(), at=now - timedelta(days=9), owner=vera)
    second = make.ticket("Второй", queue=make.billing(), who=make.MARIA, at=now - timedelta(days=5))
    third = make.ticket("Третий", queue=make.queue(), who=make.JOHN, at=now - timedelta(days=1))
    actions.set_tags(first, ["vip", "касса"], by=make.BY)
    actions.set_tags(second, ["vip"], by=make.BY)
    actions.set_urgency(third, 1, by=make.BY)
    actions.set_topic(third, make.topic(), by=make.BY)
    actions.solve(second, by=make.BY)
    return list(Ticket.objects.order_by("id"))


def test_each_filter_finds_its_tickets_in_sql_and_in_python(crm: Program) -> None:
    first, second, third = tickets = shop()
    day = clock.now() - timedelta(days=6)
    cases: list[tuple[dict[str, object], list[Ticket]]] = [
        ({}, tickets),
        ({"status": ["solved", "closed"]}, [second]),
        ({"urgency": ["1", "2"]}, [third]),
        ({"queue": [make.queue().pk]}, [first, third]),
        ({"topic": [make.topic().pk]}, [third]),
        ({"owner": [make.agent().pk]}, [first]),
        ({"owner": ["none"]}, [second, third]),
        ({"owner": ["none", make.agent().pk]}, tickets),
        ({"tag": ["vip"]}, [first, second]),
        ({"tag": ["VIP", "касса"]}, [first]),
        ({"contact": third.contact_id}, [third]),
        ({"address": make.MARIA[0].upper()}, [second]),
        ({"address": "nobody@client.example"}, []),
        ({"created_from": day.isoformat()}, [second, third]),
        ({"created_before": day.isoformat()}, [first]),
        ({"last_message_from": day.isoformat(), "queue": [make.queue().pk]}, [third]),
        ({"tag": ["vip"], "status": ["new"]}, [first]),
    ]
    for asked, expected in cases:
        wanted = sorted(one.pk for one in expected)
        path = f"/tickets?{urlencode(asked, doseq=True)}"
        told = [one["number"] for one in crm.get(path).json()["items"]]
        assert told == wanted[::-1], asked
        tree = condition(TicketFilter.model_validate(asked))
        assert sorted(Ticket.objects.filter(where(tree)).values_list("pk", flat=True)) == wanted
        assert sorted(one.pk for one in tickets if holds(tree, one)) == wanted, asked


def test_conditions_know_their_fields_only() -> None:
    with pytest.raises(ValueError):
        Among("contact__name", frozenset({"Пётр"}))
    with pytest.raises(ValueError):
        Between("burns_at", None, None)


def test_tickets_of_a_merged_contact_are_found_by_his_heir(crm: Program) -> None:
    old = make.ticket(queue=make.queue(), who=make.MARIA)
    heir = make.contact(make.PETR)
    Contact.objects.filter(tickets=old).update(merged_into=heir)
    assert [one["number"] for one in crm.get(f"/tickets?contact={heir.pk}").json()["items"]] == [
        old.pk
    ]


@pytest.mark.parametrize("order", ["number", "last_message"])
def test_pages_tell_each_ticket_once_whatever_comes_meanwhile(crm: Program, order: str) -> None:
    moment = clock.now()
    # Three of them at the same microsecond.
    numbers = [make.ticket(queue=make.queue(), at=moment).pk for _ in range(3)]
    numbers += [make.ticket(queue=make.queue()).pk for _ in range(4)]
    seen, path = [], f"/tickets?limit=2&order={order}"
    answer = crm.get(path).json()
    while True:
        seen += [one["number"] for one in answer["items"]]
        make.ticket(queue=make.queue())
        if answer["next"] is None:
            break
        answer = crm.get(f"{path}&cursor={answer['next']}").json()
    assert seen == sorted(numbers, reverse=True)
    assert all(one > other for one, other in pairwise(seen))


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "WyIxIl0", "WyItaWQiLC0xXQ", "bnVsbA", "W1siLWlkIl0sMV0"]
)
def test_a_cursor_of_nothing_is_refused(crm: Program, cursor: str) -> None:
    answer = crm.get(f"/tickets?cursor={cursor}")
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["field"] == "cursor"
    last = crm.get(f"/tickets?order=last_message&cursor={cursor}")
    assert last.status_code == 422


def test_the_list_asks_few_statements(crm: Program, django_assert_max_num_queries: Any) -> None:
    for _ in range(5):
        make.ticket(queue=make.queue())
    crm.get("/token")  # the company is read once and kept
    with django_assert_max_num_queries(8):
        assert len(crm.get("/tickets").json()["items"]) == 5


def test_topics_queues_and_agents_follow_the_rights(crm: Program) -> None:
    narrow = Program(make.agent("Ольга Щербакова", make.queue(), role="integration"))
    make.topic("Счёт", "Bill", to=make.billing())
    own = make.topic()
    assert [one["id"] for one in narrow.get("/topics").json()["items"]] == [own.pk]
    access = {one["id"]: one["access"] for one in narrow.get("/queues").json()["items"]}
    assert access == {make.queue().pk: "close", make.billing().pk: ""}
    sara = make.agent("Sara Lindqvist", make.billing())
    ids = {one["id"] for one in narrow.get("/agents").json()["items"]}
    assert narrow.token.agent_id in ids
    assert sara.pk not in ids
    told = narrow.get(f"/agents?queue={make.billing().pk}").json()["items"]
    assert told == []
