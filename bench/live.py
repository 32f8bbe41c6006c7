"""Open live streams: how long until another agent's screen hears of a change."""

from __future__ import annotations

import asyncio
import json
import random
import time

from bench.browser import Browser
from bench.house import House
from bench.pages import Desk
from bench.table import Goal, Line, percentile
from zabota.tickets.models import Ticket

STREAMS, SHOWING, EVENTS = 2000, 50, 24
OPEN_AT_ONCE = 50
SETTLE = 2.0  # seconds
LATEST = 5.0  # seconds after which a notice counts as lost


class Stream:
    """One open stream; notes when it hears of the ticket."""

    def __init__(self, cookie: str, ticket: int) -> None:
        self.cookie = cookie
        self.ticket = ticket
        self.heard = asyncio.Event()
        self.at = 0.0
        self.foreign = 0
        self.watched = 0
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, port: int) -> None:
        """Ask for the stream and wait for its first line."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port, limit=2**16)
        ask = (
            f"GET /live/stream?ticket={self.ticket} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Cookie: {self.cookie}\r\n\r\n"
        )
        self._writer.write(ask.encode())
        status = await reader.readline()
        if b" 200 " not in status:
            raise ConnectionError(status.decode())
        while b"retry" not in await reader.readline():
            pass
        self._task = asyncio.create_task(self._listen(reader))

    async def close(self) -> None:
        """Leave."""
        if self._task is not None:
            self._task.cancel()
        if self._writer is not None:
            self._writer.close()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            if not line.startswith(b"data: {") or b'"id"' not in line:
                continue
            number = json.loads(line[6:])["id"]
            if number != self.ticket:
                self.foreign += 1
            elif number == self.watched and not self.heard.is_set():
                self.at = time.perf_counter()
                self.heard.set()


def measure(house: House, desk: Desk, streams: int = STREAMS, events: int = EVENTS) -> Line:
    """Changes of the urgency by one agent; 50 of the streams show the ticket."""
    source = random.Random(7)
    writer = desk.browsers[0]
    ticket = desk.list_of(writer.agent.pk, "open")[0][0]
    queue = Ticket.objects.values_list("queue_id", flat=True).get(pk=ticket)
    others = [one for one in desk.browsers if queue in desk.queues[one.agent.pk]]
    chosen = []
    for number in range(streams):
        browser = source.choice(others if number < SHOWING else desk.browsers)
        closed = source.choice(desk.list_of(browser.agent.pk, "solved"))[0]
        chosen.append(Stream(browser.cookie, ticket if number < SHOWING else closed))
    return asyncio.run(_measure(house, writer, ticket, chosen, events))


async def _measure(
    house: House, writer: Browser, ticket: int, streams: list[Stream], events: int
) -> Line:
    limit = asyncio.Semaphore(OPEN_AT_ONCE)

    async def enter(stream: Stream) -> None:
        async with limit:
            await stream.open(house.port)

    began = time.monotonic()
    await asyncio.gather(*(enter(stream) for stream in streams))
    opening = time.monotonic() - began
    await asyncio.sleep(SETTLE)
    try:
        delays, lost = await _changes(writer, ticket, streams[:SHOWING], events)
    finally:
        for stream in streams:
            await stream.close()
    foreign = sum(stream.foreign for stream in streams)
    wrong = f"{foreign} notices of tickets that were not shown" if foreign else ""
    return Line(
        f"event to another agent's screen, {len(streams)} open streams, {SHOWING} show the ticket",
        [Goal("p95", percentile(delays, 0.95), 300, "ms")],
        f"p50 {percentile(delays, 0.5):.0f} ms, {len(delays)} notices of {events} changes, from "
        f"the sending of the request; all streams opened in {opening:.1f} s",
        wrong or (f"{lost} notices did not come" if lost else ""),
    )


async def _changes(
    writer: Browser, ticket: int, showing: list[Stream], events: int
) -> tuple[list[float], int]:
    delays: list[float] = []
    lost = 0
    # Each change must be one: the first is from this to another.
    await asyncio.to_thread(writer.post, f"/t/{ticket}/urgency/", {"urgency": "2"}, part=True)
    await asyncio.sleep(SETTLE)
    for number in range(events):
        for stream in showing:
            stream.heard.clear()
            stream.watched = ticket
        fields = {"urgency": str(1 + number % 2)}
        began = time.perf_counter()
        path = f"/t/{ticket}/urgency/"
        answer = await asyncio.to_thread(writer.post, path, fields, part=True)
        if answer.status != 200:
            raise ConnectionError(f"urgency: {answer.status} {answer.text[:200]}")
        waits = [asyncio.wait_for(stream.heard.wait(), LATEST) for stream in showing]
        results = await asyncio.gather(*waits, return_exceptions=True)
        for stream, result in zip(showing, results, strict=True):
            if result is True:
                delays.append((stream.at - began) * 1000)
            else:
                lost += 1
        await asyncio.sleep(0.3)
    return delays, lost
