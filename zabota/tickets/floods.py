"""Somebody, or some program, that sends more mails in an hour than a person would."""

from __future__ import annotations

from datetime import timedelta

from zabota.lib import clock
from zabota.lib.rows import ask_all
from zabota.tickets.models import Ticket
from zabota.tickets.threading import Decision, How

HOUR = timedelta(hours=1)
MOST = 20  # mails of one address in an hour that may each open a ticket

_LATEST = """
SELECT ticket_id, thread_how FROM tickets_message
 WHERE contact_id = %s AND received_at > %s AND direction = 'in'
 ORDER BY received_at DESC, id DESC LIMIT %s
"""


def dammed(contact_id: int, decision: Decision) -> tuple[Decision, bool]:
    """The decision of a mail that would open a ticket, and whether it is the first too many.

    After MOST mails in an hour the next ones join the ticket of the last one: kept, not
    acknowledged.
    """
    if decision.ticket is not None or decision.how == How.FOLLOW_UP:
        return decision, False
    rows = ask_all(_LATEST, [contact_id, clock.now() - HOUR, MOST])
    if len(rows) < MOST:
        return decision, False
    number, how = rows[0]
    return Decision(Ticket(pk=number), How.FLOOD, str(MOST)), how != How.FLOOD
