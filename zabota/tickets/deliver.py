"""A public message of ours becomes one envelope in the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from zabota.channels import outbox
from zabota.channels.contract import Address, Envelope, OutgoingFile
from zabota.channels.models import Inbox
from zabota.events.actor import system
from zabota.events.kept import Kept
from zabota.events.log import consumer
from zabota.events.models import Event
from zabota.lib.faults import reach
from zabota.lib.html import text_to_html
from zabota.tickets import letters, links
from zabota.tickets.events import Replied
from zabota.tickets.models import AttachmentState, Direction, Message, Participant, Ticket

MAX_COPIES = 30


@consumer("tickets.deliver", Replied, priority=lambda fact: 0 if fact.purpose else 5)
def deliver(event: Event, fact: Replied) -> None:
    """Put the message into the outbox once; its key is the message."""
    message = Message.objects.select_related("ticket__contact", "ticket__inbox", "agent").get(
        pk=fact.message
    )
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
    message.save(update_fields=["outgoing"])
    reach("deliver.queued")


def envelope(message: Message, inbox: Inbox | None) -> Envelope:
    """The complete letter: recipients, threading headers, text and HTML with signature."""
    ticket = message.ticket
    address = inbox.address if inbox else ""
    to = recipient(ticket)
    ids = _public_ids(ticket, before=message)
    text = letters.full_text(message)
    return Envelope(
        message_id=message.message_id,
        mail_from=address,
        sender=Address(address, _sender_name(message, inbox)),
        to=(to,),
        cc=() if message.purpose else copies(ticket, to.email),
        subject=letters.subject(ticket),
        text=text,
        html=text_to_html(text),
        reply_to=_reply_to(ticket, inbox),
        in_reply_to=ids[-1] if ids else "",
        references=tuple(ids),
        automatic=bool(message.purpose),
        date=message.at,
        # An automatic message has no files.
        files=() if message.purpose else _files(message),
    )


def recipient(ticket: Ticket) -> Address:
    """Where the answer goes: the Reply-To of the client's last mail, else his address."""
    contact = ticket.contact
    last = (
        Message.objects.filter(ticket=ticket, direction=Direction.IN, robot="")
        .order_by("-received_at", "-id")
        .values_list("contact_id", "answer_to")
        .first()
    )
    if last and last[0] == ticket.contact_id and last[1]:
        wanted = foreign(last[1], own_addresses())
        if wanted:
            return wanted[0]
    if contact is None:
        return Address("")
    return Address(contact.address, contact.name)


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
    return Inbox.objects.filter(address__in={address.lower(), bare}).exists()


def copies(ticket: Ticket, to: str) -> tuple[Address, ...]:
    """The other participants; never the recipient himself and never an address of ours."""
    main = ticket.contact.address if ticket.contact else ""
    rows = Participant.objects.filter(ticket=ticket).exclude(address__in=[to, main])
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
    rows = Message.objects.filter(ticket=ticket, direction__in=[Direction.IN, Direction.OUT])
    ids = rows.exclude(pk=before.pk).exclude(message_id="").order_by("received_at", "id")
    return list(ids.filter(pk__lt=before.pk).values_list("message_id", flat=True))


def _files(message: Message) -> tuple[OutgoingFile, ...]:
    rows = message.attachments.filter(state=AttachmentState.OK).exclude(sha256="").order_by("id")
    return tuple(OutgoingFile(row.name, row.content_type, row.sha256) for row in rows)
