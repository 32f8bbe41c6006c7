"""Statements written once: rows made into objects of the models they belong to, and back.

The ORM takes longer to build a statement that joins whole rows (2 CPU ms) than the database to
answer it; hot screens and the way of a mail write theirs once and lose nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import JSONField, Model
from django.db.models.base import ModelState

M = TypeVar("M", bound=Model)
# The values of a statement in its order, or by name.
Given = Sequence[Any] | Mapping[str, Any]


class Rows(Generic[M]):
    """The columns of a model for a SELECT, all but `leave_out`, and objects of what it brings."""

    def __init__(self, model: type[M], alias: str, *, leave_out: Sequence[str] = ()) -> None:
        fields = [field for field in model._meta.concrete_fields if field.name not in leave_out]
        self.model = model
        self.names = [field.attname for field in fields]
        self.columns = ", ".join(f'{alias}."{field.column}"' for field in fields)
        self.size = len(fields)
        self._converters = [
            (place, field, found)
            for place, field in enumerate(fields)
            if (found := field.get_db_converters(connection))
        ]
        self._key = self.names.index(model._meta.pk.attname)

    def made(self, row: Sequence[Any], start: int = 0) -> M | None:
        """The object whose columns begin at `start`; None where an outer join found nothing."""
        values = list(row[start : start + self.size])
        if values[self._key] is None:
            return None
        for place, field, converters in self._converters:
            for convert in converters:
                values[place] = convert(values[place], field, connection)
        return made(self.model, self.names, values)


def made(model: type[M], names: Sequence[str], values: Sequence[Any]) -> M:
    """An object as the database brings it: what is not named is read when it is asked for. Made as
    `pickle` makes it, without the steps that only a changed object needs."""
    row = model.__new__(model)
    row._state = ModelState()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    row.__dict__.update(zip(names, values, strict=True))
    return row


class Joined:
    """A SELECT of several models' columns, and the objects of a row that it brings, in order;
    `more` are further columns at its end, `before` is what stands before the SELECT."""

    def __init__(
        self, parts: Sequence[Rows[Any]], rest: str, more: str = "", before: str = ""
    ) -> None:
        self.parts = parts
        columns = ", ".join(part.columns for part in parts) + (f", {more}" if more else "")
        self.sql = f"{before} SELECT {columns} {rest}".lstrip()

    def made(self, row: Sequence[Any]) -> list[Any]:
        """One object for each model, None where an outer join found nothing."""
        start = 0
        found: list[Any] = []
        for part in self.parts:
            found.append(part.made(row, start))
            start += part.size
        return found

    def first(self, values: Sequence[Any]) -> list[Any] | None:
        """The objects of the first row that the statement brings with these values."""
        row = ask(self.sql, values)
        return None if row is None else self.made(row)


def ask(sql: str, values: Given) -> Any:
    """The first row of a statement as a tuple, None without one."""
    cursor = _cursor()
    cursor.execute(sql, values)
    return cursor.fetchone()


def tell(sql: str, values: Given) -> int:
    """Run a statement that brings nothing; how many rows it changed."""
    cursor = _cursor()
    cursor.execute(sql, values)
    return int(cursor.rowcount)


def ask_all(sql: str, values: Given) -> list[Any]:
    """All rows of a statement as tuples."""
    cursor = _cursor()
    cursor.execute(sql, values)
    found: list[Any] = cursor.fetchall()
    return found


def ask_each(asked: Sequence[tuple[str, Given]]) -> list[list[Any]]:
    """All rows of each of several statements, which go to the database in one way (a pipeline);
    one after the other where statements are counted or watched."""
    line = connections[DEFAULT_DB_ALIAS]
    if len(asked) < 2 or line.queries_logged or line.execute_wrappers:
        return [ask_all(sql, values) for sql, values in asked]
    cursors = _cursors(line, len(asked))
    with line.wrap_database_errors:
        with line.connection.pipeline():
            for cursor, (sql, values) in zip(cursors, asked, strict=False):
                cursor.execute(sql, values)
        return [cursor.fetchall() for cursor, _ in zip(cursors, asked, strict=False)]


def _cursors(line: Any, count: int) -> list[Any]:
    """So many bare cursors of this thread's connection, kept for their next users."""
    line.ensure_connection()
    held = line.__dict__.setdefault("_held_cursors", [])
    if held and held[0].connection is not line.connection:
        held.clear()
    while len(held) < count:
        held.append(line.create_cursor())
    return list(held)


def _cursor() -> Any:
    """The one cursor of this thread's connection, read empty by each of its users: making one costs
    as much as a small statement. Where statements are counted, one that counts."""
    line = connections[DEFAULT_DB_ALIAS]
    held = line.__dict__.get("_held_cursor")
    if held is not None and held.cursor.connection is line.connection and not line.queries_logged:
        return held
    cursor = line.cursor()
    if not line.queries_logged:
        line.__dict__["_held_cursor"] = cursor
    return cursor


def insert(row: M) -> M:
    """Write a new object and give it its key; what its constraints refuse raises IntegrityError."""
    statement, values = inserting(type(row))
    return written(row, ask(statement, values(row))[0])


def insert_unless(row: M) -> bool:
    """`insert` where no unique constraint is against it; False, and no error, where one is."""
    statement, values = inserting(type(row), UNLESS)
    found = ask(statement, values(row))
    if found is None:
        return False
    written(row, found[0])
    return True


def insert_all_unless(rows: Sequence[Model]) -> None:
    """Write new objects of one model, but those that a unique constraint is against, in one
    statement; they get no keys."""
    if not rows:
        return
    statement, values = inserting(type(rows[0]), UNLESS, len(rows))
    ask_all(statement, [value for row in rows for value in values(row)])


def update(row: Model, *names: str) -> None:
    """Write these columns of an object that stands in the database."""
    statement, values = _update(type(row), names)
    tell(statement, [*values(row), row.pk])


Values = Callable[[Any], list[Any]]
UNLESS = "ON CONFLICT DO NOTHING"


@cache
def inserting(model: type[Model], unless: str = "", count: int = 1) -> tuple[str, Values]:
    """The statement that writes so many objects and brings their keys, and what takes the values of
    one out of it."""
    key = model._meta.pk
    fields = [field for field in model._meta.concrete_fields if field is not key]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * count)
    into = f"INSERT INTO {model._meta.db_table} ({columns}) VALUES {places}"  # noqa: S608
    return f'{into} {unless} RETURNING "{key.column}"', _values(fields)


@cache
def _update(model: type[Model], names: tuple[str, ...]) -> tuple[str, Values]:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    columns = ", ".join(f'"{field.column}" = %s' for field in fields)
    key = model._meta.pk.column
    statement = f'UPDATE {model._meta.db_table} SET {columns} WHERE "{key}" = %s'  # noqa: S608
    return statement, _values(fields)


def _values(fields: Sequence[Any]) -> Values:
    names = [field.attname for field in fields]
    packed = [place for place, field in enumerate(fields) if isinstance(field, JSONField)]

    def values(row: Any) -> list[Any]:
        found = [getattr(row, name) for name in names]
        for place in packed:
            found[place] = json.dumps(found[place])
        return found

    return values


def written(row: M, key: Any) -> M:
    """The object, which has been written under this key."""
    row.pk = key
    row._state.adding = False
    row._state.db = DEFAULT_DB_ALIAS
    return row
