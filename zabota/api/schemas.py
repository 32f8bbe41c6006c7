"""What programs send: bodies and filters; the OpenAPI document is made from these. What they read:
`answers.py`."""

from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from zabota.api.values import Address, Id, Line, Moment, Name, QueryId, Tag, Text
from zabota.tickets.models import Status

Languages = Literal["ru", "en"]
# What programs may make: recoveries are opened by low marks alone.
Kind = Literal[
    "question", "incident", "problem", "service_request", "complaint", "suggestion", "praise",
    "outreach",
]  # fmt: skip
Hurry = Literal[1, 2, 3, 4]
Files = Annotated[
    list[Id], Field(max_length=20, description="Numbers of uploaded files; each goes with one "
                    "message.")
]  # fmt: skip
SPOKEN = "The language of mails to the client; without it the one known of him."


class Given(Schema):
    """A body: a field that does not exist is told, not dropped."""

    model_config = ConfigDict(extra="forbid")


class Person(Given):
    """The client for whom a program asks."""

    address: Annotated[
        Address,
        Field(
            examples=["p.lebedev@romashka.example"],
            description="His mail address; whoever is not known yet becomes a contact.",
        ),
    ]
    name: Annotated[
        Name, Field(examples=["Пётр Лебедев"], description="Kept when no name of his is known.")
    ] = ""


class NewTicket(Given):
    """A request of a client, brought by a program. `topic` or `queue` says where it goes."""

    on_behalf_of: Annotated[Person, Field(description="The client who asks.")]
    subject: Annotated[Line, Field(examples=["Не приходит код для входа"], description="One line.")]
    text: Annotated[
        Text,
        Field(
            examples=["Здравствуйте! Код не приходит с утра."],
            description="What the client wrote, without formatting.",
        ),
    ]
    topic: Annotated[Id | None, Field(description="A topic leads to its queue.")] = None
    queue: Annotated[Id | None, Field(description="Goes before the queue of the topic.")] = None
    type: Annotated[Kind, Field(description="What kind of request it is.")] = "question"
    urgency: Annotated[
        Hurry | None,
        Field(
            description="`1` loses money now … `4` low; without it the words of the request count."
        ),
    ] = None
    tags: Annotated[list[Tag], Field(max_length=20, description="Words to find it by.")] = []
    language: Annotated[Languages | None, Field(description=SPOKEN)] = None
    acknowledge: Annotated[
        bool,
        Field(description="Whether the client gets the acknowledgement by mail. With `false`, tell "
              "him number and expected time yourself."),
    ] = True  # fmt: skip
    created_at: Annotated[
        Moment | None,
        Field(description="The original time of a request of the past; needs the scope `import`. "
              "Nobody is told and no clock runs."),
    ] = None  # fmt: skip
    attachments: Files = []


class Changes(Given):
    """What becomes different; what is left out stays. All of it or nothing is done."""

    status: Annotated[
        Literal["open", "waiting_client", "waiting_internal", "solved"] | None,
        Field(description="`solved` tells the client; `open` reopens a solved ticket."),
    ] = None
    owner: Annotated[Id | None, Field(description="An agent; `null` frees the ticket.")] = None
    queue: Annotated[Id | None, Field(description="The queue to which the ticket moves.")] = None
    urgency: Annotated[Hurry | None, Field(description="`1` loses money now … `4` low.")] = None
    topic: Annotated[
        Id | None,
        Field(description="A ticket that nobody leads moves to the queue of its new topic; `null`: "
              "no topic."),
    ] = None  # fmt: skip
    tags: Annotated[
        list[Tag] | None, Field(max_length=20, description="All tags: they replace those before.")
    ] = None


class Answer(Given):
    """A public answer, signed with the full name of the token's agent."""

    text: Annotated[
        Text,
        Field(
            examples=["Код отправлен ещё раз."],
            description="What the client reads; the signature comes by itself.",
        ),
    ]
    then: Annotated[
        Literal["", "waiting_client", "waiting_internal", "solved"],
        Field(description="The status afterwards; empty leaves it."),
    ] = ""
    attachments: Files = []


class Note(Given):
    """An internal note; clients never see it."""

    text: Annotated[
        Text, Field(examples=["Клиент из списка обзвона."], description="For agents only.")
    ]
    attachments: Files = []


class ClientMessage(Given):
    """What a client wrote in answer to a ticket, brought by a program."""

    on_behalf_of: Annotated[Person, Field(description="The client who writes.")]
    text: Annotated[
        Text,
        Field(
            examples=["Код пришёл, спасибо!"],
            description="What the client wrote, without formatting.",
        ),
    ]
    attachments: Files = []


class Call(Given):
    """A call held by telephone."""

    summary: Annotated[
        Text,
        Field(examples=["Помогли войти по резервному коду."], description="What was talked about."),
    ]
    topic: Annotated[Name, Field(description="The subject, in a few words.")] = ""
    advice: Annotated[str, Field(max_length=5000, description="What was advised.")] = ""
    direction: Annotated[
        Literal["in", "out"], Field(description="`in`: the client called; `out`: we called him.")
    ] = "in"
    minutes: Annotated[int, Field(ge=0, le=1440, description="How long it took.")] = 0
    at: Annotated[Moment | None, Field(description="When it was held; now without it.")] = None


class NewContact(Given):
    """A person by his mail address; one that is known already is told, not doubled."""

    address: Annotated[
        Address,
        Field(examples=["m.zhdanova@romashka.example"], description="By which he is known."),
    ]
    name: Annotated[
        Name, Field(examples=["Мария Жданова"], description="Kept when no name of his is known.")
    ] = ""
    language: Annotated[
        Languages | None, Field(description="In which he gets mail; kept when he is new.")
    ] = None


class ContactChanges(Given):
    """What becomes different; what is left out stays."""

    name: Annotated[Line | None, Field(description="Cut after 200 characters.")] = None
    language: Annotated[Languages | None, Field(description="In which he gets mail.")] = None
    account: Annotated[Id | None, Field(description="`null`: he belongs to no client.")] = None


class NewAccount(Given):
    """A company or household."""

    name: Annotated[
        Name, Field(min_length=1, examples=["ООО «Ромашка»"], description="Names may repeat.")
    ]
    language: Annotated[
        Languages | None, Field(description="In which its people get mail, if they chose none.")
    ] = None


class Page(Schema):
    """Where to go on."""

    cursor: Annotated[
        str, Field(max_length=300, description="`next` of the page before; empty: the first page.")
    ] = ""
    limit: Annotated[int, Field(ge=1, le=200, description="How many a page has.")] = 50


class TicketFilter(Page):
    """All that is named must hold; repeated, any of the values."""

    status: Annotated[list[Status], Field(description="May be repeated: any of them.")] = []
    urgency: Annotated[
        list[Literal["1", "2", "3", "4"]], Field(description="May be repeated: any of them.")
    ] = []
    queue: Annotated[list[QueryId], Field(description="May be repeated: any of them.")] = []
    topic: Annotated[list[QueryId], Field(description="May be repeated: any of them.")] = []
    owner: Annotated[
        list[QueryId | Literal["none"]],
        Field(description="The agent who leads the ticket; `none`: nobody."),
    ] = []
    tag: Annotated[list[Tag], Field(max_length=20, description="The ticket has all of them.")] = []
    contact: Annotated[
        QueryId | None, Field(description="The person who asked, with those merged into him.")
    ] = None
    address: Annotated[Address | None, Field(description="Mail address of the contact.")] = None
    account: Annotated[QueryId | None, Field(description="The company of the contact.")] = None
    created_from: Annotated[Moment | None, Field(description="Made then or later.")] = None
    created_before: Annotated[Moment | None, Field(description="Made before that.")] = None
    last_message_from: Annotated[
        Moment | None, Field(description="The last message came then or later.")
    ] = None
    last_message_before: Annotated[
        Moment | None, Field(description="The last message came before that.")
    ] = None
    order: Annotated[
        Literal["number", "last_message"], Field(description="Newest first by this.")
    ] = "number"


class ContactFilter(Page):
    """All that is named must hold."""

    address: Annotated[Address | None, Field(description="One of his mail addresses.")] = None
    account: Annotated[QueryId | None, Field(description="The company he belongs to.")] = None
