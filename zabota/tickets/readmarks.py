"""What an agent has read: his own mark, so that nothing is recorded of it."""

from __future__ import annotations

from datetime import datetime

from zabota.lib.rows import tell

_SAW = """
INSERT INTO tickets_readmark (ticket_id, agent_id, seen_at)
SELECT id, %(agent)s, least(%(upto)s, coalesce(news_at, last_message_at))
  FROM tickets_ticket WHERE id = %(ticket)s
    ON CONFLICT (ticket_id, agent_id) DO UPDATE SET seen_at = excluded.seen_at
 WHERE tickets_readmark.seen_at < excluded.seen_at
"""
_PUT_BACK = """
INSERT INTO tickets_readmark (ticket_id, agent_id, seen_at)
SELECT id, %(agent)s, coalesce(news_at, last_message_at) - interval '1 microsecond'
  FROM tickets_ticket WHERE id = %(ticket)s
    ON CONFLICT (ticket_id, agent_id) DO UPDATE SET seen_at = excluded.seen_at
"""
_OWN = """
WITH gone AS (
    DELETE FROM tickets_draft
     WHERE ticket_id = %(ticket)s AND agent_id = %(agent)s AND mode = %(draft)s
)
INSERT INTO tickets_readmark (ticket_id, agent_id, seen_at)
VALUES (%(ticket)s, %(agent)s, %(at)s)
    ON CONFLICT (ticket_id, agent_id) DO UPDATE SET seen_at = excluded.seen_at
"""


def saw(ticket_id: int, agent_id: int, upto: datetime) -> None:
    """He has seen what came up to this moment (aware)."""
    tell(_SAW, {"ticket": ticket_id, "agent": agent_id, "upto": upto})


def put_back(ticket_id: int, agent_id: int) -> None:
    """The newest of the ticket is unread again for him."""
    tell(_PUT_BACK, {"ticket": ticket_id, "agent": agent_id})


def wrote(ticket_id: int, agent_id: int, at: datetime, draft: str = "") -> None:
    """Whoever writes has read; the draft of this mode ('' for none) is over."""
    tell(_OWN, {"ticket": ticket_id, "agent": agent_id, "at": at, "draft": draft})
