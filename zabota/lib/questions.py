"""Questions to the database that go together: one way there and back for all of them.

After each way a process finds its memory cold: of a page's small statements the waiting costs more
than the work (docs/adr/0014).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from zabota.lib.rows import Given, ask_each

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A statement with its values, and what makes the answer of the rows it brings. The statement
    may not depend on what another question of the same way changes."""

    sql: str
    values: Given
    read: Callable[[list[Any]], T]

    def answer(self) -> T:
        """Ask it alone."""
        return ask_at_once(self)[0]


def known(answer: T) -> Question[T]:
    """A question whose answer is known: nothing is asked."""
    return Question("", (), lambda _: answer)


@overload
def ask_at_once(a: Question[A], /) -> tuple[A]: ...
@overload
def ask_at_once(a: Question[A], b: Question[B], /) -> tuple[A, B]: ...
@overload
def ask_at_once(a: Question[A], b: Question[B], c: Question[C], /) -> tuple[A, B, C]: ...
@overload
def ask_at_once(
    a: Question[A], b: Question[B], c: Question[C], d: Question[D], e: Question[E], /
) -> tuple[A, B, C, D, E]: ...
def ask_at_once(*questions: Question[Any]) -> tuple[Any, ...]:
    """The answers of all, in their order; raises what the database says of the first bad one."""
    found = iter(ask_each([(one.sql, one.values) for one in questions if one.sql]))
    return tuple(one.read(next(found) if one.sql else []) for one in questions)
