"""A mail server that cannot be reached: the letters of its inbox wait in one line.

Nothing of that is a letter's fault, so none of them is tried by itself: the oldest asks for the
server every few minutes, those behind it wait, and when the server answers all leave in the order
in which they were written.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from zabota.channels.events import RetryDue, ServerDue
from zabota.channels.models import Inbox, Outgoing, OutgoingState
from zabota.events.actor import Actor, system
from zabota.events.log import consumer, record, together
from zabota.events.models import Event, Timer
from zabota.events.timers import set_timer
from zabota.lib import clock
from zabota.lib.remembered import Remembered

# How soon the oldest asks again, by how long it has waited.
SOON, LATER, WHILE_NEW = timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15)
# RFC 5321 §4.5.4.1: four to five days, then the writer must know.
GIVE_UP = timedelta(days=5)
BATCH = 500
# An administrator is told on every page.
PATIENCE = timedelta(minutes=15)
REMEMBERED = 5.0  # seconds


def line_up(row: Outgoing) -> datetime:
    """A letter found no server: when its line asks again."""
    now = clock.now()
    pause = SOON if now - row.created_at < WHILE_NEW else LATER
    # Behind one that is given up others may stand that have waited as long: none of them a pause.
    due_at = now if is_given_up(row) else now + pause
    _ask_at(due_at, row.inbox_id)
    return due_at


def is_given_up(row: Outgoing) -> bool:
    """Whether it has waited long enough."""
    return clock.now() - row.created_at > GIVE_UP


def ask_now(inbox_id: int | None) -> None:
    """Let the line of the inbox ask for the server at once."""
    _ask_at(clock.now(), inbox_id)


def keep_asking(inbox_id: int | None) -> None:
    """The line asks at some time, if nothing else has been settled."""
    subject = _subject(inbox_id)
    if not Timer.objects.filter(subject=subject, kind=ServerDue.kind).exists():
        _ask_at(clock.now() + LATER, inbox_id)


@consumer("channels.away", ServerDue)
def ask_again(event: Event, fact: ServerDue) -> None:
    """The oldest of the line is tried; those behind it wait for what it finds."""
    first = _line(fact.inbox).first()
    if first is not None:
        by = system("outbox").because(event)
        record(RetryDue(outgoing=first.pk), stream=first.stream, by=by)


def release(inbox_id: int | None, *, by: Actor) -> None:
    """The server of the inbox answers again: all that waits for it leaves, the oldest first."""
    while True:
        with transaction.atomic(), together():
            rows = list(_line(inbox_id).select_for_update().only("id", "recipient")[:BATCH])
            for row in rows:
                record(RetryDue(outgoing=row.pk), stream=row.stream, by=by)
            numbers = [row.pk for row in rows]
            Outgoing.objects.filter(pk__in=numbers).update(
                state=OutgoingState.QUEUED, next_try=None
            )
        if len(rows) < BATCH:
            return


def unreachable() -> tuple[tuple[int, str], ...]:
    """(id, name) of the inboxes whose server has not been reached for a quarter of an hour, for
    every page of an administrator: up to five seconds old."""
    return _SHOWN.get()


def _read() -> tuple[tuple[int, str], ...]:
    since = clock.now() - PATIENCE
    waits = Outgoing.objects.filter(state=OutgoingState.AWAY, created_at__lt=since)
    rows = Inbox.objects.filter(is_active=True, pk__in=waits.values("inbox"))
    return tuple(rows.order_by("name").values_list("pk", "name"))


_SHOWN = Remembered(_read, REMEMBERED)
forget = _SHOWN.forget


def _line(inbox_id: int | None) -> QuerySet[Outgoing]:
    return Outgoing.objects.filter(state=OutgoingState.AWAY, inbox=inbox_id).order_by("pk")


def _ask_at(due_at: datetime, inbox_id: int | None) -> None:
    subject = _subject(inbox_id)
    set_timer(ServerDue(inbox=inbox_id), subject=subject, stream=subject, due_at=due_at)


def _subject(inbox_id: int | None) -> str:
    # Mail of the house itself names no inbox.
    return f"mailserver:{inbox_id or 0}"
