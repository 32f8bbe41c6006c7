"""Named questions about lists of tickets; the doors ask them. Statements are written once: the ORM
takes longer to build one of these (3 CPU ms) than the database to answer it."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from zabota.lib import clock
from zabota.lib.questions import Question
from zabota.lib.rows import ask_all
from zabota.staff import policy
from zabota.staff.models import Agent, Level
from zabota.tickets.models import Ticket
from zabota.tickets.models.ticket import WORKING, micros, moment
from zabota.tickets.search import HITS, Condition

PAGE = 50
COUNT_CAP = 1000

# The texts are those of the partial indexes of Ticket: else the database does not use them.
_WORKING = f"t.status IN ({', '.join(repr(status.value) for status in WORKING)})"
_CONDITIONS = {
    "mine": f"{_WORKING} AND t.owner_id = %(agent)s",
    "unassigned": f"{_WORKING} AND NOT t.is_robot AND t.owner_id IS NULL",
    "open": f"{_WORKING} AND NOT t.is_robot",
    "burning": f"{_WORKING} AND t.burns_at <= %(now)s",
    "solved": "t.status IN ('solved', 'closed')",
    "robots": f"{_WORKING} AND t.is_robot",
    "quarantine": _WORKING,
}
VIEWS = tuple(_CONDITIONS)
SEARCH = "search"
_COLUMNS = """
SELECT t.id, t.subject, t.status, t.urgency, t.snippet, c.name, a.name, t.owner_id, t.queue_id,
    t.version, t.arrived_late, t.is_robot, t.last_message_at, t.next_due_at,
    t.burns_at, t.turn, coalesce(t.news_at, t.last_message_at) > coalesce(r.seen_at, %(read_from)s)
"""
# The reader's own mark.
_MARK = "LEFT JOIN tickets_readmark r ON r.ticket_id = t.id AND r.agent_id = %(reader)s"
_ROWS = f"""
{_COLUMNS} FROM tickets_ticket t
LEFT JOIN customers_contact c ON c.id = t.contact_id
LEFT JOIN customers_account a ON a.id = t.account_id
{_MARK}
WHERE t.queue_id = ANY(%(queues)s) AND
"""


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
    queue_id: int
    version: int
    arrived_late: bool
    is_robot: bool
    last_message_at: datetime
    next_due_at: datetime | None
    burns_at: datetime | None
    turn: int
    is_unread: bool


# What is solved or closed stands newest first; what is worked on by whose turn it is (`turns`).
DONE = frozenset({"solved", SEARCH})


def place(view: str, ticket: Ticket | Row) -> tuple[int, int]:
    """Where a ticket stands in a view; smaller stands higher."""
    key = -micros(ticket.last_message_at) if view in DONE else ticket.turn
    return key, ticket.id


def page(
    agent: Agent, view: str, after: tuple[int, int] | None = None, limit: int = PAGE
) -> Question[list[Row]]:
    """At most `limit` rows of a view that the agent may see, in the view's order, below the place
    `after`; raises KeyError for an unknown view."""
    values = _values(agent, view)
    if after is not None:
        at = moment(-after[0]) if view in DONE else after[0]
        values |= {"at": at, "pk": after[1]}
    return Question(_page_sql(view, after is not None, limit), values, _made)


def found(
    agent: Agent,
    where: Condition,
    number: int = 0,
    after: tuple[int, int] | None = None,
    limit: int = PAGE,
) -> list[Row]:
    """At most `limit` tickets that the agent may see and a condition of the search finds, newest
    first, below the place `after`; the ticket of the `number` that was typed stands first."""
    values: dict[str, Any] = {"queues": sorted(policy.queues_at(agent))} | _reader(agent)
    if after is not None:
        values |= {"at": moment(-after[0]), "pk": after[1]}
    rows = _rows(_found_sql(where, after is not None, limit), values) if where.sql else []
    if number and after is None:
        named = _rows(f"{_ROWS} t.id = %(pk)s", values | {"pk": number})
        rows = named + [row for row in rows if row.id != number]
    return rows


def _found_sql(where: Condition, is_deep: bool, limit: int) -> str:
    """Rare words are looked up and their tickets sorted; common ones are met among the newest;
    names are looked up for what is shown alone."""
    deeper = "AND (t.last_message_at, t.id) < (%(at)s, %(pk)s)" if is_deep else ""
    order = "ORDER BY t.last_message_at DESC, t.id DESC"
    if where.is_rare:
        source, is_hit = HITS.format(where.sql), "true"
    else:
        known = f"SELECT FROM tickets_searchtext s WHERE s.ticket_id = t.id AND {where.sql}"
        source = "tickets_ticket t"
        is_hit = f"t.queue_id = ANY(%(queues)s) AND EXISTS ({known} OFFSET 0)"
    hits = f"SELECT t.* FROM {source} WHERE {is_hit} {deeper} {order} LIMIT {int(limit)}"  # noqa: S608
    return f"""{_COLUMNS} FROM ({hits}) t
LEFT JOIN customers_contact c ON c.id = t.contact_id
LEFT JOIN customers_account a ON a.id = t.account_id
{_MARK}
{order}"""


def row_of(agent: Agent, view: str, ticket_id: int) -> Row | None:
    """One ticket's row, None when it does not stand in that view of the agent; among results of a
    search whatever he sees stands."""
    sql = f"{_ROWS} {_CONDITIONS.get(view, 'true')} AND t.id = %(pk)s"
    rows = _rows(sql, _values(agent, view) | {"pk": ticket_id})
    return rows[0] if rows else None


@cache
def _page_sql(view: str, is_deep: bool, limit: int) -> str:
    # The limit is no parameter: without knowing it the database plans for a tenth of the table.
    if view in DONE:
        deeper, order = "(t.last_message_at, t.id) <", "t.last_message_at DESC, t.id DESC"
    else:
        deeper, order = "(t.turn, t.id) >", "t.turn, t.id"
    deeper = f"AND {deeper} (%(at)s, %(pk)s)" if is_deep else ""
    order = f"ORDER BY {order} LIMIT {int(limit)}"
    return f"{_ROWS} {_CONDITIONS[view]} {deeper} {order}"


COUNTED = ("unassigned", "open", "burning", "robots")
OWN = 0  # in place of a queue's number: the agent's own tickets


@cache
def _tallies_sql(with_own: bool, most: int) -> str:
    def count(where: str) -> str:
        # A queue at a time, and up to the cap: the database walks an index and reads little else.
        found = f"SELECT 1 FROM tickets_ticket t WHERE {where} LIMIT {most}"  # noqa: S608
        return f"(SELECT count(*) FROM ({found}) counted)"  # noqa: S608

    parts = ", ".join(count(f"t.queue_id = q.id AND {_CONDITIONS[view]}") for view in COUNTED)
    sql = f"SELECT q.id, {parts} FROM unnest(%(queues)s::smallint[]) q(id)"  # noqa: S608
    if with_own:
        own = count(f"t.queue_id = ANY(%(all)s::smallint[]) AND {_CONDITIONS['mine']}")
        sql += f" UNION ALL SELECT {OWN}, {own}, 0, 0, 0"
    return sql


def tallies_of(
    agent: Agent, queues: list[int], *, with_own: bool
) -> Question[list[tuple[int, dict[str, int]]]]:
    """For each of these queues how many tickets stand in each of COUNTED, up to COUNT_CAP each;
    `with_own`: under OWN how many are the agent's, wherever he sees them."""
    values: dict[str, Any] = {"queues": queues, "now": clock.now()}
    if with_own:
        values |= {"all": sorted(policy.queues_at(agent)), "agent": agent.pk}
    return Question(_tallies_sql(with_own, COUNT_CAP), values, _tallies)


def _tallies(rows: list[Any]) -> list[tuple[int, dict[str, int]]]:
    return [
        (queue, {"mine": counts[0]} if queue == OWN else dict(zip(COUNTED, counts, strict=True)))
        for queue, *counts in rows
    ]


def may(agent: Agent, ticket: Ticket) -> dict[str, bool]:
    """What the agent may do with the ticket, by the name of the level."""
    own = policy.levels(agent).get(ticket.queue_id, 0)
    return {level.name.lower(): own >= level for level in Level}


def _queues(agent: Agent, view: str) -> list[int]:
    """The queues of a view that the agent sees; what lies in quarantine has a view of its own,
    and stands besides in the list of whoever leads it."""
    seen, quarantine = policy.queues_at(agent), policy.company(agent).quarantine
    if view in {"mine", SEARCH}:
        return sorted(seen)
    return sorted(seen & quarantine if view == "quarantine" else seen - quarantine)


def _values(agent: Agent, view: str) -> dict[str, Any]:
    values: dict[str, Any] = {"queues": _queues(agent, view), "now": clock.now()} | _reader(agent)
    return values | {"agent": agent.pk} if view == "mine" else values


def _reader(agent: Agent) -> dict[str, Any]:
    """Whose marks tell what is unread."""
    return {"reader": agent.pk, "read_from": agent.read_from}


def _rows(sql: str, values: dict[str, Any]) -> list[Row]:
    return _made(ask_all(sql, values))


def _made(rows: list[Any]) -> list[Row]:
    return [Row._make(row) for row in rows]
