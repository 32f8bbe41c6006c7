"""Messages and customers as programs read them (tickets: `notify/showing.py`); pages with a bounded
number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zabota.customers.models import Account, Contact
from zabota.notify.showing import Shown, addresses_of
from zabota.tickets.models import Message


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
