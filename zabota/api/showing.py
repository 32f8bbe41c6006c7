"""Rows of the house as programs read them; pages with a bounded number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from zabota.customers.models import Account, Contact, Identity
from zabota.sla.models import Promise
from zabota.tickets.models import Message, Ticket

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


def message(row: Message) -> Shown:
    """A message read with outgoing, contact and files."""
    author = row.signed or (row.contact.name if row.contact else "")
    return {
        "id": row.pk,
        "direction": row.direction,
        "purpose": row.purpose,
        "agent": row.agent_id,
        "contact": row.contact_id,
        "author": author,
        "at": row.at,
        "text": row.text,
        "quoted": row.quoted,
        "language": row.language,
        "call": row.call or {},
        "delivery": row.outgoing.state if row.outgoing else None,
        "attachments": [
            {
                "id": file.pk,
                "name": file.name,
                "content_type": file.content_type,
                "size": file.size,
                "state": file.state,
            }
            for file in row.attachments.all()
        ],
    }


def contacts(rows: Sequence[Contact]) -> list[Shown]:
    """Contacts with all their mail addresses."""
    addresses = addresses_of(row.pk for row in rows)
    return [
        {
            "id": row.pk,
            "name": row.name,
            "address": next(iter(addresses.get(row.pk, [])), ""),
            "addresses": addresses.get(row.pk, []),
            "account": row.account_id,
            "language": row.language,
            "time_zone": row.time_zone,
            "created_at": row.created_at,
        }
        for row in rows
    ]


def accounts(rows: Iterable[Account]) -> list[Shown]:
    """Accounts read with their domains."""
    return [
        {
            "id": row.pk,
            "name": row.name,
            "language": row.language,
            "time_zone": row.time_zone,
            "domains": [one.domain for one in row.domains.all() if one.confirmed_at],
            "created_at": row.created_at,
        }
        for row in rows
    ]


def addresses_of(contacts: Iterable[int]) -> dict[int, list[str]]:
    """The mail addresses of contacts: the preferred one, then as they became known."""
    found: dict[int, list[str]] = {}
    rows = Identity.objects.filter(kind="mail", contact_id__in=set(contacts))
    rows = rows.order_by("-is_preferred", "id")
    for contact, value in rows.values_list("contact_id", "value"):
        found.setdefault(contact, []).append(value)
    return found
