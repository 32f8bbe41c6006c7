"""Rows of statements written by hand, made into objects of the models they belong to.

The ORM takes longer to build a statement that joins whole rows (2 CPU ms) than the database to
answer it; hot screens write theirs once and lose nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model

M = TypeVar("M", bound=Model)


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
        return self.model.from_db(DEFAULT_DB_ALIAS, self.names, values)


class Joined:
    """A SELECT of several models' columns, and the objects of a row that it brings, in order;
    `more` are further columns at its end."""

    def __init__(self, parts: Sequence[Rows[Any]], rest: str, more: str = "") -> None:
        self.parts = parts
        columns = ", ".join(part.columns for part in parts) + (f", {more}" if more else "")
        self.sql = f"SELECT {columns} {rest}"

    def made(self, row: Sequence[Any]) -> list[Any]:
        """One object for each model, None where an outer join found nothing."""
        start = 0
        found: list[Any] = []
        for part in self.parts:
            found.append(part.made(row, start))
            start += part.size
        return found
