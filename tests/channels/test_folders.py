"""What a pass over a real IMAP folder takes: everything new, nothing twice, the past in silence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings

from tests import make
from tests.drain import drain
from tests.mailserver import ImapServer, SmtpServer
from zabota.channels import importing
from zabota.channels.consumers import keep_copy
from zabota.channels.contract import Fetched, Mailbox, PermanentError, TemporaryError
from zabota.channels.folders import mailbox_of, start_from_now, take_new
from zabota.channels.kinds.mail.mime import parse
from zabota.channels.models import Folder, ImportRun, Inbox, Outgoing, RawMessage
from zabota.events.models import Event
from zabota.lib import clock
from zabota.staff.invitations import invite
from zabota.tickets.actions import reply
from zabota.tickets.models import Attachment, AttachmentState, Message, Ticket

pytestmark = pytest.mark.django_db


def letters(server: ImapServer, *texts: str, days_ago: float = 0) -> None:
    for text in texts:
        server.append(make.mail(text), moment=clock.now() - timedelta(days=days_ago))


def test_a_new_inbox_starts_from_now_on(server: ImapServer, inbox: Inbox, mailbox: Mailbox) -> None:
    letters(server, "вчера", days_ago=1)
    letters(server, "только что")
    start_from_now(inbox, mailbox)
    letters(server, "новое")
    assert take_new(inbox, mailbox, "INBOX") == 1
    drain()
    assert Ticket.objects.get().snippet == "новое"


def test_a_mailbox_seen_for_the_first_time_gives_only_what_came_after_it_was_added(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox
) -> None:
    letters(server, "раньше", days_ago=2)
    letters(server, "позже")
    inbox.starts_at = clock.now() - timedelta(hours=1)
    assert take_new(inbox, mailbox, "INBOX") == 1
    assert take_new(inbox, mailbox, "INBOX") == 0


def test_a_second_pass_takes_nothing_and_touches_no_flag(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox
) -> None:
    start_from_now(inbox, mailbox)
    letters(server, "раз", "два")
    assert take_new(inbox, mailbox, "INBOX") == 2
    assert take_new(inbox, mailbox, "INBOX") == 0
    assert all(r"\Seen" not in flags for flags, _ in server.messages())


def test_a_mail_read_in_another_program_is_taken_all_the_same(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox
) -> None:
    start_from_now(inbox, mailbox)
    server.append(make.mail("прочитано в телефоне"), flags=r"(\Seen)")
    assert take_new(inbox, mailbox, "INBOX") == 1


def test_an_overlooked_uid_is_found_by_listing_the_last_ones_again(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox
) -> None:
    start_from_now(inbox, mailbox)
    letters(server, "раз", "два", "три")
    take_new(inbox, mailbox, "INBOX")
    RawMessage.objects.order_by("id")[1].delete()
    assert take_new(inbox, mailbox, "INBOX") == 1


def test_renumbered_mailbox_brings_known_mail_once_and_new_mail_in_silence(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox
) -> None:
    start_from_now(inbox, mailbox)
    letters(server, "известное")
    take_new(inbox, mailbox, "INBOX")
    drain()
    told = Outgoing.objects.count()
    Folder.objects.update(uidvalidity=1)
    inbox.last_ok_at = clock.now() - timedelta(minutes=5)
    inbox.starts_at = clock.now() - timedelta(days=1)
    letters(server, "пришло во время перенумерации")
    take_new(inbox, mailbox, "INBOX")
    drain()
    assert Message.objects.filter(text="известное").count() == 1
    assert Ticket.objects.get(snippet="пришло во время перенумерации").arrived_late
    assert Outgoing.objects.count() == told
    letters(server, "обычное")
    take_new(inbox, mailbox, "INBOX")
    assert not RawMessage.objects.latest("id").is_silent


@pytest.mark.parametrize("killed", [False, True])
def test_what_a_renumbered_mailbox_cannot_give_at_first_is_silent_when_it_comes_later(
    server: ImapServer,
    inbox: Inbox,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
    killed: bool,
) -> None:
    """Also when the first pass does not come to its end."""
    letters(server, "и битое", "целое")
    mailbox.select("INBOX")
    broken = mailbox.last_uids(2)[0]
    Folder.objects.create(
        inbox=inbox, name="INBOX", mailbox=mailbox_of(inbox), uidvalidity=1, last_uid=9
    )
    inbox.starts_at = clock.now() - timedelta(days=1)
    whole = mailbox.fetch

    def fetch(uid: int, limit: int) -> Fetched | None:
        if uid == broken:
            raise KeyboardInterrupt if killed else TemporaryError("NO")
        return whole(uid, limit)

    monkeypatch.setattr(mailbox, "fetch", fetch)
    with pytest.raises(KeyboardInterrupt if killed else TemporaryError):
        take_new(inbox, mailbox, "INBOX")
    monkeypatch.undo()
    letters(server, "новое")
    assert take_new(inbox, mailbox, "INBOX") == (3 if killed else 2)
    drain()
    late = dict(Ticket.objects.values_list("snippet", "arrived_late"))
    assert late == {"и битое": True, "целое": True, "новое": False}
    told = Outgoing.objects.filter(ticket_message__ticket__arrived_late=True)
    assert (told.count(), Outgoing.objects.count()) == (0, 1)
    assert take_new(inbox, mailbox, "INBOX") == 0


def test_a_message_over_the_limit_leaves_its_head_and_a_word(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox, settings: object
) -> None:
    start_from_now(inbox, mailbox)
    settings.MAX_MESSAGE_MB = 1  # type: ignore[attr-defined]
    server.append(make.mail("x" * 70 + "\n" * 3 + ("y" * 70 + "\n") * 20_000, subject="Огромное"))
    letters(server, "маленькое")
    assert take_new(inbox, mailbox, "INBOX") == 2
    drain()
    big = Ticket.objects.get(subject="Огромное")
    named = Attachment.objects.get(message__ticket=big)
    assert (named.state, named.sha256) == (AttachmentState.TOO_LARGE, "")
    assert named.size > 1_000_000
    assert Ticket.objects.filter(snippet="маленькое").exists()


def test_the_past_is_imported_on_order_with_original_times_and_in_silence(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox
) -> None:
    letters(server, "давно", days_ago=100)
    letters(server, "месяц назад", "тоже месяц назад", days_ago=30)
    start_from_now(inbox, mailbox)
    since = (clock.now() - timedelta(days=40)).date()
    assert importing.count(inbox, "INBOX", since) == 2
    run = importing.order(inbox, "INBOX", since, by=make.administrator().actor)
    while importing.work_off(inbox, mailbox):
        pass
    drain()
    run.refresh_from_db()
    assert (run.done, run.total, run.finished_at is not None) == (2, 2, True)
    assert Ticket.objects.filter(arrived_late=True).count() == 2
    assert all((clock.now() - ticket.created_at).days >= 29 for ticket in Ticket.objects.all())
    assert not Outgoing.objects.exists()
    importing.order(inbox, "INBOX", since, by=make.BY)
    while importing.work_off(inbox, mailbox):
        pass
    drain()
    assert Ticket.objects.count() == 2


def test_an_import_of_a_renumbered_folder_says_so(inbox: Inbox, mailbox: Mailbox) -> None:
    since = clock.now().date()
    run = importing.order(inbox, "INBOX", since, by=make.BY)
    ImportRun.objects.update(uidvalidity=1)
    importing.work_off(inbox, mailbox)
    run.refresh_from_db()
    assert run.error
    assert run.finished_at


@pytest.mark.parametrize("wanted", [True, False])
def test_sent_copy_goes_to_the_server_when_wanted(
    server: ImapServer, inbox: Inbox, wanted: bool
) -> None:
    client = server.client()
    client.create("Sent")
    client.select("Sent")
    client.store("1:*", "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.logout()
    agent = make.agent()
    with SmtpServer() as smtp:
        inbox.config |= smtp.config() | {"sent_copy": wanted}
        inbox.save()
        ticket = make.ticket(to=inbox)
        reply(ticket, "Копия в «Отправленные»", agent=agent, by=agent.actor)
        drain()
        ours = Outgoing.objects.get(ticket_message__agent=agent).message_id.encode()
        copies = [flags for flags, raw in server.messages("Sent") if ours in raw]
        assert len(copies) == int(wanted)
        assert all(r"\Seen" in flags for flags in copies)
        copied = Event.objects.filter(kind="channels.copy_wanted").first()
        if copied is not None:
            keep_copy(copied, copied.fact)  # type: ignore[arg-type]
            again = [raw for _, raw in server.messages("Sent") if ours in raw]
            assert len(again) == 1


@override_settings(EMAIL_BACKEND="zabota.channels.systemmail.OutboxBackend")
def test_sign_in_links_are_neither_copied_nor_kept(server: ImapServer, inbox: Inbox) -> None:
    with SmtpServer() as smtp:
        inbox.config |= smtp.config() | {"sent_copy": True}
        inbox.save()
        link = invite(make.agent())
        drain()
        assert [link in parse(mail.raw).text for mail in smtp.taken] == [True]
    assert not Event.objects.filter(kind="channels.copy_wanted").exists()
    assert "/invitation/" not in str(Outgoing.objects.get(key__startswith="system:").envelope)


def test_another_mailbox_with_the_same_numbers_hides_no_mail(
    server: ImapServer, inbox: Inbox, mailbox: Mailbox
) -> None:
    """Some servers say UIDVALIDITY 1 for every mailbox."""
    letters(server, "в прежнем ящике")
    start_from_now(inbox, mailbox)
    letters(server, "тоже в прежнем")
    take_new(inbox, mailbox, "INBOX")
    newest = Folder.objects.get().last_uid
    RawMessage.objects.update(place=f"{mailbox_of(inbox)}:INBOX:{_validity()}:{newest + 1}")
    inbox.config["imap_user"] = "another@zabota.example"
    letters(server, "в новом ящике")
    Folder.objects.update(last_uid=newest + 1000, floor_uid=newest + 1000)
    assert take_new(inbox, mailbox, "INBOX") >= 1
    drain()
    assert Ticket.objects.filter(snippet="в новом ящике").exists()


def _validity() -> int:
    return Folder.objects.get().uidvalidity


def test_an_import_does_not_go_on_in_another_mailbox(inbox: Inbox, mailbox: Mailbox) -> None:
    run = importing.order(inbox, "INBOX", clock.now().date(), by=make.BY)
    inbox.config["imap_user"] = "another@zabota.example"
    importing.work_off(inbox, mailbox)
    run.refresh_from_db()
    assert run.error
    assert run.finished_at


def test_an_import_of_a_folder_that_is_gone_ends(inbox: Inbox, mailbox: Mailbox) -> None:
    run = importing.order(inbox, "INBOX", clock.now().date(), by=make.BY)
    ImportRun.objects.update(folder="Gone")
    importing.work_off(inbox, mailbox)
    run.refresh_from_db()
    assert run.error
    assert run.finished_at


@pytest.mark.parametrize("error", [PermanentError("BAD"), TemporaryError("NO")])
def test_a_message_the_server_cannot_give_holds_back_no_other(
    server: ImapServer,
    inbox: Inbox,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    start_from_now(inbox, mailbox)
    run = importing.order(inbox, "INBOX", clock.now().date() - timedelta(days=3), by=make.BY)
    letters(server, "битое", "целое")
    whole, first = mailbox.fetch, mailbox.last_uids(2)[0]

    def fetch(uid: int, limit: int) -> Fetched | None:
        if uid == first:
            raise error
        return whole(uid, limit)

    monkeypatch.setattr(mailbox, "fetch", fetch)
    with pytest.raises(TemporaryError):
        take_new(inbox, mailbox, "INBOX")
    assert RawMessage.objects.count() == 1
    importing.work_off(inbox, mailbox)
    run.refresh_from_db()
    assert (run.done, run.finished_at is not None, str(first) in run.error) == (2, True, True)
    monkeypatch.undo()
    assert take_new(inbox, mailbox, "INBOX") == 1
