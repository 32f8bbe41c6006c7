"""Factories as plain functions with named people. Each makes a complete, valid row by the real
actions where there are any; call them inside a test that may use the database."""

from __future__ import annotations

import uuid
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from django.db import transaction
from django.test import Client

from zabota.calendars.actions import save_calendar
from zabota.calendars.models import Calendar
from zabota.channels import blobs
from zabota.channels.contract import Address, ParsedFile, ParsedMessage, Robot
from zabota.channels.models import Inbox, RawMessage
from zabota.channels.receive import receive
from zabota.customers.actions import identify
from zabota.customers.models import Account, AccountDomain, Contact
from zabota.events.actor import system
from zabota.lib import clock
from zabota.lib.html import clean_html
from zabota.staff.models import Agent, Department, Grant, Level, Queue, Role, Topic
from zabota.tickets import intake, quarantine
from zabota.tickets.actions.answer import Upload
from zabota.tickets.models import Message, Ticket

BY = system("test")
PASSWORD = "три слова подряд"

# Surname, first name, mail address.
PEOPLE = {
    "Вера Зорина": ("Зорина", "Вера", "vera@zabota.example"),
    "Алексей Орлов": ("Орлов", "Алексей", "orlov@zabota.example"),
    "Алексей Ёлкин": ("Ёлкин", "Алексей", "elkin@zabota.example"),
    "Анна Кузнецова": ("Кузнецова", "Анна", "anna@zabota.example"),
    "Тимур Хабибуллин": ("Хабибуллин", "Тимур", "timur@zabota.example"),
    "Sara Lindqvist": ("Lindqvist", "Sara", "sara@zabota.example"),
    "Ольга Щербакова": ("Щербакова", "Ольга", "olga@zabota.example"),
}
PETR = ("p.lebedev@romashka.example", "Пётр Лебедев")
MARIA = ("m.zhdanova@romashka.example", "Мария Жданова")
JOHN = ("john.carter@nordwind.example", "John Carter")


def department(name_ru: str = "Поддержка", name_en: str = "Support") -> Department:
    """The department of this name."""
    return Department.objects.get_or_create(name_ru=name_ru, defaults={"name_en": name_en})[0]


def queue(
    name_ru: str = "Первая линия",
    name_en: str = "First line",
    *,
    line: int = 1,
    of: Department | None = None,
) -> Queue:
    """The queue of this name."""
    fields = {"name_en": name_en, "line": line, "department": of or department()}
    return Queue.objects.get_or_create(name_ru=name_ru, defaults=fields)[0]


def billing() -> Queue:
    """A queue of another department."""
    return queue("Счета", "Billing", of=department("Бухгалтерия", "Billing"))


def topic(name_ru: str = "Вход", name_en: str = "Sign-in", *, to: Queue | None = None) -> Topic:
    """The topic of this name, leading to the queue."""
    fields = {"name_en": name_en, "queue": to or queue()}
    return Topic.objects.get_or_create(name_ru=name_ru, defaults=fields)[0]


def calendar(name_ru: str = "Рабочая неделя", **fields: Any) -> Calendar:
    """The calendar of this name: Monday to Friday, 9 to 18 in Moscow, no holidays."""
    found = Calendar.objects.filter(name_ru=name_ru).first()
    if found is None:
        found = Calendar(name_ru=name_ru, **{"name_en": "Office week"} | fields)
        save_calendar(found, [], by=BY)
    return found


def agent(
    name: str = "Вера Зорина",
    *queues: Queue,
    level: Level = Level.CLOSE,
    role: str = Role.LINE1,
    **fields: Any,
) -> Agent:
    """The agent of PEOPLE with this level in the queues (the default queue when none is named)."""
    surname, first_name, email = PEOPLE[name]
    person = Agent.objects.filter(email=email).first()
    if person is None:
        # Answers leave at once, unless a test is about taking them back.
        names = {"surname": surname, "first_name": first_name, "role": role}
        fields = names | {"undo_seconds": 0} | fields
        person = Agent.objects.create_user(email, PASSWORD, **fields)
    if role != Role.ADMINISTRATOR:
        for one in queues or (queue(),):
            Grant.objects.update_or_create(agent=person, queue=one, defaults={"level": level})
    return person


def administrator(name: str = "Анна Кузнецова", **fields: Any) -> Agent:
    """An administrator who can sign in."""
    return agent(name, role=Role.ADMINISTRATOR, **fields)


def browser(person: Agent | None = None, **options: Any) -> Client:
    """A client of the site, signed in as the agent."""
    client = Client(**options)
    if person is not None:
        client.force_login(person)
    return client


def inbox(to: Queue | None = None, address: str = "", **fields: Any) -> Inbox:
    """The mailbox of the queue (the default queue when none is named)."""
    to = to or queue()
    address = address or f"support{to.pk}@zabota.example"
    fields = {"name": "Поддержка", "sender_name": "Забота", "queue": to} | fields
    return Inbox.objects.get_or_create(address=address, defaults=fields)[0]


def account(name: str = "ООО «Ромашка»", domain: str = "") -> Account:
    """The client company of this name, with a confirmed mail domain when one is named."""
    company = Account.objects.get_or_create(name=name)[0]
    if domain:
        fields = {"account": company, "confirmed_at": clock.now()}
        AccountDomain.objects.get_or_create(domain=domain, defaults=fields)
    return company


def contact(who: tuple[str, str] = PETR, *, of: Account | None = None, **fields: Any) -> Contact:
    """The contact with this (address, name)."""
    person = identify("mail", who[0], name=who[1], by=BY)
    changes = fields | ({"account": of} if of else {})
    if changes:
        Contact.objects.filter(pk=person.pk).update(**changes)
        person.refresh_from_db()
    return person


def file(
    name: str = "журнал.txt", content: bytes = b"line", kind: str = "text/plain"
) -> ParsedFile:
    """An attachment of a parsed mail."""
    return ParsedFile(name, kind, len(content), content)


def upload(name: str = "счёт.pdf", content: bytes = b"%PDF-1.7") -> Upload:
    """A stored file for a reply."""
    sha256, size = blobs.put([content])
    return Upload(name, "application/pdf", size, sha256)


def incoming(
    text: str = "Здравствуйте! Не приходит код для входа.",
    *,
    to: Inbox | None = None,
    who: tuple[str, str] = PETR,
    subject: str = "Не приходит код",
    joins: Ticket | None = None,
    html: str = "",
    quoted: str = "",
    files: tuple[ParsedFile, ...] = (),
    robot: Robot = Robot.NONE,
    at: datetime | None = None,
    **fields: Any,
) -> Message:
    """A client's mail taken in: into the ticket `joins` (as an answer to it), else a new one.

    `fields` go to ParsedMessage. Jobs (triage, acknowledgement) wait; drain them if you need them.
    """
    box = to or (joins.inbox if joins else None) or inbox()
    moment = at or clock.now()
    if joins is not None:
        subject = f"Re: {joins.subject} [#{joins.pk}]"
    raw = stored(box, text.encode(), at=moment)
    given: dict[str, Any] = {
        "sender": Address(*who),
        "reply_to": (),
        "to": (Address(box.address),),
        "cc": (),
        "subject": subject,
        "message_id": f"{uuid.uuid4()}@client.example",
        "in_reply_to": (),
        "references": (),
        "date": moment,
        "text": text,
        "html": clean_html(html) if html else "",
        "reply": text,
        "quoted": quoted,
        "robot": robot,
        "robot_sign": f"test: {robot}" if robot else "",
        "files": files,
    }
    parsed = ParsedMessage(**given | fields)
    with clock.at(moment), transaction.atomic():
        message = intake.place(raw, parsed, parsed.sender, BY)
    assert message is not None, "the same mail twice"
    return message


def ticket(subject: str = "Не приходит код", **options: Any) -> Ticket:
    """A ticket opened by a client's mail; options are those of `incoming`, and `owner`, `queue`."""
    owner = options.pop("owner", None)
    to = options.pop("queue", None)
    if to is not None:
        options["to"] = inbox(to)
    made = incoming(subject=subject, **options).ticket
    if owner is not None:
        Ticket.objects.filter(pk=made.pk).update(owner=owner)
    return Ticket.objects.get(pk=made.pk)


def stored(box: Inbox, content: bytes = b"raw", at: datetime | None = None) -> RawMessage:
    """A raw message that waits to be taken in, without its fact."""
    moment = at or clock.now()
    sha256, size = blobs.put([content])
    return RawMessage.objects.create(
        inbox=box, place=str(uuid.uuid4()), sha256=sha256, size=size,
        received_at=moment, arrived_at=moment,
    )  # fmt: skip


def quarantined(error: str = "No sender", content: bytes = b"Subject: ?\r\n\r\n?") -> Ticket:
    """A ticket of the quarantine queue with its original."""
    with transaction.atomic():
        return quarantine.put(stored(inbox(), content), error, BY)


def mail(
    text: str = "Здравствуйте!",
    *,
    who: tuple[str, str] = PETR,
    to: str = "support@zabota.example",
    subject: str = "Не приходит код",
    **headers: str,
) -> bytes:
    """The bytes of a simple mail; header names with `_` for `-`."""
    letter = EmailMessage()
    letter["From"] = f'"{who[1]}" <{who[0]}>'
    letter["To"] = to
    letter["Subject"] = subject
    letter["Message-ID"] = f"<{uuid.uuid4()}@client.example>"
    letter["Date"] = clock.now()
    for name, value in headers.items():
        del letter[name.replace("_", "-")]
        letter[name.replace("_", "-")] = value
    letter.set_content(text)
    return letter.as_bytes()


def received(box: Inbox, raw: bytes, **options: Any) -> RawMessage:
    """Raw bytes handed to the door, as the fetcher does it; the jobs that follow wait."""
    given: dict[str, Any] = {"place": str(uuid.uuid4()), "arrived_at": clock.now(), "by": BY}
    row = receive(box, raw, **given | options)
    assert row is not None
    return row
