from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from zabota.tickets.models import Ticket


class NotPossible(Exception):
    """The action does not fit the ticket's state; the message is for the person who tried."""


@contextmanager
def changing(ticket: Ticket, *related: str) -> Iterator[Ticket]:
    """The ticket's row, locked and fresh; on leaving it is saved as the next version.

    The lock comes before any `record`: jobs of one stream run in the order of insertion.
    `related` are relations that will be needed: they are read with the row, not one by one.
    """
    with transaction.atomic(), changing_within(ticket, *related) as row:
        yield row


@contextmanager
def changing_within(ticket: Ticket, *related: str) -> Iterator[Ticket]:
    """`changing` inside the caller's transaction: what is raised must end that one too."""
    row = _locked(ticket.pk, related)
    was = state_of(row)
    yield row
    row.version += 1
    save_changes(row, was)


def _locked(ticket_id: int, related: tuple[str, ...]) -> Ticket:
    if not related:
        return Ticket.objects.select_for_update().get(pk=ticket_id)
    # Two statements: one with a join, having waited for the lock, finds no row where the other
    # transaction has changed the joined key.
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM tickets_ticket WHERE id = %s FOR UPDATE", [ticket_id])
    return Ticket.objects.select_related(*related).get(pk=ticket_id)


def state_of(row: Ticket) -> dict[str, Any]:
    """The values of all columns, to find by `save_changes` what became different."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return values | {"tags": list(row.tags)}


def save_changes(row: Ticket, was: dict[str, Any]) -> None:
    """Save the columns of a locked row that differ from `was`: writing all takes twice as long."""
    row.save(update_fields=[name for name, value in was.items() if getattr(row, name) != value])
