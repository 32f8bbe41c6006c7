"""Loading the demonstration and taking it away: what it refuses, and that it repeats itself."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Count

from tests import make
from zabota.lib import clock
from zabota.ops import demo
from zabota.ops.demo import cast, grammar, loading
from zabota.tickets.models import Message, Ticket, TicketType

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    settings.BLOB_DIR = tmp_path / "blobs"


def test_load_refuses_over_tickets_of_a_real_company() -> None:
    make.ticket()
    with pytest.raises(demo.Refused):
        demo.load(out=io.StringIO())
    assert not demo.is_loaded()


def test_remove_refuses_when_nothing_is_loaded() -> None:
    with pytest.raises(demo.Refused):
        demo.remove()


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
