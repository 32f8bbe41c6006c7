"""Appending a mail to its ticket: message, files, participants, status."""

from __future__ import annotations

from zabota.channels import blobs, scan
from zabota.channels.contract import ParsedFile, ParsedMessage, Robot
from zabota.channels.models import RawMessage, RawState
from zabota.customers.models import Contact
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock
from zabota.lib.rows import insert, insert_all_unless, update
from zabota.lib.text import safe_filename, shorten
from zabota.tickets import files, links, threading
from zabota.tickets.actions.change import turn
from zabota.tickets.actions.relating import relate
from zabota.tickets.actions.solving import open_solved
from zabota.tickets.events import MessageReceived
from zabota.tickets.locking import save_changes, state_of
from zabota.tickets.models import (
    Attachment,
    AttachmentState,
    Direction,
    Message,
    Participant,
    Status,
    Ticket,
)
from zabota.tickets.threading import Decision

# Nobody waits behind these: they wake no ticket.
QUIET = frozenset({Robot.BOUNCE, Robot.AUTO_REPLY, Robot.LOOP})


def append(
    ticket: Ticket,
    raw: RawMessage,
    parsed: ParsedMessage,
    contact: Contact,
    decision: Decision,
    key: str,
    *,
    own: frozenset[str],
    kept: list[Attachment],
    silent: str,
    by: Actor,
) -> Message:
    """Add an understood mail to its locked ticket and announce it.

    `own`: our addresses; `kept`: its files; `silent`: why nobody is told of it, '' when in time.
    """
    message = insert(_message(ticket, raw, parsed, contact, decision, key, silent))
    if kept:
        hang(kept, message)
    _name_what_is_missing(message, raw)
    _add_participants(ticket, parsed, contact, own)
    _link_earlier_children(message, by)
    _change_ticket(ticket, message, parsed, silent, by)
    if raw.state != RawState.DONE:
        raw.state = RawState.DONE
        update(raw, "state")
    fact = MessageReceived(
        ticket=ticket.pk, message=message.pk, silent=bool(silent), owner=ticket.owner_id
    )
    record(fact, stream=ticket.stream, by=by)
    return message


def _message(
    ticket: Ticket,
    raw: RawMessage,
    parsed: ParsedMessage,
    contact: Contact,
    decision: Decision,
    key: str,
    silent: str,
) -> Message:
    at = raw.arrived_at if silent else raw.received_at
    return Message(
        ticket=ticket,
        direction=Direction.IN,
        contact=contact,
        at=at,
        received_at=at,
        text=parsed.said or parsed.reply or ("" if parsed.quoted else parsed.text),
        quoted="\n\n".join(part for part in (parsed.signature, parsed.quoted) if part),
        html=_shown_html(parsed),
        language=parsed.language,
        inbox=raw.inbox,
        raw=raw,
        message_id=parsed.message_id[:250],
        in_reply_to=(parsed.in_reply_to[0] if parsed.in_reply_to else "")[:250],
        content_key=key,
        answer_to=_answer_to(parsed, contact),
        robot=parsed.robot,
        robot_sign=parsed.robot_sign[:200],
        repairs=list(parsed.repairs[:20]),
        thread_how=decision.how,
        thread_detail=decision.detail[:250],
    )


def _answer_to(parsed: ParsedMessage, contact: Contact) -> list[list[str]]:
    """Where an answer to this goes, when it is not the address to which we write first."""
    people = list(parsed.reply_to[:5])
    if not people and parsed.sender.email.lower() != contact.address:
        people = [parsed.sender]
    return [[one.email, one.name] for one in people]


def _shown_html(parsed: ParsedMessage) -> str:
    """HTML without the quote, which is kept as text; '' when only the text could be parted."""
    if parsed.html_quoted:
        return parsed.html_reply
    return "" if parsed.quoted else parsed.html


def keep_files(parsed: ParsedMessage) -> list[Attachment]:
    """The files of a mail, stored and judged, not yet hung on a message.

    Done before the ticket is locked: a virus scanner may take its time, an agent does not wait.
    """
    return [_kept(file) for file in parsed.files]


def _kept(file: ParsedFile) -> Attachment:
    state, sha256 = AttachmentState.TOO_LARGE, ""
    if file.content is not None:
        sha256, _ = blobs.put([file.content])
        state = files.judge(file.name, scan.scan(sha256))
    return Attachment(
        name=safe_filename(file.name),
        content_type=file.content_type[:120],
        size=file.size,
        sha256=sha256,
        is_inline=file.inline,
        content_id=file.content_id[:250],
        state=state,
    )


def hang(kept: list[Attachment], message: Message) -> None:
    """Hang kept files on their message."""
    for file in kept:
        file.message = message
    Attachment.objects.bulk_create(kept)


def _name_what_is_missing(message: Message, raw: RawMessage) -> None:
    if not raw.is_cut:
        return
    Attachment.objects.create(
        message=message,
        name=f"original-{raw.pk}.eml",
        content_type="message/rfc822",
        size=raw.size,
        state=AttachmentState.TOO_LARGE,
    )


def _add_participants(
    ticket: Ticket, parsed: ParsedMessage, contact: Contact, own: frozenset[str]
) -> None:
    """Everybody in To and Cc takes part; our own addresses never do."""
    people = [(parsed.sender, "from")]
    people += [(address, "to") for address in parsed.to]
    people += [(address, "cc") for address in parsed.cc]
    wanted = {
        address.email[:320]: Participant(
            ticket=ticket, address=address.email[:320], name=address.name[:200], role=role
        )
        for address, role in reversed(people[:50])
        if address.email and links.plain_address(address.email) not in own
    }
    if first := contact.address:
        wanted[first] = Participant(ticket=ticket, address=first, name=contact.name, role="from")
    insert_all_unless(list(reversed(wanted.values())))


def _link_earlier_children(message: Message, by: Actor) -> None:
    """An answer to this mail came before it and opened a ticket: say that they belong together."""
    children = threading.children_of(message)
    if children:
        relate(children, message.ticket, by=by)


def _change_ticket(
    ticket: Ticket, message: Message, parsed: ParsedMessage, silent: str, by: Actor
) -> None:
    was = state_of(ticket)
    ticket.last_message_at = ticket.news_at = message.at if silent else clock.now()
    ticket.snippet = shorten(message.text or message.quoted, 160)
    if not parsed.robot:
        ticket.is_robot = False
        if not silent and ticket.waits_since is None:
            ticket.waits_since = message.at
    if silent != "import" and parsed.robot not in QUIET:
        ticket.awaits_answer = True
        if ticket.status == Status.SOLVED:
            open_solved(ticket, message.pk, by)
        elif ticket.status == Status.WAITING_CLIENT:
            turn(ticket, Status.OPEN, by)
    ticket.version += 1
    save_changes(ticket, was)
