"""The log keeps for ever what earlier versions recorded: a later one must be able to read it."""

from __future__ import annotations

import pytest

from tests import archives
from zabota.events.facts import known_facts, load

FIRST = archives.recorded()


@pytest.mark.parametrize("kind", sorted(FIRST))
def test_a_fact_is_read_as_it_was_first_recorded(kind: str) -> None:
    """A field that came later needs a default."""
    assert kind in known_facts()
    load(kind, dict.fromkeys(FIRST[kind]))


def test_a_release_adds_its_new_facts_and_leaves_the_former_ones() -> None:
    kept = {"tickets.solved": ["ticket"]}
    whole = archives.with_new_facts(kept)
    assert whole["tickets.solved"] == ["ticket"]
    assert set(whole) == {kind for kind in known_facts() if not kind.startswith("test.")}
    assert whole["tickets.reopened"] == ["ticket", "was", "message"]
