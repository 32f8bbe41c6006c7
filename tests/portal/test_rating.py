"""Marks: one tap in the mail, nothing by opening, and the recovery of a low one."""

from __future__ import annotations

from typing import Any

import pytest

from tests import make
from tests.drain import drain
from tests.portal import visitor
from zabota.channels.models import Outgoing
from zabota.channels.outbox import load
from zabota.customers.models import Contact
from zabota.events.models import Event
from zabota.staff.models import Agent, Level, Queue, Role
from zabota.tickets import actions
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import Message, Rating, Status, Ticket, TicketType, Urgency

pytestmark = pytest.mark.django_db
PETR = make.PETR[0]


@pytest.fixture
def vera() -> Agent:
    return make.agent("Вера Зорина", language="en")


@pytest.fixture
def solved(vera: Agent) -> Ticket:
    ticket = make.ticket()
    drain()
    actions.reply(ticket, "Готово", agent=vera, by=vera.actor, solve=True)
    drain()
    return Ticket.objects.get(pk=ticket.pk)


def rate(mark: int, comment: str | None = None, as_sent: str = "") -> Any:
    form = {"mark": as_sent or str(mark)} | ({} if comment is None else {"comment": comment})
    path = f"{visitor.page_of(PETR)}rate/{mark}/"
    answer = visitor.browser().post(path, form)
    drain()
    return answer


def test_the_mail_of_a_solution_has_five_marks_and_others_have_none(
    solved: Ticket, vera: Agent
) -> None:
    acknowledgement, answer = visitor.mails(PETR)
    page = visitor.page_of(PETR)
    assert "/rate/" not in acknowledgement
    for mark in range(1, 6):
        assert f"{page}rate/{mark}/" in answer
    html = load(Outgoing.objects.filter(recipient=PETR).latest("id").envelope).html
    assert html.count("/rate/") == 5
    assert html.count("<a ") == 6


def test_the_solved_notice_has_marks_too(vera: Agent) -> None:
    ticket = make.ticket()
    drain()
    actions.solve(ticket, by=vera.actor)
    drain()
    assert visitor.mails(PETR)[-1].count("/rate/") == 5


def test_opening_shows_the_mark_and_changes_nothing(solved: Ticket) -> None:
    path = f"{visitor.page_of(PETR)}rate/4/"
    client = visitor.browser()
    page = client.get(path).content.decode()
    client.head(path)
    assert 'value="4" required checked' in page
    assert "data-pending" in page
    assert not Rating.objects.exists()


def test_a_mark_then_a_comment_then_another_mark(solved: Ticket) -> None:
    assert rate(4).status_code == 302
    assert rate(4, "Быстро, спасибо").status_code == 302
    rating = Rating.objects.get()
    assert (rating.mark, rating.comment, rating.address) == (4, "Быстро, спасибо", PETR)
    rate(5)
    rating.refresh_from_db()
    assert (rating.mark, rating.comment) == (5, "Быстро, спасибо")
    rate(5)
    facts = [row.facts for row in Event.objects.filter(kind="tickets.rated").order_by("id")]
    assert [(one["was"], one["mark"]) for one in facts] == [(None, 4), (4, 4), (4, 5)]
    page = visitor.browser().get(f"{visitor.page_of(PETR)}rate/5/").content.decode()
    assert "Saved: 5 of 5" in page
    assert "data-pending" not in page


@pytest.mark.parametrize("wrong", ["0", "6", "-1", "пять", "", "١", "99999999999"])
def test_a_wrong_mark_is_refused(solved: Ticket, wrong: str) -> None:
    page = visitor.page_of(PETR)
    assert visitor.browser().post(f"{page}rate/3/", {"mark": wrong}).status_code == 422
    assert not Rating.objects.exists()


def test_a_ticket_nobody_worked_on_is_not_rated() -> None:
    make.ticket()
    drain()
    path = f"{visitor.page_of(PETR)}rate/1/"
    assert visitor.browser().get(path).status_code == 422
    assert rate(1).status_code == 422
    assert not Rating.objects.exists()


def test_agents_see_mark_and_comment(solved: Ticket, vera: Agent) -> None:
    rate(4, "Быстро <b>спасибо</b>")
    panel = make.browser(vera).get(f"/t/{solved.pk}/context/").content.decode()
    assert "4 of 5" in panel
    assert "Быстро &lt;b&gt;спасибо" in panel
    assert "mark: 4 of 5" in panel


@pytest.mark.parametrize(("mark", "opened"), [(1, 1), (2, 1), (3, 0), (5, 0)])
def test_a_low_mark_opens_one_recovery(solved: Ticket, mark: int, opened: int) -> None:
    rate(mark, "Долго")
    rate(mark, "Очень долго")
    found = Ticket.objects.filter(type=TicketType.RECOVERY)
    assert found.count() == opened
    if opened:
        recovery = found.get()
        assert recovery.follow_up_of == solved
        assert recovery.contact == solved.contact
        assert recovery.urgency == Urgency.HIGH
        note = Message.objects.get(ticket=recovery, direction="note")
        assert "Долго" in note.text
        assert Rating.objects.get().recovery == recovery


def test_a_low_mark_tells_the_client_nothing_of_our_recovery(solved: Ticket) -> None:
    before = len(visitor.mails(PETR))
    rate(1, "Плохо")
    recovery = Ticket.objects.get(type=TicketType.RECOVERY)
    actions.end_recovery(recovery, "lost", by=make.BY)
    drain()
    assert len(visitor.mails(PETR)) == before


def _plain() -> Queue | None:
    return None


def _lead() -> Queue:
    unhappy = make.queue("Старшие", "Leads")
    make.agent("Ольга Щербакова", unhappy, role=Role.LEAD, level=Level.MANAGE)
    return unhappy


def _chosen() -> Queue:
    _lead()
    chosen = make.billing()
    Queue.objects.filter(pk=chosen.pk).update(takes_recovery=True)
    return chosen


@pytest.mark.parametrize("arrange", [_plain, _lead, _chosen])
def test_the_queue_of_a_recovery(solved: Ticket, arrange: Any) -> None:
    wanted = arrange() or solved.queue
    rate(1)
    assert Ticket.objects.get(type=TicketType.RECOVERY).queue == wanted


@pytest.mark.parametrize("outcome", ["saved", "lost"])
def test_a_recovery_ends_as_saved_or_lost(solved: Ticket, vera: Agent, outcome: str) -> None:
    rate(2)
    recovery = Ticket.objects.get(type=TicketType.RECOVERY)
    desk = make.browser(vera)
    panel = desk.get(f"/t/{recovery.pk}/context/").content.decode()
    assert f"/t/{recovery.pk}/recovery/" in panel
    assert desk.post(f"/t/{recovery.pk}/solve/").status_code == 422
    assert desk.post(f"/t/{recovery.pk}/recovery/", {"outcome": "так себе"}).status_code == 422
    desk.post(f"/t/{recovery.pk}/recovery/", {"outcome": outcome})
    recovery.refresh_from_db()
    assert recovery.status == Status.CLOSED
    assert recovery.close_reason == "recovery"
    assert Rating.objects.get().outcome == outcome
    assert Event.objects.get(kind="tickets.recovery_ended").facts["outcome"] == outcome
    again = desk.post(f"/t/{recovery.pk}/recovery/", {"outcome": "saved"})
    assert again.status_code == 422
    assert Rating.objects.get().outcome == outcome


def test_a_recovery_cannot_be_made_or_unmade_by_hand(solved: Ticket, vera: Agent) -> None:
    with pytest.raises(NotPossible):
        actions.set_type(solved, TicketType.RECOVERY, by=vera.actor)
    rate(1)
    recovery = Ticket.objects.get(type=TicketType.RECOVERY)
    with pytest.raises(NotPossible):
        actions.set_type(recovery, TicketType.QUESTION, by=vera.actor)
    for attempt in (
        lambda: actions.close_silently(recovery, "spam", by=vera.actor),
        lambda: actions.reply(recovery, "Всё", agent=vera, by=vera.actor, solve=True),
    ):
        with pytest.raises(NotPossible):
            attempt()
    assert not actions.may_be_rated(recovery)
    assert Contact.objects.count() == 1
