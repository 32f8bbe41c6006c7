"""A public message of ours becomes one envelope in the outbox."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from zabota.channels import outbox
from zabota.channels.contract import Address, Envelope, OutgoingFile
from zabota.channels.models import Inbox
from zabota.customers.models import Contact, Identity
from zabota.events.actor import system
from zabota.events.kept import Kept
from zabota.events.log import consumer
from zabota.events.models import Event
from zabota.lib.faults import reach
from zabota.lib.rows import Joined, Rows, ask, ask_all, update
from zabota.tickets import letters, links, tracking
from zabota.tickets.events import Replied
from zabota.tickets.locking import FIRST_ADDRESS
from zabota.tickets.models import AttachmentState, Message, Participant, Ticket

MAX_COPIES = 30


@consumer("tickets.deliver", Replied, priority=lambda fact: 0 if fact.purpose else 5)
def deliver(event: Event, fact: Replied) -> None:
    """Put the message into the outbox once; its key is the message."""
    message = _with_ticket(fact.message)
    if message.outgoing_id is not None:
        return
    inbox = message.ticket.inbox or Inbox.objects.filter(is_active=True).order_by("id").first()
    row = outbox.enqueue(
        envelope(message, inbox),
        key=f"{outbox.TO_CLIENT}{message.pk}",
        inbox=inbox,
        by=system("deliver").because(event),
        first=not fact.purpose,
    )
    message.outgoing = row
    update(message, "outgoing")
    reach("deliver.queued")


_LETTER = Joined(
    [Rows(Message, "m"), Rows(Ticket, "t"), Rows(Contact, "c"), Rows(Inbox, "i")],
    "FROM tickets_message m JOIN tickets_ticket t ON t.id = m.ticket_id "
    "LEFT JOIN customers_contact c ON c.id = t.contact_id "
    "LEFT JOIN channels_inbox i ON i.id = t.inbox_id WHERE m.id = %s",
    FIRST_ADDRESS,
)


def _with_ticket(message_id: int) -> Message:
    row = ask(_LETTER.sql, [message_id])
    if row is None:
        raise Message.DoesNotExist(message_id)
    message, ticket, contact, inbox = _LETTER.made(row)
    if contact is not None:
        contact.address = row[-1] or ""
    message.ticket, ticket.contact, ticket.inbox = ticket, contact, inbox
    return message  # type: ignore[no-any-return]


def envelope(message: Message, inbox: Inbox | None) -> Envelope:
    """The complete letter: recipients, threading headers, text and HTML with signature."""
    ticket = message.ticket
    address = inbox.address if inbox else ""
    to = Address(*message.answer_to[0]) if message.answer_to else recipient(ticket)
    ids = _public_ids(ticket, before=message)
    link = tracking.url_in_mail(ticket.pk, to.email) if to.email else ""
    text = letters.full_text(message, link)
    return Envelope(
        message_id=message.message_id,
        mail_from=address,
        sender=Address(address, _sender_name(message, inbox)),
        to=(to,),
        cc=() if message.purpose else copies(ticket, to.email),
        subject=letters.subject(ticket),
        text=text,
        html=letters.full_html(message, link),
        reply_to=_reply_to(ticket, inbox),
        in_reply_to=ids[-1] if ids else "",
        references=tuple(ids),
        automatic=bool(message.purpose),
        date=message.at,
        # An automatic message has no files.
        files=() if message.purpose else _files(message),
    )


def recipient(ticket: Ticket, last: Message | None = None) -> Address:
    """Where the answer goes: the Reply-To of the client's last mail (`last`, where it is known),
    else his address."""
    contact = ticket.contact
    writer, answer_to = (last.contact_id, last.answer_to) if last else _last_of(ticket)
    if answer_to and writer == ticket.contact_id:
        wanted = foreign(answer_to, own_addresses())
        if wanted:
            return wanted[0]
    if contact is None:
        return Address("")
    return Address(contact.address, contact.name)


def _last_of(ticket: Ticket) -> tuple[int | None, list[tuple[str, str]]]:
    """Who wrote last, and where he wants the answer; empty for his first address."""
    found = ask(_LAST, [ticket.pk])
    return (found[0], [] if found[1] == "[]" else json.loads(found[1])) if found else (None, [])


_LAST = """
SELECT contact_id, answer_to::text FROM tickets_message
 WHERE ticket_id = %s AND direction = 'in' AND robot = '' ORDER BY received_at DESC, id DESC LIMIT 1
"""


def own_addresses() -> frozenset[str]:
    """The addresses of all inboxes, those that are switched off too."""
    return _OWN.get()


_OWN = Kept("inboxes", lambda: frozenset(Inbox.objects.values_list("address", flat=True)))


def foreign(people: Iterable[tuple[str, str]], own: AbstractSet[str]) -> list[Address]:
    """Those of `people` (address, name) whose address is not one of ours."""
    return [
        Address(email, name)
        for email, name in people
        if email and links.plain_address(email) not in own
    ]


def is_ours(address: str) -> bool:
    """Whether a mail to the address would come back to us: an inbox, with or without a tag."""
    local, _at, domain = address.lower().rpartition("@")
    bare = f"{local.partition('+')[0]}@{domain}"
    return not own_addresses().isdisjoint({address.lower(), bare})


def copies(ticket: Ticket, to: str) -> tuple[Address, ...]:
    """The other participants; never the recipient at another address of his, nor one of ours."""
    rows = Participant.objects.filter(ticket=ticket).exclude(address=to)
    if ticket.contact_id is not None:
        own = Identity.objects.filter(contact=ticket.contact_id, kind="mail")
        rows = rows.exclude(address__in=own.values("value"))
    people = rows.order_by("id").values_list("address", "name")[:MAX_COPIES]
    return tuple(foreign(people, own_addresses()))


def _sender_name(message: Message, inbox: Inbox | None) -> str:
    company = inbox.sender_name if inbox else ""
    if not company or company == message.signed:
        return message.signed
    return f"{message.signed}, {company}"


def _reply_to(ticket: Ticket, inbox: Inbox | None) -> tuple[Address, ...]:
    if inbox is None or not inbox.plus_addresses:
        return ()
    return (Address(links.reply_address(inbox.address, ticket.pk), inbox.sender_name),)


def _public_ids(ticket: Ticket, before: Message) -> list[str]:
    return [message_id for (message_id,) in ask_all(_PUBLIC_IDS, [ticket.pk, before.pk])]


_PUBLIC_IDS = """
SELECT message_id FROM tickets_message WHERE ticket_id = %s AND direction IN ('in', 'out')
   AND message_id <> '' AND id < %s ORDER BY received_at, id
"""


def _files(message: Message) -> tuple[OutgoingFile, ...]:
    rows = message.attachments.filter(state=AttachmentState.OK).exclude(sha256="").order_by("id")
    return tuple(OutgoingFile(row.name, row.content_type, row.sha256) for row in rows)
