"""Raw bytes in, one ticket out; nothing twice, nothing lost, nobody answered who should not be."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import override_settings

from tests import make
from tests.drain import drain
from zabota.channels import blobs
from zabota.channels.events import RawReceived
from zabota.channels.kinds.mail import mime
from zabota.channels.models import Outgoing, RawState
from zabota.customers.actions import confirm_domain
from zabota.customers.models import Contact
from zabota.events import undelivered
from zabota.events.models import Event
from zabota.lib import clock
from zabota.tickets import intake, links
from zabota.tickets.actions import discard, make_ticket, reply, retry_parse
from zabota.tickets.intake import take_in
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import Direction, Message, Purpose, Ticket

pytestmark = pytest.mark.django_db


def acknowledged() -> int:
    return Message.objects.filter(purpose=Purpose.ACKNOWLEDGEMENT).count()


def test_a_mail_becomes_one_ticket_in_the_inboxs_queue_and_is_acknowledged() -> None:
    box = make.inbox(make.billing())
    raw = make.received(box, make.mail("Где счёт?", subject="Счёт за ноябрь"))
    drain()
    ticket = Ticket.objects.get()
    raw.refresh_from_db()
    assert raw.state == RawState.DONE
    assert (ticket.queue, ticket.subject, ticket.snippet) == (
        box.queue,
        "Счёт за ноябрь",
        "Где счёт?",
    )
    assert acknowledged() == 1
    assert Outgoing.objects.count() == 1


def test_intake_may_run_again() -> None:
    make.received(make.inbox(), make.mail())
    event = Event.objects.get(kind=RawReceived.kind)
    for _ in range(3):
        take_in(event, event.fact)  # type: ignore[arg-type]
    assert Message.objects.count() == 1


def test_the_same_mail_in_two_inboxes_is_one_message() -> None:
    first, second = make.inbox(), make.inbox(make.billing())
    raw = make.mail(to=f"{first.address}, {second.address}")
    make.received(first, b"Received: from a by b; Sun, 22 Nov 2026 10:00:00 +0300\r\n" + raw)
    double = make.received(
        second, b"Received: from c by d; Sun, 22 Nov 2026 10:00:09 +0300\r\n" + raw
    )
    with clock.at(clock.now().replace(year=2026, month=11, day=22, hour=8)):
        drain()
    double.refresh_from_db()
    assert Message.objects.filter(direction=Direction.IN).count() == 1
    assert double.state == RawState.DOUBLE
    assert Event.objects.filter(kind="tickets.also_arrived").count() == 1


def test_the_same_message_id_with_other_words_is_another_message() -> None:
    box = make.inbox()
    make.received(box, make.mail("Раз", Message_ID="<same@x>"))
    make.received(box, make.mail("Два", Message_ID="<same@x>"))
    drain()
    assert Message.objects.filter(direction=Direction.IN).count() == 2


def test_a_mail_from_our_own_address_is_kept_and_never_answered() -> None:
    box = make.inbox()
    make.received(box, make.mail("Сам себе", who=(box.address, "Поддержка")))
    drain()
    assert Ticket.objects.count() == 1
    assert not Outgoing.objects.exists()


def test_our_own_letter_that_comes_back_makes_no_ticket() -> None:
    ticket = make.ticket()
    agent = make.agent()
    reply(ticket, "Ответ", agent=agent, by=agent.actor)
    drain()
    ours = Outgoing.objects.get(ticket_message__agent=agent)
    assert ticket.inbox is not None
    raw = make.received(
        ticket.inbox,
        make.mail("Ответ", who=(ticket.inbox.address, "Вера"), Message_ID=f"<{ours.message_id}>"),
    )
    drain()
    raw.refresh_from_db()
    assert raw.state == RawState.DOUBLE
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Auto_Submitted", "auto-replied"),
        ("Auto_Submitted", "auto-generated"),
        ("Precedence", "bulk"),
        ("List_Id", "<news.example.org>"),
        ("X_Auto_Response_Suppress", "All"),
        ("Return_Path", "<>"),
    ],
)
def test_a_robot_is_kept_and_never_answered(name: str, value: str) -> None:
    headers: dict[str, Any] = {name: value}
    make.received(make.inbox(), make.mail(**headers))
    drain()
    assert Ticket.objects.get().is_robot
    assert not Outgoing.objects.exists()


def test_two_robots_without_any_sign_stop_each_other() -> None:
    """Each answer of ours is answered at once by a machine that hides what it is."""
    box = make.inbox()
    for number in range(30):
        make.received(box, make.mail(f"Ваше письмо {number} получено", subject=f"Авто {number}"))
        drain()
    assert acknowledged() <= 3
    assert Message.objects.filter(direction=Direction.IN).count() == 30


@pytest.mark.parametrize("age", [25, 24 * 300])
def test_old_mail_is_marked_late_and_nobody_is_told(age: int) -> None:
    arrived = clock.now() - timedelta(hours=age)
    make.received(make.inbox(), make.mail(), arrived_at=arrived)
    drain()
    ticket = Ticket.objects.get()
    assert ticket.arrived_late
    assert ticket.created_at == arrived
    assert not Outgoing.objects.exists()


def test_imported_mail_is_silent() -> None:
    make.received(make.inbox(), make.mail(), silent_reason="import")
    drain()
    assert Ticket.objects.get().arrived_late
    assert not Outgoing.objects.exists()


def test_a_wrong_clock_of_the_client_does_not_silence_him() -> None:
    make.received(make.inbox(), make.mail(Date="Mon, 01 Jan 2001 10:00:00 +0300"))
    drain()
    assert not Ticket.objects.get().arrived_late
    assert acknowledged() == 1


def test_a_form_with_reply_to_belongs_to_the_person() -> None:
    box = make.inbox()
    raw = make.mail(who=(box.address, "Форма сайта"), Reply_To="Пётр <p.lebedev@romashka.example>")
    make.received(box, raw)
    drain()
    contact = Ticket.objects.get().contact
    assert contact is not None
    assert contact.address == "p.lebedev@romashka.example"


def test_an_agents_answer_to_a_notification_is_a_note() -> None:
    agent = make.agent()
    ticket = make.ticket(owner=agent)
    assert ticket.inbox is not None
    to = links.note_address(ticket.inbox.address, ticket.pk)
    make.received(ticket.inbox, make.mail("Звонил ему", who=(agent.email, "Вера"), to=to))
    drain()
    note = ticket.messages.get(direction=Direction.NOTE)
    assert (note.text, note.agent) == ("Звонил ему", agent)
    assert Ticket.objects.count() == 1


def test_files_of_an_agents_note_by_mail_are_kept() -> None:
    ticket, agent = make.ticket(), make.agent()
    letter = EmailMessage()
    letter["From"], letter["To"] = agent.email, links.note_address("s@zabota.example", ticket.pk)
    letter["Subject"], letter["Message-ID"] = "Re: #1", "<note-with-file@zabota.example>"
    letter.set_content("Снимок экрана")
    letter.add_attachment(b"a log", maintype="text", subtype="plain", filename="log.txt")
    make.received(make.inbox(), letter.as_bytes())
    drain()
    note = Message.objects.get(direction=Direction.NOTE)
    assert [file.name for file in note.attachments.all()] == ["log.txt"]


def test_an_agent_of_another_queue_cannot_note_by_mail() -> None:
    stranger = make.agent("Sara Lindqvist", make.billing())
    ticket = make.ticket()
    assert ticket.inbox is not None
    to = links.note_address(ticket.inbox.address, ticket.pk)
    make.received(ticket.inbox, make.mail("Hi", who=(stranger.email, "Sara"), to=to))
    drain()
    assert not ticket.messages.filter(direction=Direction.NOTE).exists()


def test_another_mail_of_an_agent_is_a_ticket_with_him_as_contact() -> None:
    agent = make.agent()
    make.received(make.inbox(), make.mail("Не работает принтер", who=(agent.email, "Вера")))
    drain()
    contact = Ticket.objects.get().contact
    assert contact is not None
    assert contact.address == agent.email


def test_domain_confirmed_joins_contacts_and_later_ones() -> None:
    make.ticket()
    company = make.account()
    assert confirm_domain(company, "romashka.example", by=make.agent().actor) == 1
    make.ticket(who=make.MARIA, subject="Второе")
    assert Contact.objects.filter(account=company).count() == 2


class TestQuarantine:
    def test_no_sender_is_kept_with_its_original_and_the_next_mail_is_taken(self) -> None:
        box = make.inbox()
        make.received(box, b"Subject: ?\r\n\r\nno sender\r\n")
        make.received(box, make.mail("Хорошее письмо"))
        drain()
        bad = Ticket.objects.get(quarantined__isnull=False)
        assert bad.queue.is_quarantine
        original = bad.messages.get().attachments.get()
        assert blobs.get(original.sha256).startswith(b"Subject: ?")
        assert Ticket.objects.filter(snippet="Хорошее письмо").exists()
        assert acknowledged() == 1

    def test_retry_that_still_fails_says_why(self) -> None:
        ticket = make.quarantined()
        with pytest.raises(NotPossible):
            retry_parse(ticket, by=make.BY)
        ticket.refresh_from_db()
        assert ticket.is_working

    def test_retry_after_the_fault_was_mended(self) -> None:
        ticket = make.quarantined(content=make.mail("Теперь читается"))
        message = retry_parse(ticket, by=make.BY)
        ticket.refresh_from_db()
        assert message is not None
        assert message.text == "Теперь читается"
        assert message.ticket_id != ticket.pk
        assert ticket.close_reason == "quarantine"

    @pytest.mark.parametrize("where", ["mime.parse", "append"])
    def test_a_mail_we_stumble_over_lies_before_people_and_blocks_nothing(
        self, where: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        box = make.inbox()
        target = {"mime.parse": mime, "append": intake}[where]
        name = where.rpartition(".")[2]
        whole = getattr(target, name)

        def stumble(*args: Any, **options: Any) -> Any:
            if any("Ядовитое" in str(part) or b"Poison" in repr(part).encode() for part in args):
                raise RecursionError("Ядовитое слово клиента")
            return whole(*args, **options)

        monkeypatch.setattr(target, name, stumble)
        raw = make.received(box, make.mail("Ядовитое", X_Mailer="Poison"))
        make.received(box, make.mail("Хорошее", who=make.MARIA))
        drain()
        ticket = Ticket.objects.get(quarantined=raw)
        assert ticket.messages.get().attachments.get().sha256 == raw.sha256
        assert "RecursionError" in ticket.subject
        assert "клиента" not in ticket.subject
        assert Ticket.objects.filter(snippet="Хорошее").exists()
        with pytest.raises(NotPossible, match="RecursionError"):
            retry_parse(ticket, by=make.BY)
        monkeypatch.undo()
        message = retry_parse(ticket, by=make.BY)
        assert message is not None
        assert message.text == "Ядовитое"

    def test_a_fault_that_passes_is_not_the_mails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*args: Any) -> Any:
            raise OperationalError("the database is away")

        monkeypatch.setattr(intake, "place", away)
        raw = make.received(make.inbox(), make.mail())
        drain(quiet=True)
        raw.refresh_from_db()
        assert raw.state == RawState.WAITING
        monkeypatch.undo()
        assert undelivered.retry(undelivered.listed()[0].job)
        drain()
        raw.refresh_from_db()
        assert raw.state == RawState.DONE

    def test_a_renumbered_mailbox_brings_no_second_quarantine_ticket(self) -> None:
        box = make.inbox()
        make.received(box, b"no mail at all")
        drain()
        again = make.received(box, b"no mail at all", silent_reason="uidvalidity")
        drain()
        again.refresh_from_db()
        assert again.state == RawState.DOUBLE
        assert Ticket.objects.count() == 1

    def test_make_ticket_of_an_unreadable_mail(self) -> None:
        ticket = make.quarantined()
        message = make_ticket(ticket, address="Petr@X.example", subject="Вручную", by=make.BY)
        assert message is not None
        assert message.ticket.contact is not None
        assert message.ticket.contact.address == "petr@x.example"

    def test_discard_needs_a_reason_and_keeps_the_original(self) -> None:
        ticket = make.quarantined()
        with pytest.raises(NotPossible):
            discard(ticket, reason=" ", by=make.BY)
        discard(ticket, reason="мусор", by=make.BY)
        assert ticket.quarantined is not None
        ticket.quarantined.refresh_from_db()
        assert ticket.quarantined.state == RawState.DISCARDED
        assert blobs.get(ticket.quarantined.sha256)
        with pytest.raises(NotPossible):
            discard(ticket, reason="ещё раз", by=make.BY)


def test_disk_full_takes_nothing_and_the_next_good_mail_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = make.inbox()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with override_settings(BLOB_DIR=tmp_path):
        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", full)
            with pytest.raises(OSError, match="No space"):
                make.received(box, make.mail("Первое"), place="INBOX:1:1")
        assert not list(tmp_path.iterdir())
        assert not box.raw_messages.exists()
        make.received(box, make.mail("Первое"), place="INBOX:1:1")
        drain()
    assert Ticket.objects.count() == 1
