from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from zabota.tickets.models import Ticket


class NotPossible(Exception):
    """The action does not fit the ticket's state; the message is for the person who tried."""


@contextmanager
def changing(ticket: Ticket) -> Iterator[Ticket]:
    """The ticket's row, locked and fresh; on leaving it is saved as the next version.

    The lock comes before any `record`: jobs of one stream run in the order of insertion.
    """
    with transaction.atomic(), changing_within(ticket) as row:
        yield row


@contextmanager
def changing_within(ticket: Ticket) -> Iterator[Ticket]:
    """`changing` inside the caller's transaction: what is raised must end that one too."""
    row = Ticket.objects.select_for_update().get(pk=ticket.pk)
    was = state_of(row)
    yield row
    row.version += 1
    save_changes(row, was)


def state_of(row: Ticket) -> dict[str, Any]:
    """The values of all columns, to find by `save_changes` what became different."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return values | {"tags": list(row.tags)}


def save_changes(row: Ticket, was: dict[str, Any]) -> None:
    """Save the columns of a locked row that differ from `was`: writing all takes twice as long."""
    row.save(update_fields=[name for name, value in was.items() if getattr(row, name) != value])
