"""Drafts of agents: kept on the server, so that they are there on another device too."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from zabota.lib import clock
from zabota.lib.questions import Question
from zabota.lib.rows import ask, tell
from zabota.lib.text import clean
from zabota.tickets.actions.answer import MAX_REPLY
from zabota.tickets.models import HeldReply

MODES = ("reply", "note")
_KEEP = """
INSERT INTO tickets_draft (ticket_id, agent_id, mode, text, "to", reason, at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (ticket_id, agent_id, mode) DO UPDATE SET text = excluded.text,
       "to" = excluded."to", reason = excluded.reason, at = excluded.at
"""


_FORGET = "DELETE FROM tickets_draft WHERE ticket_id = %s AND agent_id = %s AND mode = %s"
_BEGUN = (
    "SELECT text FROM tickets_draft WHERE ticket_id = %s AND agent_id = %s AND mode = %s FOR UPDATE"
)


class Open(NamedTuple):
    """What the author has not sent: `held` is the number of a held reply, None for a draft."""

    held: int | None
    mode: str
    text: str
    to: str
    reason: str
    at: datetime


# One statement for both: the screen of a ticket asks it each time.
_OPEN = """
SELECT NULL, mode, text, "to", reason, at FROM tickets_draft
 WHERE ticket_id = %s AND agent_id = %s
UNION ALL
SELECT id, 'reply', body, "to", '', send_at FROM tickets_heldreply
 WHERE ticket_id = %s AND agent_id = %s
 ORDER BY at DESC
"""


def keep(
    ticket_id: int, agent_id: int, mode: str, text: str, *, to: str = "", reason: str = ""
) -> datetime | None:
    """Keep the text, or forget the draft when it is empty; when it was kept."""
    text = clean(text)[:MAX_REPLY]
    if not text.strip():
        forget(ticket_id, agent_id, mode)
        return None
    now = clock.now()
    tell(_KEEP, [ticket_id, agent_id, mode, text, to[:320], reason[:300], now])
    return now


def stamp(at: datetime) -> int:
    """The moment in milliseconds, as scripts compare it."""
    return int(at.timestamp() * 1000)


def forget(ticket_id: int, agent_id: int, mode: str) -> None:
    """The draft is no longer needed: it was sent, or emptied."""
    tell(_FORGET, [ticket_id, agent_id, mode])


def give_back(held: HeldReply, reason: str = "") -> None:
    """The text of a held reply is its author's draft again, before what he has begun since."""
    place = [held.ticket_id, held.agent_id, "reply"]
    begun = ask(_BEGUN, place)
    text = f"{held.body}\n\n{begun[0]}" if begun else held.body
    keep(held.ticket_id, held.agent_id, "reply", text, to=held.to, reason=reason)


def open_of(ticket_id: int, agent_id: int) -> Question[list[Open]]:
    """Drafts and held replies of one agent in one ticket, newest first."""
    who = [ticket_id, agent_id]
    return Question(_OPEN, [*who, *who], lambda rows: [Open(*row) for row in rows])
