from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.mailserver import FakeInbox, ImapServer, free_port
from zabota.channels.contract import Address, Envelope, Mailbox, PermanentError, TemporaryError
from zabota.channels.kinds.mail import KIND
from zabota.channels.kinds.mail.fetch import ImapMailbox
from zabota.channels.kinds.mail.mime import parse


def mail(number: int, size: int = 0) -> bytes:
    head = f"From: olga@client.example\r\nSubject: {number}\r\nMessage-ID: <{number}@c>\r\n\r\n"
    return head.encode() + b"body\r\n" + b"x" * size


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer() as running:
        yield running


@pytest.fixture
def box(server: ImapServer) -> Iterator[ImapMailbox]:
    mailbox = ImapMailbox(FakeInbox(config=server.config()))
    yield mailbox
    mailbox.close()


def test_new_mail_after_a_cursor(server: ImapServer, box: ImapMailbox) -> None:
    state = box.select("INBOX")
    assert state.uidvalidity > 0
    assert box.uids_after(0) == []
    assert box.last_uids(200) == []
    for number in range(5):
        server.append(mail(number))
    after = box.select("INBOX")
    assert after.uidvalidity == state.uidvalidity
    uids = box.uids_after(0)
    assert uids == list(range(state.uidnext, state.uidnext + 5))
    assert box.uids_after(uids[2]) == uids[3:]
    assert box.uids_after(uids[-1]) == []
    assert box.last_uids(2) == uids[-2:]
    assert box.last_uids(200) == uids


def test_mail_that_comes_while_the_folder_is_open_is_seen(
    server: ImapServer, box: ImapMailbox
) -> None:
    box.select("INBOX")
    server.append(mail(1))
    assert len(box.last_uids(200)) == 1
    assert len(box.uids_after(0)) == 1


def test_fetch_leaves_no_trace(server: ImapServer, box: ImapMailbox) -> None:
    moment = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    server.append(mail(1), moment=moment)
    box.select("INBOX")
    (uid,) = box.uids_after(0)
    found = box.fetch(uid, 1_000_000)
    assert found is not None
    assert found.raw == mail(1)
    assert found.arrived_at == moment
    assert found.size == len(mail(1))
    assert not found.is_cut
    assert box.arrivals([uid]) == {uid: moment}
    assert "Seen" not in server.messages()[0][0]


def test_too_large_mail_comes_with_its_head_only(server: ImapServer, box: ImapMailbox) -> None:
    server.append(mail(1, size=3_000_000))
    server.append(mail(2))
    box.select("INBOX")
    large, small = box.uids_after(0)
    found = box.fetch(large, 1_000_000)
    assert found is not None
    assert found.is_cut
    assert found.size == len(mail(1, size=3_000_000))
    assert len(found.raw) <= 256 * 1024
    assert parse(found.raw).subject == "1"
    after = box.fetch(small, 1_000_000)
    assert after is not None
    assert after.raw == mail(2)


def test_gone_mail_is_none(server: ImapServer, box: ImapMailbox) -> None:
    server.append(mail(1))
    box.select("INBOX")
    assert box.fetch(99_999, 1000) is None
    assert box.arrivals([]) == {}


def test_a_mail_of_the_future_arrived_now(server: ImapServer, box: ImapMailbox) -> None:
    server.append(mail(1), moment=datetime.now(UTC) + timedelta(days=9000))
    box.select("INBOX")
    (uid,) = box.uids_after(0)
    found = box.fetch(uid, 100_000)
    assert found is not None
    assert found.arrived_at <= datetime.now(UTC)
    assert box.arrivals([uid])[uid] <= datetime.now(UTC)


def test_since_a_day(server: ImapServer, box: ImapMailbox) -> None:
    today = datetime.now(UTC).replace(hour=12)
    for days in (40, 10, 2):
        server.append(mail(days), moment=today - timedelta(days=days))
    box.select("INBOX")
    assert len(box.uids_since((today - timedelta(days=60)).date())) == 3
    assert box.uids_since((today - timedelta(days=10)).date()) == box.uids_after(0)[1:]
    assert not box.uids_since(today.date())


def test_a_mail_between_listing_and_idle_is_heard_at_once(
    server: ImapServer, box: ImapMailbox
) -> None:
    server.append(mail(1))
    box.select("INBOX")
    (uid,) = box.last_uids(200)
    server.append(mail(2))
    assert box.fetch(uid, 10**6) is not None, "the server tells of the second mail here"
    began = time.monotonic()
    assert box.idle(10) is True
    assert len(box.last_uids(200)) == 2
    assert box.idle(0.2) is False, "the same news is not told twice"
    server.append(mail(3))
    assert box.idle(10) is True, "told at the start of IDLE, or within it"
    assert time.monotonic() - began < 5


def test_idle_hears_a_new_mail(server: ImapServer, box: ImapMailbox) -> None:
    box.select("INBOX")
    assert box.idle(0.3) is False
    timer = threading.Timer(0.5, server.append, [mail(1)])
    timer.start()
    start = time.monotonic()
    assert box.idle(10) is True
    assert time.monotonic() - start < 5
    timer.join()
    assert len(box.uids_after(0)) == 1


def test_folders_with_russian_names(server: ImapServer, box: ImapMailbox) -> None:
    server.create("&BB8EPgRHBEIEMA-")
    server.append(mail(1), folder="&BB8EPgRHBEIEMA-")
    assert {"INBOX", "Почта"} <= set(box.folders())
    box.select("Почта")
    assert len(box.uids_after(0)) == 1
    with pytest.raises(PermanentError):
        box.select("Нет такой")
    assert not box.is_lost


ENVELOPE = Envelope(
    message_id="m1@company.example",
    mail_from="help@company.example",
    sender=Address("help@company.example", "Забота"),
    to=(Address("olga@client.example"),),
    cc=(),
    subject="Ответ",
    text="Готово",
    html="",
    date=datetime(2026, 11, 22, 7, tzinfo=UTC),
)


def test_copy_of_a_sent_mail(server: ImapServer) -> None:
    server.create("&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-")
    inbox = FakeInbox(config=server.config())
    KIND.keep_copy(inbox, ENVELOPE)
    mailbox = ImapMailbox(inbox)
    folder = mailbox.sent_folder()
    mailbox.close()
    name = "Sent" if folder == "Sent" else "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"
    ((flags, raw),) = server.messages(name)
    assert "\\Seen" in flags
    assert parse(raw).message_id == "m1@company.example"


def test_wrong_password_is_permanent(server: ImapServer) -> None:
    with pytest.raises(PermanentError, match="name or password"):
        KIND.open(FakeInbox(config=server.config(), password="wrong"))


def test_nobody_listens_is_temporary() -> None:
    config: dict[str, str | int | bool] = {"imap_host": "127.0.0.1", "imap_port": free_port()}
    with pytest.raises(TemporaryError, match="No connection"):
        KIND.open(FakeInbox(config=config))
    with pytest.raises(PermanentError, match="No IMAP server"):
        KIND.open(FakeInbox())


def test_server_that_dies_is_temporary_and_uidvalidity_changes() -> None:
    server = ImapServer().start()
    try:
        mailbox: Mailbox = KIND.open(FakeInbox(config=server.config()))
        before = mailbox.select("INBOX")
        server.stop()
        with pytest.raises(TemporaryError):
            mailbox.uids_after(0)
        assert mailbox.is_lost
        mailbox.close()
        time.sleep(1.1)
        server.start()
        again = KIND.open(FakeInbox(config=server.config()))
        assert again.select("INBOX").uidvalidity != before.uidvalidity
        again.close()
    finally:
        server.stop()
