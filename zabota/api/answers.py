"""What programs read; the OpenAPI document is made from these. What they send: `schemas.py`."""

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field

from zabota.staff.models import Language
from zabota.tickets.models import Direction, Status, TicketType, Urgency

NEXT = "Goes into `cursor`; `null`: this page is the last."
CHOSEN = "In which he gets mail; empty: nothing is known."


class Attached(Schema):
    """A file of a message."""

    id: Annotated[int, Field(description="By which it is fetched from its ticket.")]
    name: Annotated[str, Field(description="Its name.")]
    content_type: Annotated[str, Field(description="What kind of file it is.")]
    size: Annotated[int, Field(description="In bytes.")]
    state: Annotated[
        Literal["ok", "too_large", "blocked", "infected", "unscanned"],
        Field(description="Only `ok` and `unscanned` are given out, the latter after a scan."),
    ]


class Uploaded(Schema):
    """A file that waits two days for the message it goes with; then it is deleted."""

    id: Annotated[int, Field(examples=[12], description="Goes into `attachments`.")]
    name: Annotated[str, Field(description="Its name.")]
    content_type: Annotated[str, Field(description="What kind of file it is.")]
    size: Annotated[int, Field(description="In bytes.")]


class Message(Schema):
    """One utterance of a ticket."""

    id: Annotated[int, Field(description="Its number.")]
    direction: Annotated[
        Direction,
        Field(description="`in` from the client, `out` to him, `note` is internal, `call` a call."),
    ]
    purpose: Annotated[str, Field(description="Of automatic messages; else empty.")]
    agent: Annotated[int | None, Field(description="Who wrote it, if an agent did.")]
    contact: Annotated[int | None, Field(description="Who wrote it, if a client did.")]
    author: Annotated[str, Field(description="The name that stands under it.")]
    at: Annotated[datetime, Field(description="When it came or was written.")]
    text: Annotated[str, Field(description="What it says.")]
    quoted: Annotated[str, Field(description="What the text quotes of earlier messages.")]
    language: Annotated[str, Field(description="In which it is written; empty: not known.")]
    call: Annotated[
        dict[str, str | int | bool],
        Field(description="Of a call: `topic`, `advice`, `came_in`, `minutes`; else empty."),
    ]
    delivery: Annotated[
        str | None,
        Field(
            description="How far a mail to the client is: `queued`, `sending`, `delayed`, `paced`, "
            "`sent`, `failed`, `held`, `returned`; `null`: it is no mail."
        ),
    ]
    attachments: Annotated[list[Attached], Field(description="Its files.")]


class TakenMessage(Message):
    """A message of a client that was just brought."""

    ticket: Annotated[
        int, Field(description="Another one when the ticket was closed: its follow-up.")
    ]


class ContactShort(Schema):
    """Who asked."""

    id: Annotated[int, Field(description="Its number.")]
    name: Annotated[str, Field(description="The name; may be empty.")]
    address: Annotated[str, Field(description="The mail address he prefers.")]


class Ticket(Schema):
    """One request of one client."""

    number: Annotated[int, Field(examples=[1042], description="By which everybody names it.")]
    subject: Annotated[str, Field(description="What it is called.")]
    type: Annotated[TicketType, Field(description="What kind of request it is.")]
    status: Annotated[Status, Field(description="How far it is.")]
    urgency: Annotated[Urgency, Field(description="`1` loses money now … `4` low.")]
    topic: Annotated[int | None, Field(description="What it is about.")]
    queue: Annotated[int, Field(description="Where it waits.")]
    owner: Annotated[int | None, Field(description="The agent who leads it; `null`: nobody.")]
    contact: Annotated[ContactShort | None, Field(description="Who asked.")]
    account: Annotated[int | None, Field(description="The company of the contact.")]
    language: Annotated[Language, Field(description="In which the client gets mail.")]
    tags: Annotated[list[str], Field(description="Words to find it by.")]
    version: Annotated[int, Field(description="Grows with every change.")]
    created_at: Annotated[datetime, Field(description="When it was made.")]
    last_message_at: Annotated[
        datetime, Field(description="When the last message came or was written.")
    ]
    first_answer_at: Annotated[
        datetime | None, Field(description="When a person first answered; `null`: nobody did.")
    ]
    solved_at: Annotated[
        datetime | None, Field(description="When it was solved; `null`: it is not.")
    ]
    closed_at: Annotated[
        datetime | None, Field(description="When it was closed; `null`: it is not.")
    ]
    expected_at: Annotated[
        datetime | None,
        Field(description="By when the client was told to expect the first answer."),
    ]


class MadeTicket(Ticket):
    """A ticket that was just brought."""

    message: Annotated[int, Field(description="Its first message.")]
    acknowledged: Annotated[bool, Field(description="A mail with number and time is on its way.")]


class Contact(ContactShort):
    """A person we serve."""

    addresses: Annotated[list[str], Field(description="All his mail addresses.")]
    account: Annotated[int | None, Field(description="The company he belongs to.")]
    language: Annotated[Literal["", "ru", "en"], Field(description=CHOSEN)]
    time_zone: Annotated[str, Field(description="His time zone; empty: not known.")]
    created_at: Annotated[datetime, Field(description="When he became known.")]


class Account(Schema):
    """A company or household we serve."""

    id: Annotated[int, Field(description="Its number.")]
    name: Annotated[str, Field(description="What it is called.")]
    language: Annotated[
        Literal["", "ru", "en"],
        Field(
            description="In which its people get mail, if they chose none; empty: nothing is known."
        ),
    ]
    time_zone: Annotated[str, Field(description="Its time zone; empty: not known.")]
    domains: Annotated[list[str], Field(description="Confirmed mail domains.")]
    created_at: Annotated[datetime, Field(description="When it became known.")]


class Topic(Schema):
    """What requests are about; leads to a queue."""

    id: Annotated[int, Field(description="Its number.")]
    name_ru: Annotated[str, Field(description="What it is called in Russian.")]
    name_en: Annotated[str, Field(description="What it is called in English.")]
    parent: Annotated[int | None, Field(description="The topic above it.")]
    queue: Annotated[int, Field(description="Where its tickets wait.")]


class Queue(Schema):
    """Where tickets wait."""

    id: Annotated[int, Field(description="Its number.")]
    name_ru: Annotated[str, Field(description="What it is called in Russian.")]
    name_en: Annotated[str, Field(description="What it is called in English.")]
    line: Annotated[int, Field(description="The support line.")]
    access: Annotated[
        Literal["", "see", "reply", "reassign", "close", "manage"],
        Field(
            description="What the token's agent may do there, each with all before it; empty: "
            "nothing."
        ),
    ]


class Agent(Schema):
    """A person of ours."""

    id: Annotated[int, Field(description="Its number.")]
    name: Annotated[str, Field(description="First name and surname.")]


class Me(Schema):
    """The token that asks."""

    token: Annotated[str, Field(description="What it is for.")]
    agent: Annotated[Agent, Field(description="As whom the program works.")]
    scopes: Annotated[list[str], Field(description="What the program may do.")]
    expires_at: Annotated[datetime | None, Field(description="`null`: never.")]


class TicketPage(Schema):
    items: list[Ticket]
    next: Annotated[str | None, Field(description=NEXT)]


class MessagePage(Schema):
    items: list[Message]
    next: Annotated[str | None, Field(description=NEXT)]


class ContactPage(Schema):
    items: list[Contact]
    next: Annotated[str | None, Field(description=NEXT)]


class AccountPage(Schema):
    items: list[Account]
    next: Annotated[str | None, Field(description=NEXT)]


class Topics(Schema):
    items: list[Topic]


class Queues(Schema):
    items: list[Queue]


class Agents(Schema):
    items: list[Agent]
