"""Tickets as programs read them: through their door, and in what webhooks tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from zabota.customers.models import Identity
from zabota.sla.models import Promise
from zabota.tickets.models import Ticket

Shown = dict[str, Any]


def tickets(rows: Sequence[Ticket]) -> list[Shown]:
    """Tickets read with their contacts; addresses and promises are asked once for all."""
    addresses = addresses_of(row.contact_id for row in rows if row.contact_id)
    promises = dict(
        Promise.objects.filter(ticket_id__in=[row.pk for row in rows]).values_list(
            "ticket_id", "due_at"
        )
    )
    return [
        ticket(row, addresses.get(row.contact_id or 0, []), promises.get(row.pk)) for row in rows
    ]


def ticket(row: Ticket, addresses: Sequence[str], expected_at: datetime | None) -> Shown:
    """One ticket."""
    contact = None
    if row.contact is not None:
        first = addresses[0] if addresses else ""
        contact = {"id": row.contact.pk, "name": row.contact.name, "address": first}
    return {
        "number": row.pk,
        "subject": row.subject,
        "type": row.type,
        "status": row.status,
        "urgency": row.urgency,
        "topic": row.topic_id,
        "queue": row.queue_id,
        "owner": row.owner_id,
        "contact": contact,
        "account": row.account_id,
        "language": row.language,
        "tags": list(row.tags),
        "version": row.version,
        "created_at": row.created_at,
        "last_message_at": row.last_message_at,
        "first_answer_at": row.first_answer_at,
        "solved_at": row.solved_at,
        "closed_at": row.closed_at,
        "expected_at": expected_at,
    }


def addresses_of(contacts: Iterable[int]) -> dict[int, list[str]]:
    """The mail addresses of contacts: the preferred one, then as they became known."""
    found: dict[int, list[str]] = {}
    rows = Identity.objects.filter(kind="mail", contact_id__in=set(contacts))
    rows = rows.order_by("-is_preferred", "id")
    for contact, value in rows.values_list("contact_id", "value"):
        found.setdefault(contact, []).append(value)
    return found
