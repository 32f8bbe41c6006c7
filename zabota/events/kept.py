"""Rarely changed tables kept in memory, never older than the last commit.

Every statement that changes one of the tables gives their common name a new random version, by a
trigger (`watch`), in its own transaction. A reader asks for the version, one row, and reads the
tables again only when it is another one. What a rolled-back transaction showed itself is kept
under a version that never comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

from zabota.lib.questions import Question, ask_at_once
from zabota.lib.rows import ask, ask_all

A = TypeVar("A")
T = TypeVar("T")

_VERSION = "SELECT version::text FROM events_kept WHERE name = %s"


_VERSIONS = "SELECT name, version::text FROM events_kept"
_held: ContextVar[dict[str, str] | None] = ContextVar("kept_held", default=None)
_ahead: ContextVar[dict[str, str] | None] = ContextVar("kept_ahead", default=None)


@contextmanager
def held() -> Iterator[None]:
    """Inside, everything kept is as it was when first asked for, in one statement. For short work
    that needs several of them and changes none. Inside another, that one holds on."""
    if _held.get() is not None:
        yield
        return
    token = _held.set(dict(_ahead.get() or {}))
    try:
        yield
    finally:
        _held.reset(token)


@contextmanager
def asked_ahead() -> Iterator[None]:
    """For a request that may change what is kept: who it is and what is held in it first come in
    one way from the database (`asked_with`); outside of `held` all is asked for anew."""
    token = _ahead.set({})
    try:
        yield
    finally:
        _ahead.reset(token)


def asked_with(question: Question[A]) -> A:
    """The answer of a question; whoever asks first inside `held` or `asked_ahead` has asked for the
    versions too, in the same way to the database."""
    store = _held.get()
    if store is None:
        store = _ahead.get()
    if store is None or store:
        return question.answer()
    found, versions = ask_at_once(question, Question(_VERSIONS, [], dict))
    store.update(versions)
    return found


class Kept(Generic[T]):
    """What `read` makes of the tables watched under `name`; shared by threads, so never changed."""

    def __init__(self, name: str, read: Callable[[], T]) -> None:
        self._name = name
        self._read = read
        self._last: tuple[str, T] | None = None

    def get(self) -> T:
        """The present state: one small statement, and `read` when something has changed."""
        held = _held.get()
        if held is not None:
            if not held:
                held.update(ask_all(_VERSIONS, []))
            version = held.get(self._name, "")
        else:
            row = ask(_VERSION, [self._name])
            version = row[0] if row else ""
        last = self._last
        if last is not None and version and last[0] == version:
            return last[1]
        # Version before tables: what changes between the two is read again next time.
        found = self._read()
        self._last = (version, found)
        return found


def watch(name: str, table: str, columns: tuple[str, ...] = ()) -> tuple[str, str]:
    """SQL for a migration, and its reverse: changes of `table` (an update only of `columns`, when
    given) renew the version of `name`."""
    update = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
    forward = (
        f"INSERT INTO events_kept (name, version) VALUES ('{name}', gen_random_uuid()) "  # noqa: S608
        "ON CONFLICT (name) DO NOTHING;"
        f"CREATE TRIGGER zabota_kept AFTER INSERT OR DELETE OR {update} ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION zabota_renew_kept('{name}');"
        f"CREATE TRIGGER zabota_kept_truncate AFTER TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION zabota_renew_kept('{name}');"
    )
    backward = f"DROP TRIGGER zabota_kept ON {table}; DROP TRIGGER zabota_kept_truncate ON {table};"
    return forward, backward
