"""What programs send and read; the OpenAPI document is made from these."""

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from zabota.api.values import Address, Id, Line, Moment, Name, QueryId, Tag, Text
from zabota.staff.models import Language
from zabota.tickets.models import Direction, Status, TicketType, Urgency

Languages = Literal["ru", "en"]
# What programs may make: recoveries are opened by low marks alone.
Kind = Literal[
    "question", "incident", "problem", "service_request", "complaint", "suggestion", "praise",
    "outreach",
]  # fmt: skip
Hurry = Literal[1, 2, 3, 4]


class Given(Schema):
    """A body: a field that does not exist is told, not dropped."""

    model_config = ConfigDict(extra="forbid")


class Person(Given):
    """The client for whom a program asks."""

    address: Annotated[Address, Field(examples=["p.lebedev@romashka.example"])]
    name: Annotated[Name, Field(examples=["Пётр Лебедев"])] = ""


class NewTicket(Given):
    """A request of a client, brought by a program. `topic` or `queue` says where it goes."""

    on_behalf_of: Person
    subject: Annotated[Line, Field(examples=["Не приходит код для входа"])]
    text: Annotated[Text, Field(examples=["Здравствуйте! Код не приходит с утра."])]
    topic: Annotated[Id | None, Field(description="A topic leads to its queue.")] = None
    queue: Annotated[Id | None, Field(description="Goes before the queue of the topic.")] = None
    type: Kind = "question"
    urgency: Annotated[
        Hurry | None,
        Field(description="1 loses money now … 4 low; without it the words of the request count."),
    ] = None
    tags: Annotated[list[Tag], Field(max_length=20)] = []
    language: Languages | None = None
    acknowledge: Annotated[
        bool,
        Field(description="Whether the client gets the acknowledgement by mail. With false, tell "
              "him number and expected time yourself."),
    ] = True  # fmt: skip
    created_at: Annotated[
        Moment | None,
        Field(description="The original time of a request of the past; needs the scope import. "
              "Nobody is told and no clock runs."),
    ] = None  # fmt: skip
    attachments: Annotated[list[Id], Field(max_length=20, description="Uploaded files.")] = []


class Changes(Given):
    """What becomes different; what is left out stays. All of it or nothing is done."""

    status: Annotated[
        Literal["open", "waiting_client", "waiting_internal", "solved"] | None,
        Field(description="solved tells the client; open reopens a solved ticket."),
    ] = None
    owner: Annotated[Id | None, Field(description="An agent; null frees the ticket.")] = None
    queue: Id | None = None
    urgency: Hurry | None = None
    topic: Id | None = None
    tags: Annotated[list[Tag] | None, Field(max_length=20)] = None


class Answer(Given):
    """A public answer, signed with the full name of the token's agent."""

    text: Annotated[Text, Field(examples=["Код отправлен ещё раз."])]
    then: Annotated[
        Literal["", "waiting_client", "waiting_internal", "solved"],
        Field(description="The status afterwards; empty leaves it."),
    ] = ""
    attachments: Annotated[list[Id], Field(max_length=20)] = []


class Note(Given):
    """An internal note; clients never see it."""

    text: Annotated[Text, Field(examples=["Клиент из списка обзвона."])]
    attachments: Annotated[list[Id], Field(max_length=20)] = []


class ClientMessage(Given):
    """What a client wrote in answer to a ticket, brought by a program."""

    on_behalf_of: Person
    text: Annotated[Text, Field(examples=["Код пришёл, спасибо!"])]
    attachments: Annotated[list[Id], Field(max_length=20)] = []


class Call(Given):
    """A call held by telephone."""

    summary: Annotated[Text, Field(examples=["Помогли войти по резервному коду."])]
    topic: Name = ""
    advice: Annotated[str, Field(max_length=5000)] = ""
    direction: Literal["in", "out"] = "in"
    minutes: Annotated[int, Field(ge=0, le=1440)] = 0
    at: Annotated[Moment | None, Field(description="When it was held; now without it.")] = None


class Attached(Schema):
    """A file of a message; `state` says whether it is given out."""

    id: int
    name: str
    content_type: str
    size: int
    state: Literal["ok", "too_large", "blocked", "infected", "unscanned"]


class Uploaded(Schema):
    """A file that waits two days for the message it goes with."""

    id: Annotated[int, Field(examples=[12])]
    name: str
    content_type: str
    size: int


class Message(Schema):
    """One utterance of a ticket."""

    id: int
    direction: Annotated[Direction, Field(description="note is internal.")]
    purpose: Annotated[str, Field(description="Of automatic messages; else empty.")]
    agent: int | None
    contact: int | None
    author: str
    at: datetime
    text: str
    quoted: str
    language: str
    call: dict[str, str | int | bool]
    delivery: Annotated[str | None, Field(description="Of messages to the client.")]
    attachments: list[Attached]


class TakenMessage(Message):
    """A message of a client that was just brought."""

    ticket: Annotated[
        int, Field(description="Another one when the ticket was closed: its follow-up.")
    ]


class ContactShort(Schema):
    """Who asked."""

    id: int
    name: str
    address: str


class Ticket(Schema):
    """One request of one client."""

    number: Annotated[int, Field(examples=[1042])]
    subject: str
    type: TicketType
    status: Status
    urgency: Urgency
    topic: int | None
    queue: int
    owner: int | None
    contact: ContactShort | None
    account: int | None
    language: Language
    tags: list[str]
    version: Annotated[int, Field(description="Grows with every change.")]
    created_at: datetime
    last_message_at: datetime
    first_answer_at: datetime | None
    solved_at: datetime | None
    closed_at: datetime | None
    expected_at: Annotated[
        datetime | None,
        Field(description="By when the client was told to expect the first answer."),
    ]


class MadeTicket(Ticket):
    """A ticket that was just brought."""

    message: int
    acknowledged: Annotated[bool, Field(description="A mail with number and time is on its way.")]


class Contact(ContactShort):
    """A person we serve; `addresses` are all his mail addresses."""

    addresses: list[str]
    account: int | None
    language: Literal["", "ru", "en"]
    time_zone: str
    created_at: datetime


class NewContact(Given):
    """A person by his mail address; one that is known already is told, not doubled."""

    address: Annotated[Address, Field(examples=["m.zhdanova@romashka.example"])]
    name: Annotated[Name, Field(examples=["Мария Жданова"])] = ""
    language: Languages | None = None


class ContactChanges(Given):
    """What becomes different; what is left out stays."""

    name: Line | None = None
    language: Languages | None = None
    account: Annotated[Id | None, Field(description="null: he belongs to no client.")] = None


class Account(Schema):
    """A company or household we serve."""

    id: int
    name: str
    language: Literal["", "ru", "en"]
    time_zone: str
    domains: Annotated[list[str], Field(description="Confirmed mail domains.")]
    created_at: datetime


class NewAccount(Given):
    """A company or household."""

    name: Annotated[Name, Field(min_length=1, examples=["ООО «Ромашка»"])]
    language: Languages | None = None


class Topic(Schema):
    """What requests are about; leads to a queue."""

    id: int
    name_ru: str
    name_en: str
    parent: int | None
    queue: int


class Queue(Schema):
    """Where tickets wait; `access` is what the token's agent may do there."""

    id: int
    name_ru: str
    name_en: str
    line: int
    access: Literal["", "see", "reply", "reassign", "close", "manage"]


class Agent(Schema):
    """A person of ours."""

    id: int
    name: str


class Me(Schema):
    """The token that asks."""

    token: str
    agent: Agent
    scopes: list[str]
    expires_at: datetime | None


class TicketPage(Schema):
    items: list[Ticket]
    next: str | None


class MessagePage(Schema):
    items: list[Message]
    next: str | None


class ContactPage(Schema):
    items: list[Contact]
    next: str | None


class AccountPage(Schema):
    items: list[Account]
    next: str | None


class Topics(Schema):
    items: list[Topic]


class Queues(Schema):
    items: list[Queue]


class Agents(Schema):
    items: list[Agent]


class Page(Schema):
    """Where to go on."""

    cursor: Annotated[
        str, Field(max_length=300, description="`next` of the page before; empty: the first page.")
    ] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class TicketFilter(Page):
    """All that is named must hold; repeated, any of the values."""

    status: list[Status] = []
    urgency: list[Literal["1", "2", "3", "4"]] = []
    queue: list[QueryId] = []
    topic: list[QueryId] = []
    owner: Annotated[list[QueryId | Literal["none"]], Field(description="none: nobody.")] = []
    tag: Annotated[list[Tag], Field(max_length=20, description="The ticket has all of them.")] = []
    contact: QueryId | None = None
    address: Annotated[Address | None, Field(description="Mail address of the contact.")] = None
    account: QueryId | None = None
    created_from: Moment | None = None
    created_before: Moment | None = None
    last_message_from: Moment | None = None
    last_message_before: Moment | None = None
    order: Annotated[
        Literal["number", "last_message"], Field(description="Newest first by this.")
    ] = "number"


class ContactFilter(Page):
    """All that is named must hold."""

    address: Address | None = None
    account: QueryId | None = None
