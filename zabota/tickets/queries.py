"""Named questions about tickets; the doors ask them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from zabota.customers.models import Identity
from zabota.staff import policy
from zabota.staff.models import Agent, Level
from zabota.tickets.models import Ticket
from zabota.tickets.models.ticket import TicketQuerySet

PAGE = 50
COUNT_CAP = 1000
VIEWS = ("mine", "unassigned", "open", "solved", "robots", "quarantine")


class Row(NamedTuple):
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


def in_view(agent: Agent, view: str) -> TicketQuerySet:
    """The tickets of a view that the agent may see; raises KeyError for an unknown view."""
    return _narrowed(Ticket.objects.visible_to(agent), view, agent.pk)


def _narrowed(tickets: TicketQuerySet, view: str, agent_id: int) -> TicketQuerySet:
    quarantine = Q(queue__is_quarantine=True)
    match view:
        case "mine":
            return tickets.working().filter(owner=agent_id)
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


def first_page(agent: Agent, view: str) -> list[Row]:
    """The newest PAGE rows of a view; raises KeyError for an unknown view."""
    queues = frozenset(policy.queues_at(agent))
    if not queues and view in VIEWS:
        return []
    sql, values = _page_sql(view, agent.pk, queues)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description or ()]
        return [Row(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


# The ORM takes longer to write these two statements (3 CPU ms) than the database to answer them.
# They are kept per agent and set of queues, which every request reads anew: rights are never old.
@lru_cache(maxsize=512)
def _page_sql(view: str, agent_id: int, queues: frozenset[int]) -> tuple[str, tuple[Any, ...]]:
    tickets = _narrowed(Ticket.objects.in_queues(queues), view, agent_id)
    sql, values = _rows(_newest(tickets)).query.sql_with_params()
    return sql, values


@lru_cache(maxsize=512)
def _counts_sql(agent_id: int, queues: frozenset[int]) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    for view in VIEWS:
        tickets = _narrowed(Ticket.objects.in_queues(queues), view, agent_id)
        sql, params = tickets.order_by().values("pk")[:COUNT_CAP].query.sql_with_params()
        parts.append(f"(SELECT count(*) FROM ({sql}) AS counted)")  # noqa: S608
        values += params
    return f"SELECT {', '.join(parts)}", values


def page_of(tickets: QuerySet[Ticket], before: tuple[datetime, int] | None = None) -> list[Row]:
    """At most PAGE rows, newest first, older than the cursor (last_message_at, id)."""
    if before is not None:
        at, pk = before
        tickets = tickets.filter(
            Q(last_message_at__lt=at) | Q(last_message_at=at, id__lt=pk), last_message_at__lte=at
        )
    return [Row(**row) for row in _rows(_newest(tickets))]


def row_of(tickets: QuerySet[Ticket], ticket_id: int) -> Row | None:
    """One ticket's row, None when it is not among `tickets`."""
    rows = list(_rows(tickets.filter(pk=ticket_id)[:1]))
    return Row(**rows[0]) if rows else None


def _newest(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    return tickets.order_by("-last_message_at", "-id")[:PAGE]


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
    queues = frozenset(policy.queues_at(agent))
    if not queues:
        return dict.fromkeys(VIEWS, 0)
    with connection.cursor() as cursor:
        cursor.execute(*_counts_sql(agent.pk, queues))
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
