"""The daily balance: what lies on the server, what is kept, what became of it, and who hears."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F

from tests import make
from tests.drain import drain
from tests.mailserver import ImapServer
from zabota.channels import balance as server_side
from zabota.channels.contract import Mailbox, PermanentError, Robot
from zabota.channels.folders import start_from_now, take_new
from zabota.channels.models import Folder, Inbox, Outgoing, RawMessage, RawState, ServerCount
from zabota.channels.outbox import load
from zabota.events.models import Event
from zabota.lib import clock
from zabota.ops import doctor
from zabota.tickets import balance, quarantine
from zabota.tickets.models import Message

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=3)  # by then no pass is under way


def letters(server: ImapServer, *texts: str) -> None:
    for text in texts:
        server.append(make.mail(text), moment=clock.now())


def count(inbox: Inbox, mailbox: Mailbox) -> int:
    with clock.at(clock.now() + LATER):
        return server_side.count(inbox, mailbox)


def overlook(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a server that shows a UID only after higher ones, and far below them."""
    Folder.objects.update(last_uid=F("last_uid") + 1000)
    monkeypatch.setattr(mailbox, "last_uids", lambda count: [])


def today(inbox: Inbox) -> balance.Day:
    return balance.days_of([inbox])[0]


def test_a_mail_that_every_pass_overlooked_is_found_by_its_date(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_from_now(inbox, mailbox)
    letters(server, "раз")
    take_new(inbox, mailbox, "INBOX")
    overlook(mailbox, monkeypatch)
    letters(server, "два", "три")
    assert take_new(inbox, mailbox, "INBOX") == 0
    assert count(inbox, mailbox) == 0
    drain()
    assert set(Message.objects.filter(direction="in").values_list("text", flat=True)) == {
        "раз", "два", "три",
    }  # fmt: skip
    day = today(inbox)
    assert (day.on_server, day.stored, day.tickets, day.missing) == (3, 3, 3, 0)
    assert day.is_even


def test_what_cannot_be_fetched_is_missing_and_somebody_hears_of_it_once(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    chief = make.administrator()
    start_from_now(inbox, mailbox)
    letters(server, "раз")
    take_new(inbox, mailbox, "INBOX")
    overlook(mailbox, monkeypatch)
    letters(server, "два")

    def refuse(uid: int, limit: int) -> Any:
        raise PermanentError("NO cannot be read")

    monkeypatch.setattr(mailbox, "fetch", refuse)
    assert count(inbox, mailbox) == 1
    assert not today(inbox).is_even
    drain()
    for _hour in range(2):
        balance.tell()
        drain()
    assert Event.objects.filter(kind="channels.balance_broken").count() == 1
    rows = Outgoing.objects.filter(key__startswith="balance:")
    assert [load(row.envelope).to[0].email for row in rows] == [chief.email]
    said = [finding.text for finding in doctor.balance() if not finding.is_good]
    assert len(said) == 1
    assert inbox.name in said[0]


def test_a_refused_folder_leaves_the_days_as_they_were_counted(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_from_now(inbox, mailbox)
    letters(server, "раз")
    take_new(inbox, mailbox, "INBOX")
    assert count(inbox, mailbox) == 0
    select = mailbox.select

    def refuse(name: str) -> Any:
        raise PermanentError("NO such folder")

    monkeypatch.setattr(mailbox, "select", refuse)
    assert count(inbox, mailbox) == 0
    assert today(inbox).on_server == 1
    ServerCount.objects.all().delete()
    assert count(inbox, mailbox) == 0
    assert not ServerCount.objects.exists(), "nothing was counted, which is not nought"
    monkeypatch.setattr(mailbox, "select", select)
    assert count(inbox, mailbox) == 0
    assert today(inbox).on_server == 1


def test_each_kept_mail_is_in_exactly_one_place(inbox: Inbox) -> None:
    ticket = make.ticket(to=inbox)
    make.incoming("Ответ", joins=ticket, to=inbox)
    make.incoming("Отчёт", who=make.MARIA, to=inbox, robot=Robot.AUTO_GENERATED)
    with transaction.atomic():
        quarantine.put(make.stored(inbox), "No sender", make.BY)
    waiting = make.received(inbox, make.mail("Ждёт", who=make.JOHN))
    double = make.received(inbox, make.mail("Двойник"))
    RawMessage.objects.filter(pk=double.pk).update(state=RawState.DOUBLE)
    day = today(inbox)
    parts = (day.tickets, day.appended, day.robots, day.quarantined, day.doubles, day.waiting)
    assert parts == (1, 1, 1, 1, 1, 1)
    assert sum(parts) == day.stored
    assert day.is_even
    RawMessage.objects.filter(pk=waiting.pk).update(received_at=clock.now() - timedelta(minutes=16))
    assert today(inbox).late == 1
    RawMessage.objects.filter(pk=waiting.pk).update(state=RawState.DONE)
    day = today(inbox)
    assert (day.lost, day.late, day.is_even) == (1, 0, False)


def test_mail_from_before_the_inbox_is_not_counted(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox
) -> None:
    letters(server, "прежнее")
    start_from_now(inbox, mailbox)
    letters(server, "новое")
    take_new(inbox, mailbox, "INBOX")
    assert count(inbox, mailbox) == 0
    assert ServerCount.objects.get(day=clock.now().date()).on_server == 1
    assert RawMessage.objects.count() == 1


def test_a_renumbered_folder_waits_for_its_pass(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox
) -> None:
    start_from_now(inbox, mailbox)
    letters(server, "раз")
    take_new(inbox, mailbox, "INBOX")
    Folder.objects.update(uidvalidity=1)
    assert count(inbox, mailbox) == 0
    assert RawMessage.objects.count() == 1


def test_the_page_of_an_inbox_shows_its_days(inbox: Inbox) -> None:
    make.incoming("Вопрос", to=inbox)
    desk = make.browser(make.administrator(language="en"))
    page = desk.get(f"/settings/inboxes/{inbox.pk}/").content.decode()
    assert "Mail of the last days" in page
    assert "in order" in page
    raw = RawMessage.objects.get()
    RawMessage.objects.filter(pk=raw.pk).update(
        state=RawState.WAITING, received_at=clock.now() - timedelta(minutes=20)
    )
    page = desk.get(f"/settings/inboxes/{inbox.pk}/").content.decode()
    assert "0 not fetched, 1 late, 0 lost" in page
    assert "the oldest message waits for 20 min" in page
