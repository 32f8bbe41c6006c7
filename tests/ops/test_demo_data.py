"""The demonstration's data: plausible, without repeats, and gone without a trace when removed."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Count, F

from tests import make
from tests.drain import drain
from zabota.channels import outbox
from zabota.channels.models import Inbox, Outgoing, OutgoingState, RawMessage
from zabota.customers.models import Account, AccountDomain, Contact
from zabota.events.log import consumer_named
from zabota.events.models import Event, Timer
from zabota.lib import clock
from zabota.ops import demo, doctor, prepare
from zabota.ops.demo import cast, grammar, loading, places
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

pytestmark = pytest.mark.django_db
SMALL = 220
MOMENT = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    settings.BLOB_DIR = tmp_path / "blobs"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A small demonstration is loaded, always at the same moment; what it printed."""
    monkeypatch.setattr(loading, "TICKETS", SMALL)
    out = io.StringIO()
    with clock.at(MOMENT):
        demo.load(out=out)
        yield out.getvalue()


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


def test_load_refuses_over_tickets_of_a_real_company() -> None:
    make.ticket()
    with pytest.raises(demo.Refused):
        demo.load(out=io.StringIO())
    assert not demo.is_loaded()


def test_remove_refuses_when_nothing_is_loaded() -> None:
    with pytest.raises(demo.Refused):
        demo.remove()


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
    left = {path.name for path in Path(settings.BLOB_DIR).rglob("*") if path.is_file()}
    assert left == set(RawMessage.objects.values_list("sha256", flat=True))


def test_stories_are_complete() -> None:
    for language in ("ru", "en"):
        found = grammar.stories(language)
        told = [story for story in found.values() if story.subjects]
        assert len(told) >= 18
        for story in told:
            assert story.topic in cast.TOPICS
            assert story.type in TicketType.values
            assert story.steps[0].kind == "C"
            assert any(step.kind == "A!" for step in story.steps)
            assert not story.turns or story.turns in found


def test_the_same_seed_tells_the_same_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "TICKETS", 30)
    told = []
    with clock.at(clock.now()):
        for _ in range(2):
            demo.load(out=io.StringIO())
            told.append(list(Ticket.objects.order_by("id").values_list("subject", "created_at")))
            demo.remove()
    assert told[0] == told[1]
    assert len(told[0]) > 30


@pytest.mark.long
def test_the_whole_demonstration_in_thirty_seconds() -> None:
    began = time.monotonic()
    demo.load(out=io.StringIO())
    assert time.monotonic() - began < 30
    assert Ticket.objects.count() >= 2000
    texts = Message.objects.values("text")
    assert texts.count() == texts.distinct().count()
    lengths = Ticket.objects.annotate(count=Count("messages")).values_list("count", flat=True)
    assert max(lengths) >= 30
