"""Mail to agents: to the owner when his client writes, to who is given a ticket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import make
from tests.drain import drain, run_timers
from zabota.channels.contract import Robot
from zabota.channels.models import Outgoing
from zabota.channels.outbox import load
from zabota.lib import clock
from zabota.staff.models import Level
from zabota.tickets import links
from zabota.tickets.actions import assign, take

pytestmark = pytest.mark.django_db


def notices(after: int = 0) -> list[Any]:
    rows = Outgoing.objects.filter(key__startswith=links.NOTICE, pk__gt=after).order_by("id")
    return [load(row.envelope) for row in rows]


def settled() -> int:
    """All jobs done; the last outgoing message so far."""
    drain()
    return Outgoing.objects.order_by("id").values_list("id", flat=True).last() or 0


def test_the_owner_hears_that_his_client_wrote_and_may_answer_with_a_note() -> None:
    agent = make.agent()
    ticket = make.ticket(owner=agent)
    before = settled()
    make.incoming("Всё ещё нет кода", joins=ticket)
    drain()
    [letter] = notices(before)
    assert letter.to[0].email == agent.email
    assert "Всё ещё нет кода" in letter.text
    assert links.ticket_url(ticket.pk) in letter.text
    assert links.ticket_of_address(letter.reply_to[0].email) == ("n", ticket.pk)
    assert letter.automatic


@pytest.mark.parametrize("quiet", ["robot", "switched off", "lost his rights"])
def test_nobody_is_disturbed_without_need(quiet: str) -> None:
    agent = make.agent(mail_notices=quiet != "switched off")
    ticket = make.ticket(owner=agent)
    if quiet == "lost his rights":
        agent.grants.all().delete()
    before = settled()
    make.incoming("…", joins=ticket, robot=Robot.AUTO_REPLY if quiet == "robot" else Robot.NONE)
    drain()
    assert not notices(before)


def test_given_a_ticket_by_somebody_else() -> None:
    agent, lead = make.agent(), make.agent("Алексей Орлов")
    ticket = make.ticket()
    assign(ticket, agent=agent, by=lead.actor)
    drain()
    assert [letter.to[0].email for letter in notices()] == [agent.email]


def test_who_takes_a_ticket_himself_gets_no_mail() -> None:
    agent = make.agent()
    take(make.ticket(), agent=agent, by=agent.actor)
    drain()
    assert not notices()


def test_who_hears_that_a_client_waits_too_long() -> None:
    owner, lead = (
        make.agent(language="en"),
        make.agent("Ольга Щербакова", role="lead", level=Level.MANAGE),
    )
    start = datetime(2026, 11, 26, 7, tzinfo=UTC)
    owned = make.ticket("С ответственным", at=start, owner=owner)
    free = make.ticket("Ничьё", at=start, who=make.MARIA)
    with clock.at(start):
        last = settled()
    heard = []
    for hours in (12, 18, 24):
        with clock.at(start + timedelta(hours=hours)):
            run_timers()
        letters = notices(last)
        last = settled()
        heard.append({(letter.to[0].email, letter.subject.split(":")[0]) for letter in letters})
    of_owned, of_free = f"#{owned.pk}", f"#{free.pk}"
    assert heard == [
        {(owner.email, of_owned)},
        {(owner.email, of_owned), (lead.email, of_free)},
        {(owner.email, of_owned), (lead.email, of_owned), (lead.email, of_free)},
    ]
    assert any("24 hours without an answer" in letter.subject for letter in notices())
