"""Scanners open every link of every mail: nothing may change by that."""

from __future__ import annotations

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from tests import make
from tests.drain import drain
from tests.portal import visitor
from zabota.channels.models import Outgoing
from zabota.channels.outbox import load
from zabota.staff import invitations
from zabota.tickets import actions

pytestmark = pytest.mark.django_db
SESSIONS = {"django_session", "usersessions_usersession", "zabota_cache"}


def state() -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest of all of them."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table in SESSIONS:
                continue
            cursor.execute(
                f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
            )
            found[table] = cursor.fetchone()
    return found


def every_link() -> set[str]:
    """Our links in text and HTML of every mail that ever went out."""
    letters = [load(row.envelope) for row in Outgoing.objects.all()]
    return {
        link for letter in letters for text in (letter.text, letter.html)
        for link in visitor.links(text)
    }  # fmt: skip


def test_no_get_and_no_head_of_any_link_changes_anything() -> None:
    vera = make.agent()
    ticket = make.ticket()
    drain()
    actions.take(ticket, agent=vera, by=make.administrator().actor)
    page = visitor.page_of(make.PETR[0])
    form = {"text": "Ещё", "address": make.PETR[0], "key": visitor.key()}
    visitor.browser().post(f"{page}message/", form)
    make.incoming("Ну что?", joins=ticket)
    actions.reply(ticket, "Готово", agent=vera, by=vera.actor, solve=True)
    other = make.ticket("Второе", who=make.MARIA)
    drain()
    actions.solve(other, by=vera.actor)
    drain()
    visitor.browser().post("/my/", {"address": make.PETR[0]})
    invitations.invite(vera)
    Client().post("/account/password/reset/", {"email": vera.email})
    found = every_link()
    assert not mail.outbox
    kinds = {link.split("/")[1] for link in found}
    assert {"r", "confirm", "invitation", "account", "t"} <= kinds, kinds
    assert sum(link.startswith("/confirm/") for link in found) == 2
    assert sum("/rate/" in link for link in found) == 10
    drain()
    before = state()
    for link in sorted(found):
        for method in ("get", "head"):
            answer = getattr(Client(), method)(link)
            fine = {200, 302} if method == "get" else {200, 302, 405}
            assert answer.status_code in fine, link
    assert state() == before


def test_the_comparison_sees_a_change() -> None:
    before = state()
    make.ticket()
    assert state() != before
