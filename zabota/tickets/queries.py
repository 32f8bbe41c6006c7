"""Named questions about tickets; the doors ask them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from zabota.customers.models import Identity
from zabota.staff import policy
from zabota.staff.models import Agent, Level
from zabota.tickets.models import Ticket

PAGE = 50
COUNT_CAP = 1000
VIEWS = ("mine", "unassigned", "open", "solved", "robots", "quarantine")


@dataclass(frozen=True)
class Row:
    """What one line of a ticket list shows."""

    id: int
    subject: str
    status: str
    urgency: int
    snippet: str
    contact_name: str | None
    account_name: str | None
    owner_id: int | None
    owner_first_name: str | None
    owner_surname: str | None
    queue_id: int
    version: int
    awaits_answer: bool
    arrived_late: bool
    is_robot: bool
    last_message_at: datetime


def in_view(agent: Agent, view: str) -> QuerySet[Ticket]:
    """The tickets of a view that the agent may see; raises KeyError for an unknown view."""
    quarantine = Q(queue__is_quarantine=True)
    tickets = Ticket.objects.visible_to(agent)
    match view:
        case "mine":
            return tickets.working().filter(owner=agent)
        case "unassigned":
            return tickets.working().filter(owner=None, is_robot=False).exclude(quarantine)
        case "open":
            return tickets.working().filter(is_robot=False).exclude(quarantine)
        case "solved":
            return tickets.filter(status__in=["solved", "closed"]).exclude(quarantine)
        case "robots":
            return tickets.working().filter(is_robot=True).exclude(quarantine)
        case "quarantine":
            return tickets.working().filter(quarantine)
    raise KeyError(view)


def page_of(tickets: QuerySet[Ticket], before: tuple[datetime, int] | None = None) -> list[Row]:
    """At most PAGE rows, newest first, older than the cursor (last_message_at, id)."""
    if before is not None:
        at, pk = before
        tickets = tickets.filter(
            Q(last_message_at__lt=at) | Q(last_message_at=at, id__lt=pk), last_message_at__lte=at
        )
    return [Row(**row) for row in _rows(tickets.order_by("-last_message_at", "-id")[:PAGE])]


def row_of(tickets: QuerySet[Ticket], ticket_id: int) -> Row | None:
    """One ticket's row, None when it is not among `tickets`."""
    rows = list(_rows(tickets.filter(pk=ticket_id)[:1]))
    return Row(**rows[0]) if rows else None


def _rows(tickets: QuerySet[Ticket]) -> Any:
    return tickets.values(
        "id",
        "subject",
        "status",
        "urgency",
        "snippet",
        "owner_id",
        "queue_id",
        "version",
        "awaits_answer",
        "arrived_late",
        "is_robot",
        "last_message_at",
        contact_name=F("contact__name"),
        account_name=F("account__name"),
        owner_first_name=F("owner__first_name"),
        owner_surname=F("owner__surname"),
    )


def counts(agent: Agent) -> dict[str, int]:
    """Tickets per view, each counted up to COUNT_CAP, in one query."""
    if not policy.levels(agent):
        return dict.fromkeys(VIEWS, 0)
    parts: list[str] = []
    values: list[Any] = []
    for view in VIEWS:
        tickets = in_view(agent, view).order_by().values("pk")[:COUNT_CAP]
        sql, params = tickets.query.sql_with_params()
        parts.append(f"(SELECT count(*) FROM ({sql}) AS counted)")  # noqa: S608
        values += params
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        return dict(zip(VIEWS, cursor.fetchone(), strict=True))


def visible_ticket(agent: Agent, ticket_id: int) -> Ticket | None:
    """The ticket when the agent may see it, with the client's first address (contact_address)."""
    rows = Ticket.objects.visible_to(agent).filter(pk=ticket_id)
    first = Identity.objects.filter(contact=OuterRef("contact"), kind="mail").order_by("id")
    return (
        rows.select_related(
            "contact__account", "account", "owner", "queue__department", "topic", "inbox"
        )
        .annotate(contact_address=Coalesce(Subquery(first.values("value")[:1]), Value("")))
        .first()
    )


def may(agent: Agent, ticket: Ticket) -> dict[str, bool]:
    """What the agent may do with the ticket, by the name of the level."""
    own = policy.levels(agent).get(ticket.queue_id, 0)
    return {level.name.lower(): own >= level for level in Level}
