"""Small changes of a ticket; each records was and now."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib.rows import ask
from zabota.lib.text import clean
from zabota.staff.models import Topic
from zabota.tickets.actions.queueing import place
from zabota.tickets.events import (
    StatusChanged,
    SubjectChanged,
    TagsChanged,
    TopicChanged,
    TypeChanged,
    UrgencyChanged,
)
from zabota.tickets.locking import NotPossible, changing
from zabota.tickets.models import Status, Ticket, TicketType, Urgency

BY_HAND = frozenset({Status.OPEN, Status.WAITING_CLIENT, Status.WAITING_INTERNAL})


def set_status(ticket: Ticket, status: str, *, by: Actor) -> Ticket:
    """Between the working statuses; solving, reopening and closing are actions of their own."""
    with changing(ticket) as row:
        if status == row.status:
            return row
        if status not in BY_HAND or not row.is_working:
            raise NotPossible(_("This status cannot be set by hand now."))
        if status == Status.WAITING_CLIENT and not _is_told(row):
            raise NotPossible(
                _(
                    "The client waits for you: write to him, and choose “Send and wait for the "
                    "client”."
                )
            )
        turn(row, Status(status), by)
    return row


_LAST_PUBLIC = """
SELECT direction, purpose FROM tickets_message
 WHERE ticket_id = %s AND direction IN ('in', 'out') AND purpose = '' AND robot = ''
 ORDER BY id DESC LIMIT 1
"""


def _is_told(row: Ticket) -> bool:
    """A person of ours wrote the last public word, so it is the client's turn."""
    last = ask(_LAST_PUBLIC, [row.pk])
    return row.waits_since is None and last is not None and last[0] == "out"


def turn(row: Ticket, status: Status, by: Actor) -> None:
    """Set the status of a locked ticket and record it."""
    was, row.status = row.status, status
    row.status_version += 1
    record(StatusChanged(ticket=row.pk, was=was, now=status), stream=row.stream, by=by)


def set_urgency(ticket: Ticket, urgency: int, *, by: Actor) -> Ticket:
    """1 (loses money now) to 4 (low); raises NotPossible for anything else."""
    if urgency not in Urgency.values:
        raise NotPossible(_("There is no such urgency."))
    with changing(ticket) as row:
        if row.urgency != urgency:
            hurry(row, urgency, by)
    return row


def hurry(row: Ticket, urgency: int, by: Actor) -> None:
    """Set the urgency of a locked ticket and record it."""
    fact = UrgencyChanged(ticket=row.pk, was=row.urgency, now=urgency)
    row.urgency = urgency
    record(fact, stream=row.stream, by=by)


def set_type(ticket: Ticket, type_: str, *, by: Actor) -> Ticket:
    """One of TicketType; raises NotPossible for anything else."""
    if type_ not in TicketType.values:
        raise NotPossible(_("There is no such type."))
    with changing(ticket) as row:
        if row.type != type_ and TicketType.RECOVERY in {row.type, type_}:
            raise NotPossible(_("Recoveries are opened by low marks alone."))
        if row.type != type_:
            fact = TypeChanged(ticket=row.pk, was=row.type, now=type_)
            row.type = type_
            record(fact, stream=row.stream, by=by)
    return row


def set_topic(ticket: Ticket, topic: Topic | None, *, by: Actor) -> Ticket:
    """Another topic; a ticket that nobody owns yet goes to the topic's queue."""
    with changing(ticket) as row:
        if row.topic_id == (topic.pk if topic else None):
            return row
        fact = TopicChanged(ticket=row.pk, was=row.topic_id, now=topic.pk if topic else None)
        row.topic = topic
        record(fact, stream=row.stream, by=by)
        if topic and row.owner_id is None and row.queue_id != topic.queue_id and row.is_working:
            place(row, topic.queue, "topic", by)
    return row


def set_tags(ticket: Ticket, tags: Iterable[str], *, by: Actor) -> Ticket:
    """Exactly these tags, lower-cased, without repeats, at most 20 of 50 letters."""
    wanted = sorted({clean(tag).strip().lower()[:50] for tag in tags} - {""})[:20]
    with changing(ticket) as row:
        was = set(row.tags)
        if was != set(wanted):
            row.tags = wanted
            fact = TagsChanged(
                ticket=row.pk, added=sorted(set(wanted) - was), removed=sorted(was - set(wanted))
            )
            record(fact, stream=row.stream, by=by)
    return row


def rename(ticket: Ticket, subject: str, *, by: Actor) -> Ticket:
    """Another subject; raises NotPossible for an empty one."""
    subject = clean(subject).strip()[:300]
    if not subject:
        raise NotPossible(_("Write a subject."))
    with changing(ticket) as row:
        if row.subject != subject:
            row.subject = subject
            record(SubjectChanged(ticket=row.pk), stream=row.stream, by=by)
    return row
