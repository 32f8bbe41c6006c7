"""What came of it: every mail once, every answer sent, nothing left behind."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

from tests.crash.house import Kill
from tests.crash.people import Clients, Letter
from zabota.channels.events import Sent
from zabota.channels.models import Outgoing, OutgoingState, RawMessage, RawState
from zabota.events import undelivered
from zabota.events.models import Event, Timer
from zabota.lib import clock
from zabota.tickets.models import Direction, Message, Purpose, Ticket

TOKEN = re.compile(r"\b(?:mail|reply)-[0-9a-f]{32}\b")
# The server notes a mail in its memory before its OK is on the wire; the killer notes a death at
# most 5 ms after it (a marker file is looked at so often). The rest is a busy machine.
BEFORE, AFTER = 0.5, 1.5  # seconds
SHOWN = 8


@dataclass(frozen=True)
class Doubles:
    """Message-IDs taken more than once, and how many of them no kill explains."""

    count: int
    unexplained: list[str]


def left_over() -> str:
    """What still waits, '' when the house is at rest."""
    numbers = undelivered.numbers()
    waiting = RawMessage.objects.filter(state=RawState.WAITING).count()
    unsent = Outgoing.objects.exclude(state__in=[OutgoingState.SENT, OutgoingState.FAILED]).count()
    due = Timer.objects.filter(due_at__lte=clock.now()).count()
    found = {
        "jobs waiting": numbers.waiting,
        "jobs running": numbers.running,
        "raw mails waiting": waiting,
        "mails unsent": unsent,
        "timers due": due,
    }
    return ", ".join(f"{count} {what}" for what, count in found.items() if count)


def complaints(
    clients: Clients, replies: dict[str, int], kills: Sequence[Kill]
) -> tuple[list[str], Doubles]:
    """Everything that is wrong, one line each, and the mails that were sent twice."""
    letters = list(clients.post.letters)
    doubles = doubled(letters, kills)
    checks: list[Callable[[], Iterator[str]]] = [
        lambda: _incoming(clients),
        lambda: _acknowledged(),
        lambda: _replies(replies, letters),
        lambda: _sent(letters),
        lambda: _jobs(),
    ]
    found = [line for check in checks for line in check()]
    return found + doubles.unexplained, doubles


def _incoming(clients: Clients) -> Iterator[str]:
    """Every mail is one raw row and one message of the right ticket."""
    raw = RawMessage.objects.count()
    if raw != len(clients.expected):
        yield f"{len(clients.expected)} mails were written, {raw} raw rows were kept"
    for state, count in Counter(RawMessage.objects.values_list("state", flat=True)).items():
        if state != RawState.DONE:
            yield f"{count} raw rows are {state}"
    places: dict[str, list[int]] = defaultdict(list)
    rows = Message.objects.filter(direction=Direction.IN).values_list("ticket_id", "text")
    for ticket, text in rows:
        for token in TOKEN.findall(text):
            places[token].append(ticket)
    wanted = sum(not ticket for ticket in clients.expected.values())
    if Ticket.objects.count() != wanted:
        yield f"{wanted} tickets were wanted, {Ticket.objects.count()} were made"
    yield from _shortened(_wrong_places(clients.expected, places))
    for token in places.keys() - clients.expected.keys():
        yield f"nobody wrote {token}"


def _wrong_places(expected: dict[str, int], places: dict[str, list[int]]) -> Iterator[str]:
    for token, ticket in expected.items():
        found = places.get(token, [])
        if len(found) != 1:
            yield f"{token} stands in {len(found)} messages {found}"
        elif ticket and found != [ticket]:
            yield f"{token} went to ticket {found[0]} instead of {ticket}"


def _acknowledged() -> Iterator[str]:
    """Every ticket was acknowledged once."""
    told = Counter(
        Message.objects.filter(purpose=Purpose.ACKNOWLEDGEMENT).values_list("ticket_id", flat=True)
    )
    for ticket in Ticket.objects.values_list("id", flat=True):
        if told[ticket] != 1:
            yield f"ticket {ticket} was acknowledged {told[ticket]} times"
    untreated = Message.objects.filter(direction=Direction.IN, triaged_at=None).count()
    if untreated:
        yield f"{untreated} messages were never triaged"


def _replies(replies: dict[str, int], letters: Sequence[Letter]) -> Iterator[str]:
    """Every posted reply is one message of its ticket and reached its client."""
    places: dict[str, list[int]] = defaultdict(list)
    written = Message.objects.filter(direction=Direction.OUT, purpose=Purpose.PERSONAL)
    for ticket, text in written.values_list("ticket_id", "text"):
        for token in TOKEN.findall(text):
            places[token].append(ticket)
    yield from _shortened(_wrong_places(replies, places))
    if written.count() != len(replies):
        yield f"{len(replies)} replies were posted, {written.count()} were kept"
    arrived = {token for letter in letters for token in TOKEN.findall(letter.text)}
    for token in replies.keys() - arrived:
        yield f"the answer {token} reached nobody"


def _sent(letters: Sequence[Letter]) -> Iterator[str]:
    """Every Message-ID of the outbox was taken by the mail server, and no other."""
    rows = dict(Outgoing.objects.values_list("message_id", "state"))
    taken = {letter.message_id for letter in letters}
    for message_id, state in rows.items():
        if state != OutgoingState.SENT:
            yield f"{message_id} is {state}"
        if message_id not in taken:
            yield f"{message_id} never reached the mail server"
    for message_id in taken - rows.keys():
        yield f"{message_id} was sent past the outbox"
    lost = Message.objects.filter(direction=Direction.OUT, outgoing=None).count()
    if lost:
        yield f"{lost} messages of ours never came into the outbox"
    texts: dict[str, set[str]] = defaultdict(set)
    for letter in letters:
        texts[letter.message_id].add(letter.text)
    for message_id, found in texts.items():
        if len(found) > 1:
            yield f"{message_id} was sent with different texts"


def _jobs() -> Iterator[str]:
    """No job is left, none was given up."""
    if waiting := left_over():
        yield f"left behind: {waiting}"
    for job in undelivered.listed(limit=SHOWN):
        yield f"undelivered: {job.consumer} {job.stream} {job.error} {job.text} {job.where}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'")
        failed = cursor.fetchone()[0]
    if failed:
        yield f"{failed} jobs were given up"


def doubled(letters: Sequence[Letter], kills: Sequence[Kill]) -> Doubles:
    """A second delivery is excused by a worker's death between the server's OK to the first and our
    note of it: the death fell at the first delivery, and the only note came after the last."""
    times: dict[str, list[float]] = defaultdict(list)
    for letter in letters:
        times[letter.message_id].append(letter.at)
    many = {message_id: sorted(at) for message_id, at in times.items() if len(at) > 1}
    deaths = [kill.at for kill in kills if kill.who in {"worker", "zabota up"}]
    notes: dict[str, list[float]] = defaultdict(list)
    rows = dict(Outgoing.objects.filter(message_id__in=many).values_list("id", "message_id"))
    for event in Event.objects.filter(kind=Sent.kind):
        if event.facts["outgoing"] in rows:
            notes[rows[event.facts["outgoing"]]].append(event.at.timestamp())
    unexplained = []
    for message_id, moments in many.items():
        if [note for note in notes[message_id] if note < moments[-1]]:
            unexplained.append(f"{message_id} was sent again after it was noted as sent")
        for at in moments[:-1]:
            if not any(at - BEFORE <= death <= at + AFTER for death in deaths):
                unexplained.append(f"{message_id} was sent again, no worker died at its sending")
    return Doubles(len(many), unexplained)


def _shortened(lines: Iterator[str]) -> Iterator[str]:
    found = list(lines)
    yield from found[:SHOWN]
    if len(found) > SHOWN:
        yield f"… and {len(found) - SHOWN} more of this kind"
