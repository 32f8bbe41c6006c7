"""The page of all facts and who reacts to them, made from the code."""

from __future__ import annotations

import inspect
from dataclasses import fields

from zabota.events.facts import Fact, known_facts
from zabota.events.log import consumers

HEAD = """# Facts and consumers

Every business change records one fact in its own transaction; each named consumer gets one job
for it, in the order of the fact's stream. This page is made from the code: `zabota docs`.

| fact | fields | consumers |
|---|---|---|
"""


def page() -> str:
    """The page as Markdown, sorted by the name of the fact."""
    listeners: dict[str, list[str]] = {}
    for consumer in consumers().values():
        for kind in consumer.kinds:
            listeners.setdefault(kind, []).append(consumer.name)
    rows = [
        f"| `{kind}` | {_fields(fact)} | {_names(listeners.get(kind, []))} |\n"
        for kind, fact in known_facts().items()
        # Facts that tests declare are none of the house.
        if fact.__module__.startswith("zabota.")
    ]
    notes = [
        f"- `{kind}`: {note}\n"
        for kind, fact in known_facts().items()
        if fact.__module__.startswith("zabota.") and (note := _note(fact))
    ]
    return HEAD + "".join(rows) + "\n" + "".join(notes)


def _fields(fact: type[Fact]) -> str:
    return ", ".join(f"`{field.name}`" for field in fields(fact))


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _note(fact: type[Fact]) -> str:
    text = " ".join((inspect.getdoc(fact) or "").split())
    # A dataclass without words of its own is documented by its signature.
    return "" if text.startswith(f"{fact.__name__}(") else text
