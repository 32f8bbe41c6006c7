"""What a client types on a page of ours enters as a mail does: kept raw, then appended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from zabota.channels import blobs
from zabota.channels.contract import Address, ParsedMessage
from zabota.channels.models import HIDDEN, Inbox, RawMessage, RawState
from zabota.channels.scan import Verdict
from zabota.customers.actions import identify
from zabota.customers.models import Contact
from zabota.events.actor import Actor, system
from zabota.events.actor import contact as the_contact
from zabota.events.log import together
from zabota.lib import clock
from zabota.lib.rows import Joined, Rows, ask, insert
from zabota.staff.models import Queue, Topic
from zabota.tickets import files as judging
from zabota.tickets.actions.answer import Upload
from zabota.tickets.actions.opening import open_ticket
from zabota.tickets.appending import append
from zabota.tickets.deliver import own_addresses
from zabota.tickets.intake import ticket_for
from zabota.tickets.models import Attachment, Message, Ticket, TicketType
from zabota.tickets.threading import Decision, How

# How the places of such raw messages begin.
PLACE = "page:"
PORTAL = system("portal")


@dataclass(frozen=True)
class Posted:
    """What was typed, complete: `key` is the form's own, the same key enters once."""

    key: str
    address: str
    text: str
    name: str = ""
    subject: str = ""
    language: str = ""
    files: Sequence[Upload] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


def posted_before(key: str) -> Message | None:
    """The message that this key brought in."""
    found = Message.objects.filter(content_key=_content_key(key)).select_related("ticket")
    return found.first()


def add_to(ticket: Ticket, posted: Posted) -> Message:
    """Append to the ticket; a closed one leads to a linked follow-up. Needs an inbox."""
    with transaction.atomic():
        if before := _begin(posted.key):
            return before
        box = ticket.inbox or inbox_for(ticket.queue_id)
        raw, contact, parsed = _taken(posted, box, PORTAL)
        by = the_contact(contact.pk)
        decision = Decision(ticket, How.PAGE)
        row, decision = ticket_for(raw, parsed, contact, decision, late=False, by=by)
        return _append(row, raw, parsed, contact, decision, posted, by)


def add_brought(ticket: Ticket, posted: Posted, *, by: Actor) -> Message:
    """`add_to` of what a program brings: that the key is new the caller says, in whose transaction
    it happens. Needs an inbox."""
    raw, contact, parsed = _taken(posted, ticket.inbox or inbox_for(ticket.queue_id), by)
    decision = Decision(ticket, How.API)
    row, decision = ticket_for(raw, parsed, contact, decision, late=False, by=by)
    return _append(row, raw, parsed, contact, decision, posted, by)


def open_with(posted: Posted, topic: Topic, *, type: str = TicketType.QUESTION) -> Message:
    """A new ticket of the topic with what was typed as its first message. Needs an inbox."""
    with transaction.atomic(), together():
        if before := _begin(posted.key):
            return before
        box = inbox_for(topic.queue_id)
        raw, contact, parsed = _taken(posted, box, PORTAL)
        by = the_contact(contact.pk)
        ticket = open_ticket(
            contact,
            subject=posted.subject,
            queue=topic.queue,
            how="topic",
            by=by,
            inbox=box,
            topic=topic,
            type=type,
            language=posted.language,
        )
        return _append(ticket, raw, parsed, contact, Decision(None, How.FORM), posted, by)


def bring(
    posted: Posted,
    queue: Queue,
    topic: Topic | None,
    *,
    type: str,
    by: Actor,
    at: datetime | None = None,
) -> Message:
    """A new ticket that a program brings for the client; `at`: long ago, so in silence. Needs an
    inbox and the caller's transaction; that the key is new the caller says."""
    box = inbox_for(queue.pk)
    with together():
        return _bring(posted, box, queue, topic, type, by, at)


def _bring(
    posted: Posted,
    box: Inbox,
    queue: Queue,
    topic: Topic | None,
    type: str,
    by: Actor,
    at: datetime | None,
) -> Message:
    raw, contact, parsed = _taken(posted, box, by, at)
    ticket = open_ticket(
        contact,
        subject=posted.subject,
        queue=queue,
        how="topic" if topic and topic.queue_id == queue.pk else "api",
        by=by,
        inbox=box,
        topic=topic,
        type=type,
        language=posted.language,
        at=at,
        arrived_late=at is not None,
    )
    decision = Decision(None, How.API)
    silent = "import" if at else ""
    return _append(ticket, raw, parsed, contact, decision, posted, by, silent)


def inbox_for(queue_id: int) -> Inbox:
    """The mailbox that answers for a queue, else the first; raises Inbox.DoesNotExist."""
    found = _INBOX.first([queue_id])
    if found is None:
        raise Inbox.DoesNotExist
    box: Inbox = found[0]
    return box


_INBOX = Joined(
    [Rows(Inbox, "i", leave_out=HIDDEN)],
    "FROM channels_inbox i WHERE i.is_active ORDER BY (i.queue_id = %s) DESC, i.id LIMIT 1",
)


def _begin(key: str) -> Message | None:
    """Whoever comes second with the same key waits here for the first."""
    ask("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"posted:{key}"])
    return posted_before(key)


def _content_key(key: str) -> str:
    return hashlib.sha256(f"{PLACE}{key}".encode()).hexdigest()


def _taken(
    posted: Posted, box: Inbox, by: Actor, at: datetime | None = None
) -> tuple[RawMessage, Contact, ParsedMessage]:
    sha256, size = blobs.put([json.dumps(asdict(posted), ensure_ascii=False).encode()])
    now = clock.now()
    new = RawMessage(
        inbox=box, place=f"{PLACE}{_content_key(posted.key)}", sha256=sha256, size=size,
        received_at=now, arrived_at=at or now, state=RawState.DONE,
    )  # fmt: skip
    raw = insert(new)
    contact = identify("mail", posted.address, name=posted.name, by=by, language=posted.language)
    parsed = ParsedMessage(
        sender=Address(posted.address, posted.name), reply_to=(), to=(), cc=(),
        subject=posted.subject, message_id="", in_reply_to=(), references=(), date=now,
        text=posted.text, html="", reply=posted.text, quoted="", said=posted.text,
        language=posted.language,
    )  # fmt: skip
    return raw, contact, parsed


def _append(
    ticket: Ticket,
    raw: RawMessage,
    parsed: ParsedMessage,
    contact: Contact,
    decision: Decision,
    posted: Posted,
    by: Actor,
    silent: str = "",
) -> Message:
    kept = [
        Attachment(
            name=file.name,
            content_type=file.content_type,
            size=file.size,
            sha256=file.sha256,
            state=judging.judge(file.name, Verdict.CLEAN if file.is_scanned else Verdict.UNKNOWN),
        )
        for file in posted.files
    ]
    return append(
        ticket, raw, parsed, contact, decision, _content_key(posted.key),
        own=own_addresses(), kept=kept, silent=silent, by=by,
    )  # fmt: skip
