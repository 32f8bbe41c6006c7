from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.db import transaction
from django.db.models import Model

from zabota.channels.models import HIDDEN, Inbox
from zabota.customers.models import Contact
from zabota.lib.rows import Joined, Rows, ask_each, tell
from zabota.staff.models import Agent, Queue
from zabota.tickets.models import Ticket
from zabota.tickets.turns import settle


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


@contextmanager
def changing_new(row: Ticket) -> Iterator[Ticket]:
    """`changing_within` for a ticket made in this transaction: nobody else can see it, so that it
    is neither locked nor read again."""
    was = state_of(row)
    yield row
    row.version += 1
    save_changes(row, was)


def _locked(ticket_id: int, related: tuple[str, ...]) -> Ticket:
    statement = _statement(related)
    asked = [(statement.sql, [ticket_id])]
    if related:
        # Two statements: one with a join, having waited for the lock, finds no row where the
        # other transaction has changed the joined key.
        asked.insert(0, (_LOCK, [ticket_id]))
    rows = ask_each(asked)[-1]
    if not rows:
        raise Ticket.DoesNotExist(ticket_id)
    found = rows[0]
    row, *others = statement.made(found)
    for name, other in zip(related, others, strict=True):
        if isinstance(other, Contact):
            other.address = found[-1] or ""
        setattr(row, name, other)
    return row  # type: ignore[no-any-return]


_LOCK = "SELECT 1 FROM tickets_ticket WHERE id = %s FOR UPDATE"

# The mail address to which we write first, of the contact of the ticket `t`, as a column.
FIRST_ADDRESS = (
    "(SELECT value FROM customers_identity WHERE contact_id = t.contact_id AND kind = 'mail' "
    "ORDER BY is_preferred DESC, id LIMIT 1)"
)

FIRST_RETURNED = FIRST_ADDRESS.replace("value", "returned")

# A relation that may be read with a locked ticket: its model and the columns that are needed.
_RELATED: dict[str, tuple[type[Model], tuple[str, ...]]] = {
    "contact": (Contact, ()),
    "inbox": (Inbox, HIDDEN),
    "owner": (Agent, ()),
    "queue": (Queue, ()),
}


@cache
def _statement(related: tuple[str, ...]) -> Joined:
    parts: list[Rows[Any]] = [Rows(Ticket, "t")]
    joins = []
    for name in related:
        model, hidden = _RELATED[name]
        parts.append(Rows(model, name, leave_out=hidden))
        joins.append(f"LEFT JOIN {model._meta.db_table} {name} ON {name}.id = t.{name}_id ")
    rest = f"FROM tickets_ticket t {''.join(joins)}WHERE t.id = %s FOR UPDATE OF t"
    return Joined(parts, rest, FIRST_ADDRESS if "contact" in related else "")


def state_of(row: Ticket) -> dict[str, Any]:
    """The values of all columns, to find by `save_changes` what became different."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return values | {"tags": list(row.tags)}


def save_changes(row: Ticket, was: dict[str, Any]) -> None:
    """Save the columns of a locked row that differ from `was`: writing all takes twice as long."""
    settle(row)
    changed = {name: getattr(row, name) for name, value in was.items()}
    changed = {name: value for name, value in changed.items() if value != was[name]}
    if not changed:
        return
    columns = ", ".join(f"{name} = %s" for name in changed)
    statement = f"UPDATE tickets_ticket SET {columns} WHERE id = %s"  # noqa: S608 (our own names)
    tell(statement, [*changed.values(), row.pk])
