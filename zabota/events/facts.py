"""Typed facts: what a record says. Facts hold ids and was/now values, never bodies or names."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar


class UnknownFact(LookupError):
    """The log names a kind of fact that this version of the code does not know."""


_KINDS: dict[str, type[Fact]] = {}


@dataclass(frozen=True)
class Fact:
    """Derive as `class Solved(Fact, kind="tickets.solved")` with plain JSON fields."""

    kind: ClassVar[str]

    def __init_subclass__(cls, *, kind: str) -> None:
        super().__init_subclass__()
        if kind in _KINDS and _KINDS[kind].__qualname__ != cls.__qualname__:
            raise ValueError(f"two facts are called {kind}")
        cls.kind = kind
        _KINDS[kind] = cls

    def as_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        # Plain values all: `asdict`, which copies deeply, took a sixth of `record`.
        return dict(vars(self))


def load(kind: str, data: dict[str, Any]) -> Fact:
    """Build a fact from the log; unknown fields are dropped. Raises UnknownFact."""
    try:
        cls = _KINDS[kind]
    except KeyError:
        raise UnknownFact(kind) from None
    known = {field.name for field in fields(cls)}
    return cls(**{name: value for name, value in data.items() if name in known})


def known_facts() -> dict[str, type[Fact]]:
    """Every kind of fact that the loaded rooms declare (for docs/events.md and tests)."""
    return dict(sorted(_KINDS.items()))
