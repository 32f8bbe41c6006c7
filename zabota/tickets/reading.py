"""One ticket read whole for a screen, by statements written once (see lib/rows.py)."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from zabota.channels.models import HIDDEN, Inbox
from zabota.customers.models import Account, Contact
from zabota.lib.questions import Question
from zabota.lib.rows import Joined, Rows, ask, ask_all
from zabota.staff import policy
from zabota.staff.models import Agent
from zabota.tickets.locking import FIRST_RETURNED
from zabota.tickets.models import Direction, Ticket


class Said(NamedTuple):
    """A message with the names and states that stand beside it. `html` is read only where it may
    be shown, of mail from outside; `files` are mappings of an attachment's columns."""

    id: int
    ticket_id: int
    direction: str
    purpose: str
    agent_id: int | None
    contact_id: int | None
    contact_name: str | None
    signed: str
    at: datetime
    received_at: datetime
    text: str
    quoted: str
    html: str
    language: str
    solves: bool
    call: dict[str, Any]
    raw_id: int | None
    answer_to: list[tuple[str, str]]
    robot: str
    robot_sign: str
    repairs: list[str]
    thread_how: str
    thread_detail: str
    outgoing_state: str | None
    outgoing_error: str | None
    outgoing_next: datetime | None
    files: list[dict[str, Any]]

    @property
    def is_public(self) -> bool:
        """The client wrote or gets it."""
        return self.direction in {Direction.IN, Direction.OUT}


_MESSAGES = """
SELECT m.id, m.ticket_id, m.direction, m.purpose, m.agent_id, m.contact_id, c.name, m.signed, m.at,
    m.received_at, m.text, m.quoted, CASE WHEN m.direction = 'in' THEN m.html ELSE '' END,
    m.language, m.solves, m.call, m.raw_id, m.answer_to, m.robot, m.robot_sign, m.repairs,
    m.thread_how, m.thread_detail, o.state, o.last_error,
    o.next_try,
    (SELECT json_agg(json_build_object('id', a.id, 'name', a.name, 'content_type', a.content_type,
        'size', a.size, 'state', a.state, 'is_inline', a.is_inline) ORDER BY a.id)
     FROM tickets_attachment a WHERE a.message_id = m.id)::text
FROM tickets_message m
LEFT JOIN customers_contact c ON c.id = m.contact_id
LEFT JOIN channels_outgoing o ON o.id = m.outgoing_id
WHERE m.ticket_id = %s ORDER BY m.received_at DESC, m.id DESC LIMIT %s
"""
_JSON = tuple(Said._fields.index(name) for name in ("call", "answer_to", "repairs"))


def messages_of(ticket_id: int, limit: int) -> Question[list[Said]]:
    """The newest `limit` messages, oldest first, with their files."""
    return Question(_MESSAGES, [ticket_id, limit], lambda rows: [_said(row) for row in rows[::-1]])


def _said(row: tuple[Any, ...]) -> Said:
    values = list(row)
    for place in _JSON:
        # Django's connection hands jsonb out as text; almost all of these are empty.
        text = values[place]
        values[place] = {} if text == "{}" else [] if text == "[]" else json.loads(text)
    values[-1] = json.loads(row[-1]) if row[-1] else []
    return Said(*values)


_NEWER = """
SELECT direction, signed FROM tickets_message
WHERE ticket_id = %s AND id > %s AND purpose = '' AND agent_id IS DISTINCT FROM %s
ORDER BY id LIMIT 10
"""


def newer_than(ticket_id: int, message_id: int, agent: Agent) -> list[tuple[str, str]]:
    """Direction and signature of people's messages after this one that are not the agent's own."""
    return ask_all(_NEWER, [ticket_id, message_id, agent.pk])


_PARTICIPANTS = """
SELECT address, name FROM tickets_participant
WHERE ticket_id = %s AND address <> ALL(%s) ORDER BY id LIMIT %s
"""


def participants_of(
    ticket_id: int, without: Collection[str], limit: int
) -> Question[list[tuple[str, str]]]:
    """Address and name of those who take part, in the order they came, but `without` these."""
    return Question(_PARTICIPANTS, [ticket_id, list(without), limit], list)


# All mail addresses of the contact, the one to which we write first at their head.
_ADDRESSES = (
    "(SELECT array_agg(value ORDER BY is_preferred DESC, id) FROM customers_identity "
    "WHERE contact_id = t.contact_id AND kind = 'mail')"
)


# Columns come from the models: a new one is read without being named here.
@cache
def _ticket() -> Joined:
    parts: tuple[Rows[Any], ...] = (
        Rows(Ticket, "t"),
        Rows(Contact, "c"),
        Rows(Account, "ca"),
        Rows(Account, "a"),
        Rows(Inbox, "i", leave_out=HIDDEN),
    )
    rest = (
        "FROM tickets_ticket t "
        "LEFT JOIN customers_contact c ON c.id = t.contact_id "
        "LEFT JOIN customers_account ca ON ca.id = c.account_id "
        "LEFT JOIN customers_account a ON a.id = t.account_id "
        "LEFT JOIN channels_inbox i ON i.id = t.inbox_id "
        "WHERE t.id = %s AND t.queue_id = ANY(%s)"
    )
    return Joined(parts, rest, f"{FIRST_RETURNED}, {_ADDRESSES}")


def visible_ticket(agent: Agent, ticket_id: int) -> Ticket | None:
    """The ticket when the agent may see it, with contact, accounts, inbox, queue, topic and owner,
    and the contact's first address."""
    queues = policy.queues_at(agent)
    if not queues:
        return None
    statement = _ticket()
    row = ask(statement.sql, [ticket_id, list(queues)])
    if row is None:
        return None
    ticket, contact, of_contact, account, inbox = statement.made(row)
    if contact is not None:
        contact.account = of_contact
        contact.address, *contact.other_addresses = row[-1] or [""]
        contact.returned = row[-2] or 0
    ticket.contact, ticket.account, ticket.inbox = contact, account, inbox
    _name(ticket, agent)
    return ticket  # type: ignore[no-any-return]


def _name(ticket: Ticket, agent: Agent) -> None:
    """Queue, topic and owner as the company has them; a newer one is left to be read."""
    now = policy.company(agent)
    if queue := now.queues.get(ticket.queue_id):
        ticket.queue = queue
    if topic := now.topics.get(ticket.topic_id or 0):
        ticket.topic = topic
    if owner := now.agents.get(ticket.owner_id or 0):
        ticket.owner = owner
