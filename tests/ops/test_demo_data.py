"""The demonstration's data: plausible, without repeats, and gone without a trace when removed."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from django.test import override_settings

from tests import make
from tests.drain import drain
from zabota.channels import outbox
from zabota.channels.models import Inbox, Outgoing, OutgoingState, RawMessage
from zabota.customers.models import Account, AccountDomain, Contact
from zabota.events.log import consumer_named
from zabota.events.models import Event, Timer
from zabota.lib import clock
from zabota.ops import demo, doctor, prepare
from zabota.ops.demo import cast, loading, places
from zabota.staff import policy
from zabota.staff.models import Agent, Department, Queue, Topic
from zabota.tickets import actions
from zabota.tickets.models import (
    Attachment,
    CloseReason,
    Message,
    Status,
    Ticket,
    TicketType,
    TrackingLink,
)
from zabota.tickets.tracking import key_for

# One process loads it once.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("demonstration")]
SMALL = 220
MOMENT = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def loaded(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str]]:
    """A small demonstration, loaded once and always at the same moment: its folder, and what it
    printed. Every test of this file begins with it and is rolled back to it."""
    folder, out = tmp_path_factory.mktemp("demonstration"), io.StringIO()
    with django_db_blocker.unblock(), transaction.atomic():
        with (
            pytest.MonkeyPatch.context() as patch,
            override_settings(DATA_DIR=folder, BLOB_DIR=folder / "blobs"),
            clock.at(MOMENT),
        ):
            patch.setattr(loading, "TICKETS", SMALL)
            demo.load(out=out)
        yield folder, out.getvalue()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def small(loaded: tuple[Path, str], db: None, tmp_path: Path, settings: Any) -> Iterator[str]:
    """The demonstration in a folder of the test's own, at its moment; what it printed."""
    folder = tmp_path / "data"
    shutil.copytree(loaded[0], folder)
    settings.DATA_DIR, settings.BLOB_DIR = folder, folder / "blobs"
    with clock.at(MOMENT):
        yield loaded[1]


def test_every_message_is_another_one_and_none_shows_its_grammar(small: str) -> None:
    texts = list(Message.objects.values_list("text", flat=True))
    assert len(texts) > 3 * SMALL
    assert [text for text, count in Counter(texts).items() if count > 1] == []
    assert [text for text in texts if set(text) & set("{}|")] == []


def test_refused_mail_is_shown_and_is_no_fault_of_the_installation(small: str) -> None:
    assert Outgoing.objects.filter(state=OutgoingState.FAILED).count() >= 3
    (finding,) = doctor.mail()
    assert finding.is_task
    assert [found.text for found in doctor.jobs() if not found.is_good] == []


def test_company_and_agents(small: str) -> None:
    assert Department.objects.exclude(queues__is_quarantine=True, queues=None).count() == 3
    assert set(Queue.objects.values_list("line", flat=True)) == {1, 2}
    assert all(topic.name_ru and topic.name_en for topic in Topic.objects.all())
    agents = Agent.objects.all()
    assert agents.count() == 12
    namesakes = agents.filter(first_name="Алексей").values_list("surname", flat=True)
    assert len(set(namesakes)) == 4
    assert Account.objects.count() == 60
    assert AccountDomain.objects.filter(confirmed_at=None).count() == 0
    seen = {agent.email: len(policy.queues_at(agent)) for agent in agents}
    assert seen[f"a.shapovalov@{cast.DOMAIN}"] == 2
    assert seen[f"o.kuznetsova@{cast.DOMAIN}"] == 7


def test_passwords_are_shown_once_and_kept_nowhere(small: str) -> None:
    shown = {line.split()[0]: line.split()[-1] for line in small.splitlines()[1:]}
    assert len(shown) == 12
    for email, password in shown.items():
        agent = Agent.objects.get(email=email)
        assert agent.check_password(password)
        assert password not in agent.password
    kept = "".join(path.read_text() for path in places.folder().glob("*.json"))
    assert not any(password in kept for password in shown.values())
    assert all(email in demo.way_in() for email in shown)


def test_a_start_without_its_mail_server_says_so(small: str, settings: Any) -> None:
    settings.DEMO = False
    assert "zabota demo remove" in prepare.welcome()[0]
    settings.DEMO = True
    assert not any("zabota demo remove" in line for line in prepare.welcome())


def test_all_kinds_of_tickets_are_there(small: str) -> None:
    def every(name: str) -> set[object]:
        return set(Ticket.objects.values_list(name, flat=True))

    assert every("status") == set(Status.values)
    # Recoveries are opened by marks, and the demonstration's clients give none.
    assert every("type") >= set(TicketType.values) - {"praise", "suggestion", "recovery"}
    assert every("urgency") == {1, 2, 3, 4}
    assert every("close_reason") == {"", *CloseReason.values} - {"recovery"}
    assert every("language") == {"ru", "en"}
    assert Ticket.objects.filter(arrived_late=True).exists()
    assert Ticket.objects.filter(queue__is_quarantine=True).count() == 5
    assert Outgoing.objects.filter(state=OutgoingState.FAILED).exists()
    assert set(Message.objects.values_list("robot", flat=True)) >= {"", "bounce", "auto_generated"}
    assert Attachment.objects.filter(is_inline=True, content_type="image/png").exists()


def test_fields_are_what_the_actions_would_have_left(small: str) -> None:
    for ticket in Ticket.objects.prefetch_related("messages"):
        messages = sorted(ticket.messages.all(), key=lambda one: (one.received_at, one.pk))
        assert ticket.last_message_at <= clock.now()
        first = next((m for m in messages if m.direction == "out" and not m.purpose), None)
        assert ticket.first_answer_at == (first.at if first else None)
        if first:
            assert ticket.owner_id or ticket.is_robot
        assert (ticket.closed_at is not None) == (ticket.status == Status.CLOSED)
        if ticket.status == Status.SOLVED:
            assert ticket.solved_at
            assert Timer.objects.filter(
                subject=f"ticket-status:{ticket.pk}",
                version=ticket.status_version,
                due_at=ticket.solved_at + timedelta(days=7),
            ).exists()
        assert [m.pk for m in messages] == sorted(m.pk for m in messages)
    assert not Message.objects.filter(at__lt=F("ticket__created_at")).exists()


def test_history_is_told_by_facts_in_order_without_jobs(small: str) -> None:
    from procrastinate.contrib.django.models import ProcrastinateJob

    assert not ProcrastinateJob.objects.exists()
    assert not Event.objects.filter(at__gt=clock.now()).exists()
    last: dict[str, datetime] = {}
    for event in Event.objects.order_by("id"):
        assert last.get(event.stream, event.at) <= event.at
        last[event.stream] = event.at
        assert event.fact.kind == event.kind
    made = Event.objects.filter(kind="tickets.made").count()
    assert made == Ticket.objects.count()
    assert consumer_named("tickets.closing")


def test_letters_can_be_read_again(small: str) -> None:
    from zabota.channels import blobs, registry

    row = Outgoing.objects.filter(state=OutgoingState.SENT).last()
    assert row is not None
    assert outbox.load(row.envelope).message_id == row.message_id
    joined = Message.objects.exclude(quoted="").select_related("raw", "ticket")
    assert joined.count() > 20
    for message in joined[:40]:
        assert message.raw is not None
        parsed = registry.kind("mail").parse(blobs.get(message.raw.sha256))
        assert parsed.message_id == message.message_id
        assert parsed.reply.split() == message.text.split()


def test_remove_takes_all_of_it_and_nothing_else(small: str, settings: Any) -> None:
    own = make.ticket()
    rated = Ticket.objects.filter(status=Status.SOLVED).order_by("id").first()
    assert rated
    assert rated.contact
    key = key_for(rated.pk, "client@romashka.example")
    actions.rate(rated, "client@romashka.example", 1, comment="Долго", by=make.BY)
    drain()
    assert Ticket.objects.filter(type=TicketType.RECOVERY).count() == 1
    files = len([path for path in Path(settings.BLOB_DIR).rglob("*") if path.is_file()])
    assert files > SMALL
    demo.remove()
    assert not TrackingLink.objects.filter(key=key).exists()
    assert list(Ticket.objects.all()) == [own]
    assert not demo.is_loaded()
    assert not Agent.objects.filter(email__endswith=cast.DOMAIN).exists()
    assert not Inbox.objects.filter(address__endswith=cast.DOMAIN).exists()
    assert not RawMessage.objects.filter(place__startswith="demo:").exists()
    assert list(Contact.objects.all()) == [own.contact]
    assert not Account.objects.filter(name="ООО «Лесной двор»").exists()
    streams = Event.objects.exclude(stream=own.stream).filter(stream__startswith="ticket:")
    assert not streams.exists()
    assert not Timer.objects.filter(stream__startswith="ticket:").exclude(stream=own.stream)
    left = {path.name for path in Path(settings.BLOB_DIR).glob("*/*") if path.is_file()}
    assert left == set(RawMessage.objects.values_list("sha256", flat=True))
