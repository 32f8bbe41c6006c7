from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _

from zabota.channels.outbox import new_message_id
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock
from zabota.lib.faults import reach
from zabota.lib.html import text_to_html
from zabota.lib.rows import insert
from zabota.lib.text import clean, shorten
from zabota.staff.models import Agent
from zabota.tickets import letters, readmarks
from zabota.tickets.actions.change import turn
from zabota.tickets.actions.owning import give
from zabota.tickets.actions.solving import mark_solved, refuse_recovery
from zabota.tickets.events import Replied
from zabota.tickets.locking import NotPossible, changing
from zabota.tickets.models import (
    Attachment,
    AttachmentState,
    Direction,
    Message,
    Purpose,
    Status,
    Ticket,
)

MAX_REPLY = 100_000
_POSTED = "SELECT id FROM tickets_message WHERE content_key = %s AND ticket_id = %s"


@dataclass(frozen=True)
class Upload:
    """A file whose bytes already lie in the blob store."""

    name: str
    content_type: str
    size: int
    sha256: str
    is_scanned: bool = True


def reply(
    ticket: Ticket,
    body: str,
    *,
    agent: Agent,
    by: Actor,
    files: Sequence[Upload] = (),
    solve: bool = False,
    then: str = "",
    key: str | None = None,
    to: str = "",
    takes: bool = True,
    ends_draft: bool = False,
) -> Message:
    """A public answer signed with the agent's full name; the first who answers owns a free ticket,
    unless he `takes` none (a program).

    The same `key` posts once: a second call returns the first message and changes nothing.

    `then` is the status afterwards ('' leaves it, a new ticket becomes open); `to` one of the
    client's addresses ('' where he wrote from last); `ends_draft`: it was his draft.

    Raises NotPossible for an empty answer, an agent without both names, an address of somebody
    else, or a ticket that takes no answer.
    """
    with changing(ticket, "contact", "inbox") as row:
        if before := posted(row, key):
            return before
        body = check(row, body, files, solve=solve)
        signed, where = letters.signature(agent), chosen(row, to)
        message = _write(
            row, body, signed=signed, agent=agent, solves=solve, key=key, answer_to=where
        )
        attach(message, files)
        if row.owner_id is None and takes:
            give(row, agent, by)
        row.first_answer_at = row.first_answer_at or message.at
        row.awaits_answer, row.waits_since = False, None
        readmarks.wrote(row.pk, agent.pk, message.at, "reply" if ends_draft else "")
        fact = Replied(ticket=row.pk, message=message.pk, solves=solve, purpose="")
        record(fact, stream=row.stream, by=by)
        if solve:
            mark_solved(row, told=message.pk, by=by)
        elif then in {Status.WAITING_CLIENT, Status.WAITING_INTERNAL} and row.status != then:
            turn(row, Status(then), by)
        elif row.status != Status.OPEN and then in {"", Status.OPEN}:
            _open_again(row, by)
    reach("reply.committed")
    return message


def send_automatic(ticket: Ticket, body: str, *, purpose: str, by: Actor) -> Message | None:
    """An automatic message signed by the owner's full name or the queue's name; once per purpose.

    None when this purpose was served already since the ticket was last reopened, and for the word
    of a solution when the ticket is open again meanwhile.
    """
    with changing(ticket) as row:
        return None if _already_told(row, purpose) else say(row, body, purpose, by)


def say(row: Ticket, body: str, purpose: str, by: Actor) -> Message:
    """An automatic message in a locked ticket that was not told this yet."""
    message = _write(row, body, signed=letters.signature_of(row), purpose=purpose)
    fact = Replied(ticket=row.pk, message=message.pk, solves=False, purpose=purpose)
    record(fact, stream=row.stream, by=by)
    return message


def check(
    row: Ticket, body: str, files: Sequence[Upload], *, to: str = "", solve: bool = False
) -> str:
    """The text as it will be sent; raises NotPossible for what `reply` refuses."""
    body = _checked(body, files)
    if solve:
        refuse_recovery(row)
    if row.contact is None or not row.contact.address:
        raise NotPossible(_("This ticket has no client to answer to."))
    if row.status == Status.CLOSED:
        raise NotPossible(_("The ticket is closed. Open a follow-up instead."))
    chosen(row, to)
    return body


def _checked(body: str, files: Sequence[Upload]) -> str:
    body = clean(body).replace("\r\n", "\n").strip()
    if not body:
        raise NotPossible(_("Write a line to the files.") if files else _("The answer is empty."))
    if len(body) > MAX_REPLY:
        raise NotPossible(_("The answer is too long: attach it as a file."))
    return body


def chosen(row: Ticket, to: str) -> list[list[str]]:
    """The address that was chosen for this answer alone, as the message keeps it."""
    if not to:
        return []
    contact = row.contact
    if contact is None or not contact.identities.filter(kind="mail", value=to).exists():
        raise NotPossible(_("This address is none of the client's."))
    return [[to, contact.name]]


def _write(
    row: Ticket,
    body: str,
    *,
    signed: str,
    agent: Agent | None = None,
    purpose: str = "",
    solves: bool = False,
    key: str | None = None,
    answer_to: Sequence[Sequence[str]] = (),
) -> Message:
    new = Message(
        ticket=row,
        direction=Direction.OUT,
        purpose=purpose,
        agent=agent,
        signed=signed,
        at=clock.now(),
        text=body,
        html=text_to_html(body),
        language=row.language,
        solves=solves,
        inbox=row.inbox,
        message_id=new_message_id(row.inbox.address if row.inbox else "", row.pk),
        content_key=key,
        answer_to=answer_to,
    )
    message = insert(new)
    if not purpose:
        row.last_message_at = row.news_at = message.at
        row.snippet = shorten(body, 160)
    return message


def posted(row: Ticket, key: str | None) -> Message | None:
    """The message that this key posted into the locked ticket before."""
    if not key:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_POSTED, [key, row.pk])
        found = cursor.fetchone()
    return Message.objects.get(pk=found[0]) if found else None


def attach(message: Message, files: Sequence[Upload]) -> None:
    """Hang stored files on a message that was just made."""
    Attachment.objects.bulk_create(
        Attachment(
            message=message,
            name=file.name,
            content_type=file.content_type,
            size=file.size,
            sha256=file.sha256,
            state=AttachmentState.OK,
        )
        for file in files
    )


def _open_again(row: Ticket, by: Actor) -> None:
    if row.status == Status.NEW:
        turn(row, Status.OPEN, by)


def _already_told(row: Ticket, purpose: str) -> bool:
    told = Message.objects.filter(ticket=row, purpose=purpose)
    if purpose == Purpose.SOLVED:
        if row.solved_at is None:
            return True
        told = told.filter(at__gte=row.solved_at)
    return told.exists()
