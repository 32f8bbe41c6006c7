"""Live streams against a real server process: who hears what, and when he stops hearing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F

from tests import make
from tests.site import Site, Stream, serving
from zabota.desk import feed
from zabota.desk.viewers import Viewer
from zabota.events.live import say_bye
from zabota.events.log import record
from zabota.events.models import Event
from zabota.lib import clock
from zabota.staff.actions import set_grants, switch_off
from zabota.staff.models import Agent, Level, Queue
from zabota.tickets.events import QueueChanged, SubjectChanged
from zabota.tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: object) -> Iterator[Site]:
    with serving() as running:
        yield running


def ticket_in(to: Queue | None = None, subject: str = "Не приходит код") -> Ticket:
    with transaction.atomic():
        return make.ticket(subject, queue=to)


def key_of(person: Agent) -> str:
    return str(make.browser(person).session.session_key)


def touch(ticket: Ticket) -> Event:
    with transaction.atomic():
        Ticket.objects.filter(pk=ticket.pk).update(version=F("version") + 1)
        fact = SubjectChanged(ticket=ticket.pk)
        record(fact, stream=f"ticket:{ticket.pk}", by=make.BY)
    return Event.objects.latest("id")


def move(ticket: Ticket, to: Queue) -> None:
    with transaction.atomic():
        was = Ticket.objects.get(pk=ticket.pk).queue_id
        Ticket.objects.filter(pk=ticket.pk).update(queue=to, version=F("version") + 1)
        fact = QueueChanged(ticket=ticket.pk, was=was, now=to.pk, reason="test")
        record(fact, stream=f"ticket:{ticket.pk}", by=make.BY)


def test_he_hears_of_tickets_in_his_queue(site: Site) -> None:
    ticket = ticket_in()
    stream = Stream(site, key_of(make.agent()), f"queues={ticket.queue_id}")
    event = touch(ticket)
    ticket.refresh_from_db()
    assert stream.next() == (
        "ticket",
        {
            "id": ticket.pk,
            "v": ticket.version,
            "queue": ticket.queue_id,
            "owner": None,
            "kind": "tickets.subject_changed",
        },
    )
    time.sleep(0.05)
    assert stream.last == event.pk
    assert stream.answer.getheader("X-Accel-Buffering") == "no"
    stream.close()


def test_a_foreign_queue_is_never_heard(site: Site) -> None:
    own, foreign = ticket_in(), ticket_in(make.billing())
    asks_for_all = f"queues={own.queue_id},{foreign.queue_id}&ticket={foreign.pk}"
    streams = [
        Stream(site, key_of(make.agent()), asks_for_all),
        Stream(site, key_of(make.agent()), "queues=all"),
    ]
    touch(foreign)
    touch(own)
    for stream in streams:
        assert stream.next()[1]["id"] == own.pk
        assert stream.silent()
        stream.close()


def test_an_open_ticket_is_heard_without_its_queue(site: Site) -> None:
    ticket, other = ticket_in(), ticket_in()
    stream = Stream(site, key_of(make.agent()), f"ticket={ticket.pk},999999")
    touch(other)
    touch(ticket)
    assert stream.next()[1]["id"] == ticket.pk
    stream.close()


def test_a_ticket_that_leaves_is_gone_only_for_those_who_showed_it(site: Site) -> None:
    ticket, foreign = ticket_in(), make.billing()
    stays = ticket_in(subject="Другое")
    showing = Stream(site, key_of(make.agent()), f"queues={ticket.queue_id}")
    other = Stream(site, key_of(make.agent()), f"ticket={stays.pk}")
    there = Stream(site, key_of(make.agent("Тимур Хабибуллин", foreign)), "queues=all")
    move(ticket, foreign)
    assert showing.next() == ("ticket", {"id": ticket.pk, "gone": True})
    assert there.next()[1]["kind"] == "tickets.queue_changed"
    touch(ticket)
    assert there.next()[1]["id"] == ticket.pk
    assert showing.silent()
    assert other.silent(0.1)
    for stream in (showing, other, there):
        stream.close()


def test_a_broken_line_is_resumed(site: Site) -> None:
    ticket, foreign = ticket_in(), ticket_in(make.billing())
    key = key_of(make.agent())
    first, probe = touch(ticket), Stream(site, key, "queues=all")
    touch(foreign)
    second = touch(ticket)
    # What is heard live while the line is resumed is told twice, which is harmless but not wanted
    # here: the server has heard all of it.
    while probe.last < second.pk:
        probe.next()
    probe.close()
    stream = Stream(site, key, "queues=all", last=first.pk)
    name, data = stream.next()
    assert (name, data["id"]) == ("ticket", ticket.pk)
    assert stream.silent(0.2)
    assert stream.last >= second.pk
    stream.close()
    by_query = Stream(site, key, f"queues=all&last={first.pk}")
    assert by_query.next()[1]["id"] == ticket.pk
    by_query.close()


def test_what_came_while_the_page_was_on_its_way_is_heard(site: Site) -> None:
    drawn = int(clock.now().timestamp() * 1000)
    ticket = ticket_in()
    Event.objects.update(at=clock.now() - timedelta(minutes=2))
    late = touch(ticket)
    key = key_of(make.agent())
    stream = Stream(site, key, f"queues=all&since={drawn}")
    assert stream.next()[1]["id"] == ticket.pk
    assert stream.silent(0.1)
    assert stream.last >= late.pk
    stream.close()
    silent = Stream(site, key, f"queues=all&since={drawn + 60_000}")
    assert silent.silent(0.1)
    silent.close()
    old = Stream(site, key, f"queues=all&since={drawn - 3_600_000}")
    assert old.next()[0] == "reset"
    old.close()


def test_too_old_a_line_starts_anew(site: Site) -> None:
    ticket = ticket_in()
    event = touch(ticket)
    Event.objects.filter(pk=event.pk).update(at=clock.now() - timedelta(hours=1))
    key = key_of(make.agent())
    for last in (event.pk, 10**9):
        stream = Stream(site, key, "queues=all", last=last)
        assert stream.next()[0] == "reset"
        stream.close()


def test_rights_taken_away_stop_it_at_once(site: Site) -> None:
    ticket, person = ticket_in(), make.agent()
    stream = Stream(site, key_of(person), "queues=all")
    touch(ticket)
    assert stream.next()[0] == "ticket"
    set_grants(person, {make.billing().pk: Level.SEE}, by=make.BY)
    assert stream.next()[0] == "reset"
    touch(ticket)
    assert stream.silent()
    stream.close()


@pytest.mark.parametrize("how", ["switched off", "signed out", "password"])
def test_an_ended_session_ends_the_stream(site: Site, how: str) -> None:
    person = make.agent()
    browser = make.browser(person)
    stream = Stream(site, str(browser.session.session_key), "queues=all")
    if how == "switched off":
        switch_off(person, by=make.BY)
    elif how == "signed out":
        browser.post("/account/logout/")
    else:
        person.set_password("ещё один длинный")
        person.save()
        set_grants(person, {}, by=make.BY)
    assert stream.next()[0] == "signed-out"
    assert stream.ended.wait(5)


def test_nobody_listens_without_a_full_sign_in(site: Site) -> None:
    assert Stream(site, "", "queues=all").status == 401
    assert Stream(site, "0" * 32, "queues=all").status == 401
    half = make.browser().session
    half["account_login"] = {"user_pk": make.agent().pk}
    half.save()
    assert Stream(site, str(half.session_key), "queues=all").status == 401


def test_a_senseless_question_is_refused(site: Site) -> None:
    key = key_of(make.agent())
    for query in ("queues=x", "ticket=1;drop", "queues=1&last=z", "since=now", "since=" + "9" * 30):
        assert Stream(site, key, query).status == 400


def test_bye_ends_all_streams(site: Site) -> None:
    streams = [Stream(site, key_of(make.agent()), "queues=all") for _ in range(3)]
    say_bye()
    for stream in streams:
        assert stream.next()[0] == "bye"
        assert stream.ended.wait(2)
    time.sleep(feed.BYE_SECONDS)
    again = Stream(site, key_of(make.agent()), "queues=all")
    touch(ticket_in())
    assert again.next()[0] == "ticket"
    again.close()


def test_who_left_is_forgotten(site: Site) -> None:
    stream = Stream(site, key_of(make.agent()), "queues=all")
    assert open_streams(site) == 1
    stream.close()
    end = time.monotonic() + 5
    while open_streams(site) and time.monotonic() < end:
        touch(ticket_in())
        time.sleep(0.1)
    assert open_streams(site) == 0


def open_streams(site: Site) -> int:
    rows = site.request("GET", "/metrics")[2].decode().splitlines()
    return int(next(row for row in rows if row.startswith("zabota_open_streams ")).split()[1])


def test_a_burst_is_heard_whole_by_a_stream_that_keeps_up(site: Site) -> None:
    now, who = clock.now(), ticket_in().contact
    values = {"queue": make.queue(), "contact": who, "created_at": now, "last_message_at": now}
    rows = [Ticket(subject=f"Тема {number}", **values) for number in range(3 * feed.MOST_WAITING)]
    tickets = Ticket.objects.bulk_create(rows)
    stream = Stream(site, key_of(make.agent()), "queues=all")
    with transaction.atomic():
        for one in tickets:
            record(SubjectChanged(ticket=one.pk), stream=one.stream, by=make.BY)
    heard = [stream.next() for _ in tickets]
    assert [(name, data["id"]) for name, data in heard] == [("ticket", one.pk) for one in tickets]
    stream.close()


def test_a_ticket_is_told_once_of_a_burst(site: Site) -> None:
    ticket, other = ticket_in(), ticket_in()
    stream = Stream(site, key_of(make.agent()), "queues=all")
    with transaction.atomic():
        for one in (ticket, other, ticket, ticket):
            record(SubjectChanged(ticket=one.pk), stream=one.stream, by=make.BY)
    assert [stream.next()[1]["id"] for _ in range(2)] == [other.pk, ticket.pk]
    assert stream.silent()
    stream.close()


def test_a_slow_listener_is_told_to_start_anew() -> None:
    listener = feed.Listener(Viewer(1, frozenset({1})), "key", None)
    for number in range(feed.MOST_WAITING + 1):
        listener.offer(feed.Note("ticket", {}, number))
    assert listener.waiting.get_nowait() == feed.OVERFLOWN
    assert listener.waiting.empty()


def test_one_burst_costs_two_queries(django_assert_num_queries: object) -> None:
    from zabota.events.live import Heard

    tickets = [ticket_in() for _ in range(3)]
    events = [touch(ticket) for ticket in tickets]
    heard = [Heard("event", event.pk, event.stream) for event in events]
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert len(feed.read_changes(heard)) == 3
