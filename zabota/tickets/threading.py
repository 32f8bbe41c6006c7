"""Which ticket a mail belongs to, and why. `decide` is the rule; its first line is the order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from zabota.channels.contract import ParsedMessage
from zabota.channels.models import Outgoing
from zabota.customers.models import Identity
from zabota.lib.rows import ask_all
from zabota.tickets import links
from zabota.tickets.models import Direction, Message, Participant, Ticket

# As many letters of a Message-ID as a message keeps.
LONGEST_ID = 250


class How(StrEnum):
    """Why a mail joined a ticket or did not; stored with the message and shown."""

    ADDRESS = "address"
    OUR_MESSAGE_ID = "our_message_id"
    HIS_MESSAGE_ID = "his_message_id"
    SUBJECT = "subject"
    NEW = "new"
    STRANGER = "stranger"
    NOTE = "note"
    FOLLOW_UP = "follow_up"
    BOUNCE = "bounce"
    FORWARDED = "forwarded"
    FLOOD = "flood"
    BY_HAND = "by_hand"
    PAGE = "page"
    FORM = "form"
    API = "api"


@dataclass(frozen=True)
class Decision:
    """The ticket to join, or None for a new one that may be related to `related`."""

    ticket: Ticket | None
    how: How
    detail: str = ""
    related: Ticket | None = None


def decide(message: ParsedMessage, sender: str) -> Decision:
    """Signed address, our Message-IDs, his own Message-IDs, subject token; a stranger never joins.

    `sender` is the address of the one who writes, lower-cased.
    """
    stranger: tuple[Ticket, str] | None = None
    for ticket, how, detail in _candidates(message):
        if _takes_part(ticket, sender):
            return Decision(ticket, how, detail)
        stranger = stranger or (ticket, detail)
    if stranger is None:
        return Decision(None, How.NEW)
    return Decision(None, How.STRANGER, stranger[1], related=stranger[0])


def note_ticket(message: ParsedMessage) -> Ticket | None:
    """The ticket whose notification an agent answers, by its signed address or Message-ID."""
    for address in _recipients(message):
        found = links.ticket_of_address(address)
        if found and found[0] == "n":
            return Ticket.objects.filter(pk=found[1]).first()
    ids = [*message.in_reply_to, *message.references][:100]
    notice = Outgoing.objects.filter(message_id__in=ids, key__startswith=links.NOTICE).first()
    return Ticket.objects.filter(pk=links.ticket_of_notice(notice.key)).first() if notice else None


def _candidates(message: ParsedMessage) -> Iterator[tuple[Ticket, How, str]]:
    for address in _recipients(message):
        found = links.ticket_of_address(address)
        if found and found[0] == "t":
            ticket = Ticket.objects.filter(pk=found[1]).first()
            if ticket:
                yield ticket, How.ADDRESS, address
    yield from _by_message_id(message)
    for number in links.SUBJECT.findall(message.subject):
        ticket = Ticket.objects.filter(pk=int(number)).first()
        if ticket:
            yield ticket, How.SUBJECT, f"[#{number}]"


def _by_message_id(message: ParsedMessage) -> Iterator[tuple[Ticket, How, str]]:
    """Our own ids before his; the nearest (In-Reply-To, then the last reference) first."""
    named = [*message.in_reply_to, *reversed(message.references)]
    ids = list(dict.fromkeys(one[:LONGEST_ID] for one in named))[:100]
    if not ids:
        return
    known = {
        row.message_id: row
        for row in Message.objects.filter(message_id__in=ids, direction__in=["in", "out"])
        .select_related("ticket")
        .order_by("-id")
    }
    for direction, how in (
        (Direction.OUT, How.OUR_MESSAGE_ID),
        (Direction.IN, How.HIS_MESSAGE_ID),
    ):
        for message_id in ids:
            row = known.get(message_id)
            if row is not None and row.direction == direction:
                yield row.ticket, how, message_id


def children_of(message: Message) -> list[int]:
    """Tickets of messages that answer this one but came before it and opened tickets."""
    if not message.message_id:
        return []
    found = ask_all(_CHILDREN, [message.message_id, message.ticket_id])
    return [ticket for (ticket,) in found]


# Written out with `<> ''`, without which the index of what is answered is of no use.
_CHILDREN = """
SELECT ticket_id FROM tickets_message
 WHERE in_reply_to = %s AND in_reply_to <> '' AND direction = 'in' AND ticket_id <> %s
 ORDER BY id LIMIT 10
"""


def _takes_part(ticket: Ticket, sender: str) -> bool:
    if not sender:
        return False
    if Participant.objects.filter(ticket=ticket, address=sender).exists():
        return True
    # The client may write from another address of his that we know.
    own = Identity.objects.filter(kind="mail", value=sender, contact=ticket.contact_id)
    return ticket.contact_id is not None and own.exists()


def _recipients(message: ParsedMessage) -> Iterable[str]:
    everybody = [address.email for address in (*message.to, *message.cc)]
    return dict.fromkeys([*message.delivered_to, *everybody])
