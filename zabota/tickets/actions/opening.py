from __future__ import annotations

from datetime import datetime

from django.db import transaction

from zabota.channels.models import Inbox
from zabota.customers.models import Contact
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock
from zabota.lib.rows import insert
from zabota.lib.text import clean
from zabota.staff.models import Queue, Topic
from zabota.tickets.events import TicketMade
from zabota.tickets.models import Ticket, TicketType
from zabota.tickets.turns import settle


def open_ticket(
    contact: Contact,
    *,
    subject: str,
    queue: Queue,
    how: str,
    by: Actor,
    inbox: Inbox | None = None,
    topic: Topic | None = None,
    type: str = TicketType.QUESTION,
    language: str = "",
    at: datetime | None = None,
    follow_up_of: Ticket | None = None,
    maybe_related: Ticket | None = None,
    arrived_late: bool = False,
    is_robot: bool = False,
) -> Ticket:
    """A new ticket without messages or participants; `how` says why it stands in this queue
    ('inbox', 'topic').

    `at` is the original time of the request (aware), now by default.
    """
    moment = at or clock.now()
    # No savepoint: nobody goes on in a transaction whose ticket could not be made.
    with transaction.atomic(savepoint=False):
        row = Ticket(
            contact=contact,
            account_id=contact.account_id,
            subject=clean(subject).strip()[:300],
            queue=queue,
            queue_reason=how,
            inbox=inbox,
            topic=topic,
            type=type,
            language=language or language_of(contact, inbox),
            created_at=moment,
            last_message_at=moment,
            follow_up_of=follow_up_of,
            maybe_related=maybe_related,
            arrived_late=arrived_late,
            is_robot=is_robot,
        )
        settle(row)
        ticket = insert(row)
        fact = TicketMade(ticket=ticket.pk, queue=queue.pk, how=how)
        record(fact, stream=ticket.stream, by=by)
    return ticket


def language_of(contact: Contact, inbox: Inbox | None) -> str:
    """The contact's language, else his account's, else the inbox's, else Russian."""
    own = contact.language or (contact.account.language if contact.account else "")
    return own or (inbox.language if inbox else "") or "ru"
