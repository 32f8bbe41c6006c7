"""Texts with choices: `[a|b]` picks one, `{name}` is filled in, `{ёл/ла}` fits the speaker."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "stories"
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_SEX = re.compile(r"\{([^{}/\s]*)/([^{}/\s]*)\}")
_MARK = re.compile(r"(C|A|A!|N|K|>\w+):\s*")


@dataclass(frozen=True)
class Step:
    """One move. `kind`: C client, A agent, A! agent who solves, N note, K call, > handover."""

    kind: str
    text: str
    target: str = ""


@dataclass
class Story:
    """A request from its first mail to its end."""

    name: str
    topic: str = ""
    type: str = "question"
    urgency: int = 3
    subjects: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    file: str = ""
    turns: str = ""


def expand(text: str, rng: random.Random, slots: Mapping[str, str], female: bool) -> str:
    """One reading of `text`; raises KeyError for an unknown slot."""
    while _CHOICE.search(text):
        text = _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), text)
    text = _SEX.sub(lambda found: found[2] if female else found[1], text)
    return _SLOT.sub(lambda found: slots[found[1]], text)


def readings(text: str) -> int:
    """How many different readings the choices of `text` give, slots aside."""
    count = 1
    while found := _CHOICE.search(text):
        count *= len(found[1].split("|"))
        text = text[: found.start()] + text[found.end() :]
    return count


@cache
def stories(language: str) -> dict[str, Story]:
    """All stories of a language by name; raises ValueError for a line that is no part of one."""
    found: dict[str, Story] = {}
    for path in sorted((FOLDER / language).glob("*.txt")):
        for block in re.split(r"(?m)^## ", path.read_text(encoding="utf-8"))[1:]:
            story = _story(block)
            found[story.name] = story
    return found


def _story(block: str) -> Story:
    name, *lines = block.strip().split("\n")
    story = Story(name.strip())
    for line in lines:
        if not line.strip():
            continue
        mark = _MARK.match(line)
        if mark:
            kind, text = mark[1], line[mark.end() :]
            target = kind[1:] if kind.startswith(">") else ""
            story.steps.append(Step(kind[:1] if target else kind, text, target))
        elif story.steps and line.startswith("  "):
            last = story.steps[-1]
            story.steps[-1] = Step(last.kind, f"{last.text}\n\n{line.strip()}", last.target)
        else:
            _attribute(story, line)
    return story


def _attribute(story: Story, line: str) -> None:
    name, colon, value = line.partition(": ")
    value = value.strip()
    if not colon:
        raise ValueError(f"{story.name}: what is {line!r}?")
    if name == "subject":
        story.subjects.append(value)
    elif name == "tags":
        story.tags = value.split()
    elif name == "urgency":
        story.urgency = int(value)
    elif name in {"topic", "type", "file", "turns"}:
        setattr(story, name, value)
    else:
        raise ValueError(f"{story.name}: what is {line!r}?")
