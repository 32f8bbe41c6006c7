"""A raw message becomes a message of a ticket: parse, identify, thread, append."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import replace

from django.db import IntegrityError, InterfaceError, OperationalError, transaction

from zabota.channels import blobs, registry
from zabota.channels.contract import Address, ParsedMessage, ParseError, Robot
from zabota.channels.events import RawReceived
from zabota.channels.models import Inbox, Outgoing, RawMessage, RawState
from zabota.customers.actions import forget_returns, identify
from zabota.customers.models import Contact
from zabota.events.actor import Actor, TooDeep, system
from zabota.events.kept import held
from zabota.events.log import consumer, record, together
from zabota.events.models import Event
from zabota.lib.faults import reach
from zabota.lib.rows import Joined, Rows, ask, update
from zabota.staff import policy
from zabota.staff.models import Agent, Level, Queue
from zabota.tickets import floods, quarantine, returns, threading
from zabota.tickets.actions.internal import add_note
from zabota.tickets.actions.opening import language_of, open_ticket
from zabota.tickets.appending import append, hang, keep_files
from zabota.tickets.deliver import own_addresses
from zabota.tickets.events import AlsoArrived, FloodBegan
from zabota.tickets.lateness import silent_reason
from zabota.tickets.models import Message, Status, Ticket
from zabota.tickets.threading import Decision, How

log = logging.getLogger(__name__)

# Not the mail's fault: the job is tried again, and waits on "Undelivered" after that.
PASSING = (OperationalError, InterfaceError, IntegrityError, OSError, MemoryError, TooDeep)


@consumer("tickets.intake", RawReceived, atomic=False)
def take_in(event: Event, fact: RawReceived) -> None:
    """One raw message, once; what cannot be read goes to quarantine and blocks nobody."""
    by = system("intake").because(event)
    try:
        _take_in(fact.raw, by)
    except PASSING:
        raise
    except Exception as error:
        # A mail that we stumble over must lie before people, with its original, not in a queue.
        log.exception("mail not understood", extra={"raw": fact.raw})
        with transaction.atomic():
            raw = _waiting(fact.raw)
            if raw is not None:
                quarantine.put(raw, stumbled(error), by)


def stumbled(error: Exception) -> str:
    """Technical English for a mail that met a fault of our own; never what the mail says."""
    return f"Zabota met an error of its own in this mail: {type(error).__name__}"


def _take_in(raw_id: int, by: Actor) -> None:
    with transaction.atomic():
        raw = _waiting(raw_id)
        if raw is None:
            return
        try:
            parsed = registry.kind(raw.inbox.kind).parse(blobs.get(raw.sha256))
            sender = sender_of(parsed)
            if not sender.email:
                raise ParseError("No sender: the mail has neither From nor Reply-To nor Sender.")
        except ParseError as error:
            if _was_quarantined(raw):
                _mark(raw, RawState.DOUBLE)
            else:
                quarantine.put(raw, str(error), by)
            return
        reach("intake.parsed")
        with held():
            place(raw, parsed, sender, by)
        reach("intake.appended")
    reach("intake.committed")


def _was_quarantined(raw: RawMessage) -> bool:
    """A renumbered mailbox brings back what people have before them, or have discarded."""
    same = RawMessage.objects.filter(inbox=raw.inbox_id, sha256=raw.sha256).exclude(pk=raw.pk)
    seen = same.filter(state__in=[RawState.QUARANTINE, RawState.DISCARDED])
    return raw.silent_reason == "uidvalidity" and seen.exists()


def _waiting(raw_id: int) -> RawMessage | None:
    """The locked row, with its inbox and queue; None when it was taken in already."""
    found = _RAW.first([raw_id])
    if found is None:
        raise RawMessage.DoesNotExist(raw_id)
    raw, inbox, queue = found
    raw.inbox, inbox.queue = inbox, queue
    return raw if raw.state == RawState.WAITING else None


_RAW = Joined(
    [Rows(RawMessage, "r"), Rows(Inbox, "i"), Rows(Queue, "q")],
    "FROM channels_rawmessage r JOIN channels_inbox i ON i.id = r.inbox_id "
    "JOIN staff_queue q ON q.id = i.queue_id WHERE r.id = %s FOR UPDATE OF r",
)
_AGENT = Joined([Rows(Agent, "a")], "FROM staff_agent a WHERE a.email = %s AND a.is_active")
_TWIN = "SELECT id, ticket_id FROM tickets_message WHERE content_key = %s"


def place(raw: RawMessage, parsed: ParsedMessage, sender: Address, by: Actor) -> Message | None:
    """Find or make the ticket of an understood mail; None when it is there already."""
    key, own = content_key(raw, parsed), own_addresses()
    if _came_before(raw, parsed, key, own, by):
        return None
    (agent,) = _AGENT.first([sender.email]) or [None]
    noted = threading.note_ticket(parsed) if agent else None
    if agent and noted and policy.allows(agent, Level.REPLY, noted.queue_id):
        return _note(raw, parsed, agent, noted, key)
    decision = threading.decide(parsed, sender.email)
    if agent and (client := forwarded_by(agent, parsed, own)):
        sender, parsed = client, whole(parsed, client)
        decision = Decision(None, How.FORWARDED, agent.email)
    elif parsed.bounce and (came_back := returns.take_back(parsed.bounce, by)):
        decision = Decision(came_back, How.BOUNCE, parsed.bounce.message_id)
    with together():
        return _enter(raw, parsed, sender, decision, key, own, by)


def _enter(
    raw: RawMessage,
    parsed: ParsedMessage,
    sender: Address,
    decision: Decision,
    key: str,
    own: frozenset[str],
    by: Actor,
) -> Message:
    """The mail of a client enters the ticket that was decided upon, or a new one."""
    contact = identify(
        "mail",
        sender.email,
        name=sender.name,
        by=by,
        language=parsed.language,
        time_zone=parsed.timezone,
    )
    if contact.returned and parsed.robot == Robot.NONE:
        forget_returns("mail", sender.email, by=by)
    late = silent_reason(raw, parsed)
    kept = keep_files(parsed)
    decision, is_flood = (decision, False) if late else floods.dammed(contact.pk, decision)
    ticket, decision = ticket_for(raw, parsed, contact, decision, bool(late), by)
    if is_flood:
        record(FloodBegan(ticket=ticket.pk, contact=contact.pk), stream=ticket.stream, by=by)
    return append(
        ticket, raw, parsed, contact, decision, key, own=own, kept=kept, silent=late, by=by
    )


def forwarded_by(agent: Agent, parsed: ParsedMessage, own: frozenset[str]) -> Address | None:
    """The client whose mail an agent forwards; None when he forwards nothing of a client."""
    client = parsed.forwarded_from
    if client is None or not client.email or client.email in own | {agent.email}:
        return None
    return None if _AGENT.first([client.email]) else client


def whole(parsed: ParsedMessage, client: Address) -> ParsedMessage:
    """A forwarded mail as one of the client: nothing of it is a quotation."""
    return replace(
        parsed, sender=client, reply_to=(), said=parsed.text, reply=parsed.text, signature="",
        quoted="", html_reply="", html_quoted="",
    )  # fmt: skip


def sender_of(parsed: ParsedMessage) -> Address:
    """Who wants the answer: Reply-To of a form or robot address, else From, else what there is."""
    if parsed.reply_to and parsed.reply_to[0].email:
        answer, own = parsed.reply_to[0], own_addresses()
        form = parsed.robot == Robot.AUTO_GENERATED or not parsed.sender.email
        if (form or parsed.sender.email in own) and answer.email not in own:
            return Address(answer.email, answer.name or parsed.sender.name)
    if parsed.sender.email:
        return parsed.sender
    return Address((parsed.return_path or "").lower())


def content_key(raw: RawMessage, parsed: ParsedMessage) -> str:
    """Equal for the same mail in two inboxes (other Received lines), else different."""
    if not parsed.message_id:
        return raw.sha256
    files = [(file.name, file.size, _digest(file.content)) for file in parsed.files]
    parts = [
        parsed.message_id,
        parsed.sender.email,
        parsed.subject,
        parsed.text,
        parsed.html,
        files,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _digest(content: bytes | None) -> str:
    return hashlib.sha256(content or b"").hexdigest()


def _came_before(
    raw: RawMessage, parsed: ParsedMessage, key: str, own: frozenset[str], by: Actor
) -> bool:
    """The same mail again, or our own that came back: kept as raw, shown nowhere twice."""
    twin = ask(_TWIN, [key])
    if twin is None and parsed.message_id:
        ours = parsed.sender.email in own
        if ours and Outgoing.objects.filter(message_id=parsed.message_id).exists():
            _mark(raw, RawState.DOUBLE)
            return True
    if twin is None:
        return False
    _mark(raw, RawState.DOUBLE)
    message, ticket = twin
    fact = AlsoArrived(ticket=ticket, message=message, raw=raw.pk)
    record(fact, stream=Ticket(pk=ticket).stream, by=by)
    return True


def _note(
    raw: RawMessage, parsed: ParsedMessage, agent: Agent, ticket: Ticket, key: str
) -> Message:
    body, kept = parsed.said or parsed.text or parsed.subject or "…", keep_files(parsed)
    note = add_note(
        ticket,
        body,
        agent=agent,
        by=agent.actor,
        raw=raw,
        content_key=key,
        message_id=parsed.message_id[:250],
    )
    hang(kept, note)
    _mark(raw, RawState.DONE)
    return note


def ticket_for(
    raw: RawMessage,
    parsed: ParsedMessage,
    contact: Contact,
    decision: Decision,
    late: bool,
    by: Actor,
) -> tuple[Ticket, Decision]:
    """The ticket to append to, locked; a closed one leads to a linked follow-up."""
    if decision.ticket is not None:
        ticket = Ticket.objects.select_for_update().get(pk=decision.ticket.pk)
        if ticket.status != Status.CLOSED or decision.how in {How.BOUNCE, How.FLOOD}:
            return ticket, decision
        decision = Decision(None, How.FOLLOW_UP, f"#{ticket.pk}", related=ticket)
    follows = decision.related if decision.how == How.FOLLOW_UP else None
    new = open_ticket(
        contact,
        subject=parsed.subject,
        queue=follows.queue if follows else raw.inbox.queue,
        how="follow_up" if follows else "inbox",
        by=by,
        inbox=raw.inbox,
        language=language_of(contact, raw.inbox),
        at=raw.arrived_at if late else None,
        follow_up_of=follows,
        maybe_related=None if follows else decision.related,
        arrived_late=late,
        is_robot=parsed.robot != Robot.NONE,
    )
    # Made in this transaction: nobody else can see it, let alone change it.
    return new, decision


def _mark(raw: RawMessage, state: RawState) -> None:
    raw.state = state
    update(raw, "state")
