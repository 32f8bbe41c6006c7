"""The filters of the list of tickets as one condition (`tickets/conditions.py`)."""

from __future__ import annotations

from collections.abc import Iterable

from zabota.api.schemas import TicketFilter
from zabota.customers.models import Contact, Identity
from zabota.tickets.conditions import Among, Between, Every, Tagged, Tree


def condition(asked: TicketFilter) -> Tree:
    """All filters that were named."""
    owners = [None if one == "none" else one for one in asked.owner]
    parts: list[Tree] = [
        Among(field, frozenset(values))
        for field, values in (
            ("status", [one.value for one in asked.status]),
            ("urgency", [int(one) for one in asked.urgency]),
            ("queue_id", asked.queue),
            ("topic_id", asked.topic),
            ("owner_id", owners),
            ("account_id", [asked.account] if asked.account else []),
        )
        if values
    ]
    if asked.contact is not None:
        parts.append(Among("contact_id", _same_person([asked.contact])))
    if asked.address is not None:
        parts.append(Among("contact_id", _of_address(asked.address)))
    if asked.tag:
        parts.append(Tagged(frozenset(tag.lower() for tag in asked.tag)))
    for field, since, before in (
        ("created_at", asked.created_from, asked.created_before),
        ("last_message_at", asked.last_message_from, asked.last_message_before),
    ):
        if since or before:
            parts.append(Between(field, since, before))
    return Every(tuple(parts))


def _of_address(address: str) -> frozenset[str | int | None]:
    owners = Identity.objects.filter(kind="mail", value=address)
    return _same_person(owners.values_list("contact_id", flat=True))


def _same_person(contacts: Iterable[int]) -> frozenset[str | int | None]:
    """Contacts with those merged into them: tickets keep the contact they came from."""
    known = set(contacts)
    merged = Contact.objects.filter(merged_into__in=known).values_list("pk", flat=True)
    return frozenset({*known, *merged})
