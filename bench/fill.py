"""Tickets, messages, people and facts by COPY: the state of a department after a year."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models import Model

from bench import words
from zabota.channels.models import Inbox, Outgoing
from zabota.customers.models import Account, Contact, Identity
from zabota.events.models import Event
from zabota.lib import clock
from zabota.staff.models import Agent, Department, Grant, Level, Queue
from zabota.tickets import search
from zabota.tickets.models import Message, Participant, Status, Ticket
from zabota.tickets.turns import DAY, settle

QUEUES, SEEN, AGENTS, INBOXES = 20, 5, 24, 5
PASSWORD = "три слова подряд"
BIG = 5000  # tickets of one contact
YEAR = timedelta(days=365)
YEARLY = 100_000  # tickets
STEP = 100_000  # tickets made at once, in memory
# Share of tickets by status; messages by ticket: 3 on average, one ticket in a hundred has 20.
STATUSES = (
    [Status.NEW] * 4
    + [Status.OPEN] * 10
    + [Status.WAITING_CLIENT] * 8
    + [Status.WAITING_INTERNAL] * 4
    + [Status.SOLVED] * 10
    + [Status.CLOSED] * 64
)
LENGTHS = [2] * 57 + [3] * 27 + [4] * 11 + [6] * 4 + [20]


@dataclass
class Town:
    """What the measurements need to know of the data."""

    queues: list[int] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)
    inboxes: list[Inbox] = field(default_factory=list)
    tickets: int = 0
    messages: int = 0


@dataclass(frozen=True)
class Letter:
    """One message to write."""

    ticket: int
    direction: str
    at: datetime
    agent: int | None
    text: str


def found(imap_port: int, smtp_port: int) -> Town:
    """Departments, queues, agents who see 5 of 20 queues each, inboxes."""
    town = Town()
    for number in range(4):
        place = Department.objects.create(name_ru=f"Отдел {number}", name_en=f"Department {number}")
        for one in range(QUEUES // 4):
            queue = Queue.objects.create(
                name_ru=f"Очередь {number}.{one}", name_en=f"Queue {number}.{one}", department=place
            )
            town.queues.append(queue.pk)
    password = make_password(PASSWORD)
    for number in range(AGENTS):
        first, surname = words.name(number * 7).split()
        agent = Agent.objects.create(
            email=f"agent{number}@zabota.example",
            surname=surname,
            first_name=first,
            password=password,
            undo_seconds=0,  # measured is the answer, not the seconds before it
        )
        for step in range(SEEN):
            queue_id = town.queues[(number * 3 + step * 4) % QUEUES]
            Grant.objects.create(agent=agent, queue_id=queue_id, level=Level.CLOSE)
        town.agents.append(agent)
    for number in range(INBOXES):
        inbox = Inbox(
            name=f"Поддержка {number}",
            sender_name="Забота",
            address=f"support{number}@zabota.example",
            queue_id=town.queues[number * 4],
            folders=["INBOX"],
            config={
                "imap_host": "127.0.0.1",
                "imap_port": imap_port,
                "imap_tls": "none",
                "smtp_host": "127.0.0.1",
                "smtp_port": smtp_port,
                "smtp_tls": "none",
                "imap_user": "demouser",
            },
        )
        inbox.set_secret("demopass")
        inbox.save()
        town.inboxes.append(inbox)
    return town


def grow(town: Town, tickets: int) -> None:
    """Add tickets up to `tickets` in all, with their messages, people and facts; then ANALYZE."""
    while town.tickets < tickets:
        _add(town, min(town.tickets + STEP, tickets))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


def _add(town: Town, tickets: int) -> None:
    source = random.Random(tickets)
    first = town.tickets + 1
    with connection.cursor() as cursor:
        # Replies were measured meanwhile.
        cursor.execute("SELECT coalesce(max(id), 0) FROM tickets_message")
        town.messages = cursor.fetchone()[0]
        cursor.execute("SET synchronous_commit = off")
        _people(cursor, first, tickets)
        rows, letters = _tickets(source, town, first, tickets)
        _load(cursor, Ticket, rows)
        _load(cursor, Message, _messages(source, town, letters))
        _load(cursor, Participant, _participants(first, tickets))
        _load(cursor, Event, _facts(rows, letters))
        search.rebuild(first - 1)
        _send_all(cursor, town)
        for model in (Account, Contact, Ticket, Message, Participant, Event, Identity, Outgoing):
            table = model._meta.db_table
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
                f"(SELECT greatest(max(id), 1) FROM {table}))"
            )
        cursor.execute("SET synchronous_commit = on")
    town.messages += len(letters)
    town.tickets = tickets


def contact_of(ticket: int) -> int:
    """Contact 1 has 5,000 tickets of the first 100,000; the others about five each."""
    if ticket % 20 == 0 and ticket <= BIG * 20:
        return 1
    return 2 + ticket // 5


def _last_contact(tickets: int) -> int:
    return 2 + (tickets + 4) // 5


def _people(cursor: Any, first: int, last: int) -> None:
    start = 1 if first == 1 else _last_contact(first - 1) + 1
    contacts = range(start, _last_contact(last) + 1)
    companies = range(1 if first == 1 else start // 10 + 1, contacts[-1] // 10 + 1)
    known = Account.objects.count()
    rows = [{"id": n, "name": f"ООО «Ромашка {n}»"} for n in companies if n > known]
    _load(cursor, Account, rows)
    top = max(known, companies[-1] if companies else 0)
    people = [
        {"id": n, "name": words.name(n), "account_id": min(n // 10, top) or None, "language": "ru"}
        for n in contacts
    ]
    _load(cursor, Contact, people)
    _load(
        cursor,
        Identity,
        ({"id": n, "contact_id": n, "value": f"client{n}@firm{n // 10}.example"} for n in contacts),
    )


def _tickets(
    source: random.Random, town: Town, first: int, last: int
) -> tuple[list[dict[str, Any]], list[Letter]]:
    now = clock.now()
    sees = {
        queue: list(Grant.objects.filter(queue=queue).values_list("agent_id", flat=True))
        for queue in town.queues
    }
    rows, letters = [], []
    for number, (created, status) in enumerate(_born(source, now, first, last), first):
        queue = source.choice(town.queues)
        is_working = status not in {Status.SOLVED, Status.CLOSED}
        owner = source.choice(sees[queue]) if status != Status.NEW else None
        if is_working and source.random() < 0.4:
            owner = None
        told = list(_conversation(source, number, status, owner or sees[queue][0], created, now))
        letters += told
        urgency = source.choice((1, 2, 3, 3, 3, 3, 4))
        rows.append(
            {
                "id": number,
                "subject": words.subject(source, number),
                "status": status,
                "queue_id": queue,
                "owner_id": owner,
                "contact_id": contact_of(number),
                "account_id": contact_of(number) // 10 or None,
                "inbox_id": source.choice(town.inboxes).pk,
                "snippet": told[-1].text[:160],
                "awaits_answer": told[-1].direction == "in",
                "created_at": created,
                "last_message_at": told[-1].at,
                "solved_at": None if is_working else told[-1].at,
                "closed_at": told[-1].at + timedelta(days=7) if status == Status.CLOSED else None,
                "version": len(told),
                **_deadlines(told, is_working, urgency),
            }
        )
    return rows, letters


def _born(
    source: random.Random, now: datetime, first: int, last: int
) -> list[tuple[datetime, str]]:
    """Moment and status of new tickets, the oldest first, as they come into a real table: those of
    the first year, and what is added later of the years before it. Work is rather young."""
    count = last - first + 1
    before = YEAR * ((first - 1) / YEARLY)
    span = YEAR * (count / YEARLY) if first > 1 else YEAR
    found = []
    for _ in range(count):
        status = source.choice(STATUSES)
        is_working = status not in {Status.SOLVED, Status.CLOSED}
        age = source.random() ** 2 if is_working else source.random()
        found.append((now - before - span * age, status))
    return sorted(found)


def _deadlines(told: Sequence[Letter], is_working: bool, urgency: int) -> dict[str, Any]:
    """Urgency, who waits since when, and the place in the working lists."""
    last = max((place for place, one in enumerate(told) if one.direction == "out"), default=-1)
    waits = next((one.at for one in told[last + 1 :] if one.direction == "in"), None)
    row = Ticket(
        urgency=urgency,
        status=Status.OPEN if is_working else Status.SOLVED,
        last_message_at=told[-1].at,
        waits_since=waits,
    )
    if waits is not None:
        row.next_due_at, row.burns_at = waits + DAY, waits + DAY * 3 / 4
    settle(row)
    names = ("urgency", "waits_since", "next_due_at", "burns_at", "turn")
    return {name: getattr(row, name) for name in names}


def _conversation(
    source: random.Random, ticket: int, status: str, agent: int, created: datetime, now: datetime
) -> Iterator[Letter]:
    length = 1 if status == Status.NEW else source.choice(LENGTHS)
    at = created
    for place in range(length):
        direction = "in" if place % 2 == 0 else source.choice(("out", "out", "out", "note"))
        text = words.body(source, f"т{ticket}с{place}")
        yield Letter(ticket, direction, at, agent if direction != "in" else None, text)
        at = min(at + timedelta(minutes=source.randrange(5, 2000)), now)


def _messages(
    source: random.Random, town: Town, letters: Sequence[Letter]
) -> Iterator[dict[str, Any]]:
    for number, letter in enumerate(letters, town.messages + 1):
        is_in = letter.direction == "in"
        yield {
            "id": number,
            "ticket_id": letter.ticket,
            "direction": letter.direction,
            "agent_id": letter.agent,
            "contact_id": contact_of(letter.ticket) if is_in else None,
            "signed": "" if is_in else "Алексей Орлов",
            "at": letter.at,
            "received_at": letter.at,
            "text": letter.text,
            "message_id": f"{number}.{letter.ticket}@zabota.example",
            "content_key": f"bench-{number}",
            "triaged_at": letter.at if is_in else None,
        }


def _participants(first: int, last: int) -> Iterator[dict[str, Any]]:
    for ticket in range(first, last + 1):
        contact = contact_of(ticket)
        address = f"client{contact}@firm{contact // 10}.example"
        yield {"ticket_id": ticket, "address": address, "name": words.name(contact), "role": "from"}
        if ticket % 4 == 0:
            copy = f"chef{contact}@firm{contact // 10}.example"
            yield {"ticket_id": ticket, "address": copy, "name": "", "role": "cc"}


def _facts(rows: Iterable[dict[str, Any]], letters: Sequence[Letter]) -> Iterator[dict[str, Any]]:
    """What the log would hold: made, received, replied, owner and status."""

    def fact(ticket: int, kind: str, at: datetime, actor: str, **values: Any) -> dict[str, Any]:
        facts = json.dumps({"ticket": ticket} | values)
        stream = f"ticket:{ticket}"
        return {"at": at, "kind": kind, "stream": stream, "actor": actor, "facts": facts}

    for row in rows:
        number, at, owner = row["id"], row["created_at"], row["owner_id"]
        yield fact(number, "tickets.made", at, "system:intake", queue=row["queue_id"], how="inbox")
        if owner:
            who = f"agent:{owner}"
            yield fact(number, "tickets.owner_changed", at, who, was=None, now=owner)
        if row["status"] != Status.NEW:
            who = f"agent:{owner or 1}"
            yield fact(number, "tickets.status_changed", at, who, was="new", now=row["status"])
    for letter in letters:
        more: dict[str, Any]
        if letter.direction == "in":
            kind, who, more = "tickets.message_received", "system:intake", {"silent": False}
        else:
            kind, who = "tickets.replied", f"agent:{letter.agent}"
            more = {"solves": False, "purpose": ""}
        yield fact(letter.ticket, kind, letter.at, who, message=0, **more)


def _send_all(cursor: Any, town: Town) -> None:
    """Every answer has its row in the outbox, sent long ago."""
    cursor.execute(
        "INSERT INTO channels_outgoing (key, inbox_id, recipient, message_id, envelope, state, "
        "attempts, last_error, created_at, sent_at) SELECT 'message:' || m.id, %s, "
        "'client@firm.example', m.message_id, jsonb_build_object('text', m.text, 'html', m.text), "
        "'sent', 1, '', m.at, m.at FROM tickets_message m WHERE m.direction = 'out' AND m.id > %s",
        [town.inboxes[0].pk, town.messages],
    )
    cursor.execute(
        "UPDATE tickets_message m SET outgoing_id = o.id FROM channels_outgoing o "
        "WHERE o.message_id = m.message_id AND m.id > %s",
        [town.messages],
    )


def _load(cursor: Any, model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    """COPY; columns that no row names get their field's default."""
    rows = iter(rows)
    head = next(rows, None)
    if head is None:
        return
    constants = {
        column.column: _constant(column)
        for column in model._meta.concrete_fields
        if column.column not in head and not column.primary_key
    }
    names = [*head, *constants]
    rest = list(constants.values())
    listed = ", ".join(f'"{name}"' for name in names)
    with cursor.copy(f"COPY {model._meta.db_table} ({listed}) FROM STDIN") as copy:
        copy.write_row([*head.values(), *rest])
        for row in rows:
            copy.write_row([*row.values(), *rest])


def _constant(column: Any) -> Any:
    value = column.get_default()
    if column.get_internal_type() == "JSONField":
        return json.dumps(value)
    return value
