"""Who hears of which ticket: one query per burst of events, shared by all open streams, then a
choice in memory by the queues each listener may see."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.db.models import Max

from zabota.desk.counting import counting
from zabota.desk.presence import Presence
from zabota.desk.viewers import Viewer, read_viewers
from zabota.events.live import Heard, Hub
from zabota.events.models import Event
from zabota.lib import clock
from zabota.tickets.events import QueueChanged
from zabota.tickets.models import Ticket

log = logging.getLogger(__name__)

CHECK_SECONDS = 60.0
SWEEP_SECONDS = 1.0
# A browser that is told that many others hear the same waits a random part of this before it asks:
# each of them costs the server some milliseconds.
SPREAD_EACH = 4  # ms
FEW, MOST_SPREAD = 8, 10_000
BYE_SECONDS = 2.0
MOST_WAITING = 200
# A larger burst is told in steps, so that a stream that keeps up is not taken for a slow one; for
# those that do not, all of a burst waits so long together.
BREATH, PATIENCE = 0.02, 0.5  # seconds
# Ids are not in the order of commits: what came a little before the last heard id is told again.
WINDOW = timedelta(seconds=60)
# The same for a page that was drawn a moment ago: it would be told again what it shows already.
DRAWN = timedelta(seconds=2)
OLDEST = timedelta(minutes=15)
MOST_REPLAYED = 2000


@dataclass(frozen=True)
class Change:
    """A ticket after an event. `left`: queues it was moved out of."""

    event: int
    ticket: int
    version: int
    queue: int
    owner: int | None
    kind: str
    left: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Note:
    """What a stream writes: an event name, its data, and whether the stream ends with it."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    event: int = 0
    ends: bool = False


def spread(note: Note, hearers: int) -> Note:
    """The note, with the milliseconds over which those who hear it spread their questions."""
    if hearers <= FEW:
        return note
    data = note.data | {"spread": min(hearers * SPREAD_EACH, MOST_SPREAD)}
    return Note(note.name, data, note.event, note.ends)


RESET = Note("reset")
OVERFLOWN = Note("reset", ends=True)
BYE = Note("bye", ends=True)
SIGNED_OUT = Note("signed-out", ends=True)


@dataclass(eq=False)
class Listener:
    """One open stream: what its browser shows (`queues`, None: all it may see; `tickets`) and what
    its agent may see."""

    viewer: Viewer
    session: str
    queues: frozenset[int] | None
    tickets: frozenset[int] = frozenset()
    waiting: asyncio.Queue[Note] = field(
        default_factory=lambda: asyncio.Queue(maxsize=MOST_WAITING)
    )

    def note_of(self, change: Change) -> Note | None:
        """What this listener is told of a change; None when it is none of its business."""
        visible = self.viewer.queues
        shown = visible if self.queues is None else visible & self.queues
        is_open = change.ticket in self.tickets
        left_shown = not change.left.isdisjoint(shown)
        if change.queue in visible:
            if change.queue not in shown and not is_open and not left_shown:
                return None
            data = {
                "id": change.ticket,
                "v": change.version,
                "queue": change.queue,
                "owner": change.owner,
                "kind": change.kind,
            }
            return Note("ticket", data, change.event)
        if left_shown or (is_open and not change.left.isdisjoint(visible)):
            return Note("ticket", {"id": change.ticket, "gone": True}, change.event)
        return None

    def hears_of(self, ticket: int, queue: int) -> bool:
        """Whether the ticket, standing in this queue, is seen and shown here."""
        visible = self.viewer.queues
        is_shown = ticket in self.tickets or self.queues is None or queue in self.queues
        return queue in visible and is_shown

    def offer(self, note: Note) -> None:
        """Queue a note; a client that is too slow is told to start anew, and dropped."""
        try:
            self.waiting.put_nowait(note)
        except asyncio.QueueFull:
            self.end(OVERFLOWN)

    def is_half_full(self) -> bool:
        """Whether much waits to be written."""
        return self.waiting.qsize() > MOST_WAITING // 2

    def end(self, note: Note) -> None:
        """Forget what waits and end with `note`."""
        while not self.waiting.empty():
            self.waiting.get_nowait()
        self.waiting.put_nowait(note)


class Feed:
    """All open streams of this process."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.presence = Presence()
        self.last = 0
        self.deaf_until = 0.0
        self._heard: list[Heard] = []
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen, in the running event loop."""
        hub = Hub(self.hear)
        counting.listen(lambda: hub.is_connected)
        jobs = (hub.run(), self._dispatch(), self._check_always(), self._sweep())
        self._tasks = [asyncio.create_task(job) for job in jobs]

    async def stop(self) -> None:
        """End all streams and stop listening."""
        self._end_all()
        counting.listen(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hear(self, heard: Heard) -> None:
        """Called by the hub, in the event loop."""
        if heard.what == "bye":
            # A browser that comes back at once must not hold up the stop again.
            self.deaf_until = asyncio.get_running_loop().time() + BYE_SECONDS
            self._end_all()
        elif heard.what == "gap":
            counting.forget()
            reset = spread(RESET, len(self.listeners))
            for listener in self.listeners:
                listener.offer(reset)
        elif heard.what == "said":
            self._hear_people(int(heard.stream.removeprefix("ticket:")), heard.said)
        elif heard.stream.startswith("ticket:") or heard.stream.startswith("agent:"):
            self._heard.append(heard)
            self._news.set()

    def _hear_people(self, ticket: int, said: dict[str, Any]) -> None:
        queue = self.presence.queue_of(ticket) or int(said["queue"])
        if self.presence.hear(ticket, said):
            self._tell_people(ticket, queue)

    def _tell_people(self, ticket: int, queue: int) -> None:
        for listener in self.listeners:
            if listener.hears_of(ticket, queue):
                people = self.presence.people(ticket, but=listener.viewer.agent)
                listener.offer(Note("people", {"id": ticket, "people": people}))

    def crowd(self, listener: Listener) -> Note:
        """Everybody who is at the tickets that a listener shows now."""
        near = {
            ticket: self.presence.people(ticket, but=listener.viewer.agent)
            for ticket in self.presence.tickets()
            if listener.hears_of(ticket, self.presence.queue_of(ticket))
        }
        found = [{"id": ticket, "people": people} for ticket, people in near.items() if people]
        return Note("crowd", {"tickets": found})

    def viewer_of(self, session: str) -> Viewer | None:
        """Whom an open stream of this process knows by the session; checked every minute."""
        return next((one.viewer for one in self.listeners if one.session == session), None)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            queues = {one: self.presence.queue_of(one) for one in self.presence.tickets()}
            for ticket in self.presence.expire():
                self._tell_people(ticket, queues[ticket])

    def is_deaf(self) -> bool:
        """This process is about to stop: no new streams."""
        return asyncio.get_running_loop().time() < self.deaf_until

    def _end_all(self) -> None:
        for listener in self.listeners:
            listener.end(BYE)

    async def _dispatch(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            heard, self._heard = self._heard, []
            try:
                await self._tell(heard)
            except DatabaseError as error:
                log.warning("live feed", extra={"error_type": type(error).__name__})
                counting.forget()
                for listener in self.listeners:
                    listener.offer(RESET)

    async def _tell(self, heard: list[Heard]) -> None:
        agents = {int(one.stream[6:]) for one in heard if one.stream.startswith("agent:")}
        if agents:
            await self._check([one for one in self.listeners if one.viewer.agent in agents])
        tickets = [one for one in heard if one.stream.startswith("ticket:")]
        if tickets and not self.listeners:
            counting.forget()
        elif tickets:
            patience = PATIENCE
            changes = await in_thread(read_changes, tickets)
            # Before anybody hears: who is told asks for the counts.
            for change in changes:
                counting.changed({change.queue, *change.left})
            for change in changes:
                notes = [(one, one.note_of(change)) for one in self.listeners]
                told = [(one, note) for one, note in notes if note is not None]
                for listener, note in told:
                    listener.offer(spread(note, len(told)))
                if patience > 0 and any(one.is_half_full() for one, _note in told):
                    await asyncio.sleep(BREATH)
                    patience -= BREATH
        self.last = max([self.last, *(one.event for one in heard)])

    async def _check_always(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self._check(list(self.listeners))
            except DatabaseError as error:
                log.warning("live check", extra={"error_type": type(error).__name__})

    async def _check(self, listeners: list[Listener]) -> None:
        """Do these sessions still stand, and what may their agents see now?"""
        if not listeners:
            return
        viewers = await in_thread(read_viewers, {one.session for one in listeners})
        for listener in listeners:
            viewer = viewers.get(listener.session)
            if viewer is None or viewer.agent != listener.viewer.agent:
                listener.end(SIGNED_OUT)
            elif viewer != listener.viewer:
                listener.viewer = viewer
                listener.offer(RESET)


def read_changes(heard: Iterable[Heard]) -> list[Change]:
    """The tickets of these events as they are now, each once, in two queries: a mail makes five
    events, and a browser asks for the ticket as it is."""
    numbers = {one.event: int(one.stream[7:]) for one in heard}
    tickets = {
        row[0]: row
        for row in Ticket.objects.filter(pk__in=set(numbers.values())).values_list(
            "id", "version", "queue_id", "owner_id"
        )
    }
    events = Event.objects.filter(pk__in=numbers).order_by("id").values_list("id", "kind", "facts")
    latest: dict[int, Change] = {}
    for event, kind, facts in events:
        if numbers[event] not in tickets:
            continue
        number, version, queue, owner = tickets[numbers[event]]
        left = frozenset({facts["was"]} if kind == QueueChanged.kind else ())
        before = latest.pop(number, None)
        left |= before.left if before else frozenset()
        latest[number] = Change(event, number, version, queue, owner, kind, left)
    return list(latest.values())


def read_since(last: int, drawn: datetime | None = None) -> tuple[int, list[Change] | None]:
    """The newest event id, and the changes after event `last` with some before it, one per ticket;
    after the moment the page was `drawn` when it has heard none (0). None for the changes: too much
    was missed, start anew."""
    newest = Event.objects.aggregate(newest=Max("id"))["newest"] or 0
    if not last and drawn is None:
        return newest, []
    heard = Event.objects.filter(pk=last).values_list("at", flat=True).first() if last else None
    start = drawn - DRAWN if drawn and not last else heard and heard - WINDOW
    if start is None or start < clock.now() - OLDEST - WINDOW:
        return newest, None
    rows = Event.objects.filter(at__gte=start, stream__startswith="ticket:")
    missed = list(rows.order_by("id").values_list("id", "stream")[: MOST_REPLAYED + 1])
    if len(missed) > MOST_REPLAYED:
        return newest, None
    return newest, read_changes(Heard("event", event, stream) for event, stream in missed)


async def in_thread(work: Any, *values: Any) -> Any:
    """Run database work in a thread that gives its connection back."""

    def run() -> Any:
        close_old_connections()
        try:
            return work(*values)
        finally:
            close_old_connections()

    return await sync_to_async(run, thread_sensitive=False)()
