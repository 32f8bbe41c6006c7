"""Sending limits of inboxes and of recipients' domains, with the clock moved."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.drain import drain, run_timers
from tests.mailserver import SmtpServer
from zabota.channels import outbox, pace
from zabota.channels.contract import Address, Envelope
from zabota.channels.models import Inbox, Outgoing, OutgoingState
from zabota.lib import clock
from zabota.tickets.actions import reply

pytestmark = pytest.mark.django_db

START = datetime.fromisoformat("2026-11-23T10:00:00+00:00")


@pytest.fixture(autouse=True)
def nothing_sent() -> Iterator[None]:
    pace.forget()
    yield
    pace.forget()


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


def box_with(smtp: SmtpServer, address: str = "help@zabota.example", **limits: Any) -> Inbox:
    return make.inbox(address=address, config=smtp.config() | limits)


def letter(box: Inbox, to: str) -> Outgoing:
    envelope = Envelope(
        message_id=outbox.new_message_id(box.address, to),
        mail_from=box.address,
        sender=Address(box.address),
        to=(Address(to),),
        cc=(),
        subject=to,
        text="Здравствуйте!",
        html="",
    )
    return outbox.enqueue(envelope, key=f"test:{envelope.message_id}", inbox=box, by=make.BY)


def letters(box: Inbox, count: int, domain: str = "client.example") -> list[str]:
    """Put letters into the outbox and let the worker see to them; their recipients in order."""
    names = [f"n{number}@{domain}" for number in range(count)]
    for name in names:
        letter(box, name)
    drain()
    return names


def sent(smtp: SmtpServer) -> list[str]:
    return [mail.recipients[0] for mail in smtp.taken]


def at(seconds: float) -> Any:
    return clock.at(START + timedelta(seconds=seconds))


def test_what_is_over_the_limit_of_a_minute_leaves_later_and_in_order(smtp: SmtpServer) -> None:
    box = box_with(smtp, per_minute=3)
    with at(0):
        names = letters(box, 8)
    assert sent(smtp) == names[:3]
    rows = list(Outgoing.objects.order_by("id"))
    assert [row.state for row in rows] == ["sent"] * 3 + ["paced"] * 5
    assert all(row.attempts == 0 for row in rows[3:]), "waiting is no try"
    turns = [row.next_try.timestamp() for row in rows[3:] if row.next_try]
    assert turns == sorted(set(turns)), "no two have the same turn"
    for seconds, count in ((59, 3), (61, 6), (119, 6), (121, 8)):
        with at(seconds):
            run_timers()
        assert sent(smtp) == names[:count], seconds


def test_a_later_letter_does_not_overtake(smtp: SmtpServer) -> None:
    box = box_with(smtp, per_minute=2)
    with at(0):
        letters(box, 3)
    with at(30):
        letter(box, "late@other.example")
        drain()
    assert len(smtp.taken) == 2
    for seconds in (61, 121):
        with at(seconds):
            run_timers()
    assert sent(smtp)[2:] == ["n2@client.example", "late@other.example"]


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [({"per_hour": 2}, 3600), ({"per_day": 2}, 86400), ({"per_minute": 2, "per_hour": 2}, 3600)],
)
def test_the_longer_windows(smtp: SmtpServer, limits: dict[str, Any], seconds: int) -> None:
    box = box_with(smtp, **limits)
    with at(0):
        letters(box, 3)
    with at(seconds - 1):
        run_timers()
    assert len(smtp.taken) == 2
    with at(seconds + 1):
        run_timers()
    assert len(smtp.taken) == 3


def test_no_window_holds_more_than_its_limit(smtp: SmtpServer) -> None:
    """Letters come in bursts, also while others wait: every minute holds five at most."""
    box = box_with(smtp, per_minute=5)
    moments: list[float] = []
    for seconds in range(0, 600, 7):
        before = len(smtp.taken)
        with at(seconds):
            run_timers()
            if seconds in {0, 14, 49, 63, 210}:
                letters(box, 4, f"d{seconds}.example")
        moments += [seconds] * (len(smtp.taken) - before)
    assert len(moments) == 20
    assert max(sum(start <= m < start + 60 for m in moments) for start in range(600)) <= 5
    assert moments[-1] < 300, "and none waits longer than needed"


def test_after_a_standstill_of_the_worker_the_limit_still_holds(smtp: SmtpServer) -> None:
    box = box_with(smtp, per_minute=3)
    with at(0):
        names = letters(box, 10)
    with at(7200):
        run_timers()
    assert sent(smtp) == names[:6]
    for seconds in (7261, 7322):
        with at(seconds):
            run_timers()
    assert sent(smtp) == names


def test_other_inboxes_do_not_wait(smtp: SmtpServer) -> None:
    slow, quick = box_with(smtp, per_minute=1), box_with(smtp, "other@zabota.example")
    with at(0):
        letters(slow, 3)
        assert len(smtp.taken) == 1
        letters(quick, 4, "quick.example")
    assert len(smtp.taken) == 5


def test_one_domain_waits_and_others_do_not(smtp: SmtpServer, settings: Any) -> None:
    settings.DOMAIN_LIMITS = {"slow.example": 2}
    box = box_with(smtp, per_minute=100)
    with at(0):
        names = letters(box, 5, "slow.example")
        assert sent(smtp) == names[:2]
        others = letters(box, 6, "other.example")
    assert sent(smtp) == names[:2] + others
    with at(61):
        run_timers()
    assert sent(smtp)[8:] == names[2:4]
    with at(122):
        run_timers()
    assert sent(smtp)[10:] == names[4:]


def test_the_default_for_a_domain_counts_what_was_sent_without_asking(
    smtp: SmtpServer, settings: Any
) -> None:
    settings.DOMAIN_PER_MINUTE = 20
    box = box_with(smtp)
    with at(0):
        letters(box, 25)
    assert len(smtp.taken) == 20
    with at(61):
        run_timers()
    assert len(smtp.taken) == 25
    settings.DOMAIN_PER_MINUTE = 0
    with at(62):
        letters(box, 40, "free.example")
    assert len(smtp.taken) == 65


def test_without_limits_no_statement_is_added(smtp: SmtpServer) -> None:
    box = box_with(smtp)
    row = letter(box, "n@client.example")
    with CaptureQueriesContext(connection) as queries:
        assert pace.wait_until(row, box) is None
    assert len(queries) == 0
    drain()
    row.refresh_from_db()
    assert (row.inbox_slot, row.domain_slot) == (None, None)


def test_a_changed_limit_lets_those_who_wait_ask_again(smtp: SmtpServer) -> None:
    box = box_with(smtp, per_day=1)
    with at(0):
        names = letters(box, 4)
    with at(60):
        box.config = box.config | {"per_day": 3}
        box.save()
        outbox.release(box.pk, by=make.BY)
        drain()
        assert sent(smtp) == names[:3]
        box.config = box.config | {"per_day": None}
        box.save()
        outbox.release(box.pk, by=make.BY)
        drain()
    assert sent(smtp) == names


def test_a_refused_letter_takes_another_place_for_its_next_try(smtp: SmtpServer) -> None:
    box = box_with(smtp, per_minute=1)
    smtp.data = lambda _: "451 later"
    with at(0):
        letters(box, 2)
    smtp.data = lambda _: ""
    first, second = Outgoing.objects.order_by("id")
    assert (first.state, second.state) == (OutgoingState.DELAYED, OutgoingState.PACED)
    for seconds in (61, 125, 190):
        with at(seconds):
            run_timers()
    assert sorted(sent(smtp)) == ["n0@client.example", "n1@client.example"]


def test_the_ticket_and_the_inbox_say_until_when(smtp: SmtpServer) -> None:
    box = box_with(smtp, per_hour=1)
    agent = make.agent(language="en", time_zone="UTC")
    with at(0):
        ticket = make.ticket(to=box)
        drain()
        assert len(smtp.taken) == 1, "the acknowledgement"
        reply(ticket, "Проверьте папку.", agent=agent, by=agent.actor)
        drain()
    with at(10):
        page = make.browser(agent).get(f"/t/{ticket.pk}/").content.decode()
        assert "Waiting because of the sending limit until 11:00" in page
        admin = make.browser(make.administrator(language="en", time_zone="UTC"))
        shown = admin.get(f"/settings/inboxes/{box.pk}/").content.decode()
        assert "1 mail waits because of the sending limit; the first leaves at 11:00." in shown
        assert "sending limit" not in admin.get("/undelivered/").content.decode(), (
            "nothing is wrong"
        )


def test_limits_are_set_on_the_page_of_the_inbox(smtp: SmtpServer) -> None:
    from tests.desk.test_settings_inboxes import saved
    from tests.mailserver import ImapServer

    with ImapServer() as imap:
        box = saved(imap, smtp)
        with at(0):
            letters(box, 2)
        admin = make.browser(make.administrator(language="en"))
        data = {
            "name": "Support", "address": box.address, "queue": box.queue_id, "language": "en",
            "time_zone": "Europe/Moscow", "password": "demopass", "is_active": "on",
        } | imap.config() | smtp.config()  # fmt: skip
        address = f"/settings/inboxes/{box.pk}/"
        assert admin.post(address, data | {"per_hour": "0"}).status_code == 422
        assert admin.post(address, data | {"per_hour": "120", "per_day": ""}).status_code == 302
        box.refresh_from_db()
        assert pace.limits_of(box) == [(120, 3600)]
        assert "mails an hour" in admin.get(address).content.decode()


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_keep_the_limit(smtp: SmtpServer) -> None:
    box = box_with(smtp, per_hour=2)
    with transaction.atomic():
        rows = [letter(box, f"n{number}@client.example") for number in range(8)]
    start, told = threading.Barrier(8), []

    def ask(row: Outgoing) -> None:
        start.wait()
        told.append(pace.wait_until(row, box))
        connection.close()

    threads = [threading.Thread(target=ask, args=[row]) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert told.count(None) == 2
    assert len(set(told)) == 7
