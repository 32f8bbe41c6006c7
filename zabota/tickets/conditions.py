"""Conditions on tickets: a small tree that becomes SQL, and a test of one ticket in Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from zabota.tickets.models import Ticket

CHOSEN = frozenset("status urgency type queue_id owner_id topic_id contact_id account_id".split())
TIMES = frozenset("created_at last_message_at solved_at".split())


@dataclass(frozen=True)
class Among:
    """The field holds one of the values; None among them stands for an empty field."""

    field: str
    values: frozenset[str | int | None]

    def __post_init__(self) -> None:
        _known(self.field, CHOSEN)


@dataclass(frozen=True)
class Between:
    """The time is not before `since` and is before `before`; None leaves a side open."""

    field: str
    since: datetime | None
    before: datetime | None

    def __post_init__(self) -> None:
        _known(self.field, TIMES)


@dataclass(frozen=True)
class Tagged:
    """The ticket has all these tags."""

    tags: frozenset[str]


@dataclass(frozen=True)
class Every:
    """All parts hold; without parts, any ticket."""

    parts: tuple[Tree, ...]


Tree = Among | Between | Tagged | Every


def where(tree: Tree) -> Q:
    """The tree as SQL."""
    match tree:
        case Among(field, values):
            chosen = Q(**{f"{field}__in": [value for value in values if value is not None]})
            return chosen | Q(**{f"{field}__isnull": True}) if None in values else chosen
        case Between(field, since, before):
            found = ~Q(**{f"{field}__isnull": True})
            found &= Q(**{f"{field}__gte": since}) if since else Q()
            return found & (Q(**{f"{field}__lt": before}) if before else Q())
        case Tagged(tags):
            return Q(tags__contains=sorted(tags))
        case Every(parts):
            return _all(where(part) for part in parts)


def holds(tree: Tree, ticket: Ticket) -> bool:
    """Whether the ticket is one of those that `where` finds."""
    match tree:
        case Among(field, values):
            return getattr(ticket, field) in values
        case Between(field, since, before):
            at: datetime | None = getattr(ticket, field)
            if at is None:
                return False
            return (since is None or at >= since) and (before is None or at < before)
        case Tagged(tags):
            return tags <= set(ticket.tags)
        case Every(parts):
            return all(holds(part, ticket) for part in parts)


def _all(parts: Iterable[Q]) -> Q:
    found = Q()
    for part in parts:
        found &= part
    return found


def _known(field: str, fields: frozenset[str]) -> None:
    if field not in fields:
        raise ValueError(f"conditions know no field {field!r}")
