from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from django.utils import translation

from zabota.desk import timeline
from zabota.events.facts import known_facts
from zabota.events.models import Event
from zabota.lib import clock

SAMPLES: dict[str, Any] = {
    "int": 1, "int | None": None, "str": "open", "bool": True, "list[str]": ["вход"],
}  # fmt: skip


def event(kind: str, **changes: Any) -> Event:
    fact = known_facts()[kind]
    facts = {field.name: SAMPLES[str(field.type)] for field in fields(fact)}
    return Event(kind=kind, actor="agent:7", facts=facts | changes, at=clock.now())


@pytest.mark.parametrize("kind", [kind for kind in known_facts() if kind.startswith("tickets.")])
@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_fact_of_a_ticket_has_words(kind: str, language: str) -> None:
    with translation.override(language):
        line = timeline.line(event(kind), timeline.Names())
    assert line.text
    assert kind not in line.text


def test_a_kind_of_a_newer_version_is_named_as_it_is() -> None:
    row = Event(kind="tickets.teleported", actor="system:x", facts={}, at=clock.now())
    assert timeline.line(row, timeline.Names()).text == "tickets.teleported"


def test_reasons_and_unknown_names_are_said() -> None:
    with translation.override("en"):
        line = timeline.line(
            event("tickets.queue_changed", was=1, now=2, reason="про деньги"), timeline.Names()
        )
        assert line.text == "agent 7: queue: queue 1 → queue 2 (про деньги)"
        triaged = event("tickets.triaged", acknowledged=False, why_not="robot")
        assert "a robot wrote it" in timeline.line(triaged, timeline.Names()).text
