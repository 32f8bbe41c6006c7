"""The visible order of first treatment: signal words, clocks and expected time, acknowledgement."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from django.db import transaction

from zabota.automation import urgency
from zabota.calendars import known
from zabota.events.actor import Actor, system
from zabota.events.kept import held
from zabota.events.log import consumer, record, together
from zabota.events.models import Event
from zabota.lib import clock
from zabota.lib.faults import reach
from zabota.lib.rows import ask, tell
from zabota.lib.zones import zone
from zabota.sla import clocks, expecting
from zabota.tickets import letters
from zabota.tickets.actions import send_automatic
from zabota.tickets.actions.answer import say
from zabota.tickets.deliver import is_ours, recipient
from zabota.tickets.events import MessageReceived, Solved, Triaged
from zabota.tickets.locking import changing_new, changing_within
from zabota.tickets.models import Message, Purpose, Ticket
from zabota.tickets.threading import How

# At most one automatic answer per address and window, and few in an hour: two robots cannot keep
# each other busy.
WINDOW = timedelta(minutes=2)
LONG_WINDOW = timedelta(hours=1)
PER_LONG_WINDOW = 5
NEEDED = ("contact", "inbox", "queue", "owner")
# Whoever asks by the form or by a program reads the expected time there, told by mail or not.
TOLD_AT_ONCE = frozenset({How.FORM, How.API})
UNMAILED = frozenset({"flood", "unwanted", "declined"})


@consumer("automation.triage", MessageReceived, atomic=False)
def on_message(event: Event, fact: MessageReceived) -> None:
    """Mail and messengers reach triage by their fact."""
    take(fact.message, silent=fact.silent, by=system("triage").because(event))


class Treated(NamedTuple):
    """Whether the message was acknowledged, and the time that was told, if any."""

    acknowledged: bool
    due_at: datetime | None


def take(message_id: int, *, silent: bool, by: Actor, acknowledge: bool = True) -> Treated:
    """Treat one client message once. Without `acknowledge` the one who brought it tells the client
    himself."""
    with transaction.atomic():
        message = _begin(message_id)
        if message is None:
            return Treated(False, None)
        with (
            held(),
            together(),
            changing_within(Ticket(pk=message.ticket_id), *NEEDED) as ticket,
        ):
            quiet = reason_to_be_quiet(ticket, message, silent)
            treated = _treat(ticket, message, quiet, silent, acknowledge, by)
    reach("triage.taken")
    return treated


def take_new(message: Message, *, silent: bool, by: Actor, acknowledge: bool = True) -> Treated:
    """`take` for the first message of a ticket, both made in the caller's transaction: nothing of
    them is locked or asked for again, and the ticket is afterwards as it stands in the database."""
    tell(_MARK, [clock.now(), message.pk])
    with held(), together(), changing_new(message.ticket) as ticket:
        quiet = reason_to_be_quiet(ticket, message, silent, is_first=True)
        return _treat(ticket, message, quiet, silent, acknowledge, by)


def _treat(
    ticket: Ticket, message: Message, why_not: str, silent: bool, acknowledge: bool, by: Actor
) -> Treated:
    """The order of treatment; `why_not` is why the message gets no acknowledgement."""
    why_not = why_not or ("" if acknowledge else "unwanted")
    if not silent and not message.robot:
        urgency.mark(ticket, message, by=by)
    working = known.of_queue(ticket.queue_id)
    is_told = not why_not or (why_not in UNMAILED and message.thread_how in TOLD_AT_ONCE)
    told = expecting.promise(ticket, working, by=by) if is_told else None
    clocks.run(ticket, by=by, promise=told, working=working)
    if not why_not:
        due = told.due_at.astimezone(zone_of(ticket)) if told else None
        say(ticket, letters.acknowledgement(ticket, due), Purpose.ACKNOWLEDGEMENT, by)
    fact = Triaged(ticket=ticket.pk, message=message.pk, acknowledged=not why_not, why_not=why_not)
    record(fact, stream=ticket.stream, by=by)
    return Treated(not why_not, told.due_at if told else None)


def zone_of(ticket: Ticket) -> tzinfo:
    """The zone of the person who waits: his own, else his account's, the inbox's, the calendar's of
    the queue."""
    contact, inbox = ticket.contact, ticket.inbox
    own = zone(contact.time_zone) if contact else None
    if own is None and contact and contact.account_id and contact.account:
        own = zone(contact.account.time_zone)
    if own is None and inbox:
        own = zone(inbox.time_zone)
    return own or known.of_queue(ticket.queue_id).hours.zone


def _begin(message_id: int) -> Message | None:
    """The message (id, ticket, robot, beginning of its text, how it came), marked as treated; None
    when it was before.

    The mark locks the row: whoever comes second waits here.
    """
    found = ask(
        f"{_MARK} RETURNING ticket_id, robot, left(text, 5000), thread_how",
        [clock.now(), message_id],
    )
    if found is None:
        return None
    ticket, robot, text, how = found
    return Message(pk=message_id, ticket_id=ticket, robot=robot, text=text, thread_how=how)


_MARK = "UPDATE tickets_message SET triaged_at = %s WHERE id = %s AND triaged_at IS NULL"


def reason_to_be_quiet(
    ticket: Ticket, message: Message, silent: bool, *, is_first: bool = False
) -> str:
    """Why this message gets no acknowledgement; '' when it gets one (once per ticket). `is_first`:
    it is known that the ticket has no other message."""
    if silent:
        return "silent"
    if message.robot:
        return "robot"
    if ticket.contact and not ticket.contact.wants_receipts:
        return "declined"
    if not is_first and ask(_TOLD, [ticket.pk, message.pk]):
        return "told"
    to = recipient(ticket, message if is_first else None).email
    if not to or is_ours(to):
        return "own_address"
    # One statement for nearly all: whoever was told nothing in the hour was not in the window.
    lately = _answered_since(ticket, to, LONG_WINDOW)
    if lately >= PER_LONG_WINDOW or (lately and _answered_since(ticket, to, WINDOW)):
        return "flood"
    return ""


def _answered_since(ticket: Ticket, to: str, window: timedelta) -> int:
    """Automatic answers to this person, and to his Reply-To from whomever the mails were."""
    since, contact = clock.now() - window, ticket.contact
    if contact is None:
        return 0
    count = 0 if contact.is_new else int(ask(_ANSWERED, [contact.pk, since])[0])
    if to == contact.address:
        return count
    # Many senders may name one victim in Reply-To.
    treated = Event.objects.filter(at__gt=since, kind=Triaged.kind, facts__acknowledged=True)
    named = Message.objects.filter(
        pk__in=[facts["message"] for facts in treated.values_list("facts", flat=True)],
        answer_to__contains=[[to]],
    )
    return max(count, named.count())


_TOLD = """
SELECT 1 FROM tickets_message WHERE ticket_id = %s
   AND (direction = 'out' OR direction = 'in' AND id < %s) LIMIT 1
"""
_ANSWERED = """
SELECT count(*) FROM tickets_ticket t JOIN tickets_message m ON m.ticket_id = t.id
 WHERE t.contact_id = %s AND m.direction = 'out' AND m.purpose <> '' AND m.at > %s
"""


@consumer("automation.solved_notice", Solved)
def tell_solution(event: Event, fact: Solved) -> None:
    """Nobody is left without the word that his request is solved."""
    if fact.told is not None:
        return
    ticket = Ticket.objects.select_related("contact", "owner", "queue").get(pk=fact.ticket)
    to = recipient(ticket).email
    if ticket.contact is None or ticket.is_robot or not to or is_ours(to):
        return
    by = system("triage").because(event)
    send_automatic(ticket, letters.solved_notice(ticket), purpose=Purpose.SOLVED, by=by)
