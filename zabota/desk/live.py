"""`/live/stream`: the live events of one browser (server-sent events).

`&since=…` (milliseconds since 1970) is when a page was drawn that has heard nothing yet.
`?queues=1,2&ticket=12,13` names what it shows (`queues=all`: every queue the agent sees); what he
may not see is never heard, without a word about it. Events: `ticket` {"id", "v", "queue", "owner",
"kind"} or {"id", "gone": true}; `people` {"id", "people"} and, at the beginning, `crowd`
{"tickets"}: who else is there (desk/presence.py); `here`: all up to its id is told; `reset`: much
was missed, fetch what you show, within "spread" ms; `bye`: the server restarts, come back;
`signed-out`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from django.conf import settings
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from zabota.desk import presence
from zabota.desk.feed import RESET, Feed, Listener, Note, in_thread, read_since
from zabota.desk.viewers import read_viewers

HEARTBEAT_SECONDS = 15.0
RETRY = "retry: 1000\n\n"
MOST_NUMBERS = 500
HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}

_feed: Feed | None = None


@asynccontextmanager
async def running() -> AsyncIterator[None]:
    """Hear and tell while the web process lives."""
    global _feed
    _feed = Feed()
    _feed.start()
    try:
        yield
    finally:
        await _feed.stop()
        _feed = None


def open_streams() -> int:
    """Streams open in this process now."""
    return len(_feed.listeners) if _feed is not None else 0


async def stream(request: Request) -> Response:
    """401 without a full sign-in, 400 for a question that cannot be read."""
    session = request.cookies.get(settings.SESSION_COOKIE_NAME, "")
    viewer = (await in_thread(read_viewers, {session})).get(session)
    if viewer is None:
        return PlainTextResponse("Sign in first.\n", 401, headers=HEADERS)
    try:
        queues = read_numbers(request.query_params.get("queues", ""))
        tickets = read_numbers(request.query_params.get("ticket", "")) or frozenset()
        last, since = read_last(request), read_since_time(request)
    except ValueError:
        return PlainTextResponse(
            "queues, ticket, last and since are numbers.\n", 400, headers=HEADERS
        )
    if _feed is None or _feed.is_deaf():
        return StreamingResponse(iter([RETRY]), 200, HEADERS, "text/event-stream")
    listener = Listener(viewer, session, queues, tickets)
    return StreamingResponse(
        _events(_feed, listener, last, since), 200, HEADERS, "text/event-stream"
    )


async def here(request: Request) -> Response:
    """`POST /live/here` {"ticket", "what", "tab", "hidden"}: what a tab does at a ticket (`view`,
    `type`, `draft`, "" for no more). 204, or 401, 404 (no such ticket for him), 422."""
    said = await presence.read(request)
    session = request.cookies.get(settings.SESSION_COOKIE_NAME, "")
    viewer = _feed.viewer_of(session) if _feed is not None else None
    if viewer is None:
        viewer = (await in_thread(read_viewers, {session})).get(session)
    if viewer is None:
        return PlainTextResponse("Sign in first.\n", 401, headers=HEADERS)
    if said is None:
        return PlainTextResponse("Send JSON: ticket, what, tab.\n", 422, headers=HEADERS)
    is_told = await in_thread(presence.tell, viewer, said)
    return Response(None, 204 if is_told else 404, headers=HEADERS)


def read_numbers(text: str) -> frozenset[int] | None:
    """Ids of "1,2"; None (all) of "all". Raises ValueError."""
    if text == "all":
        return None
    numbers = frozenset(int(word) for word in text.split(",") if word)
    if len(numbers) > MOST_NUMBERS:
        raise ValueError("too many ids")
    return numbers


def read_last(request: Request) -> int:
    """The last event the browser has heard: its own header after a broken line, `last=` when the
    page opens a new stream. 0 for none."""
    return int(request.headers.get("last-event-id") or request.query_params.get("last") or 0)


def read_since_time(request: Request) -> datetime | None:
    """When the page was drawn that opens its first stream; None when it does not say. Raises
    ValueError."""
    text = request.query_params.get("since", "")
    try:
        return datetime.fromtimestamp(int(text) / 1000, UTC) if text else None
    except (OverflowError, OSError):
        raise ValueError(text) from None


async def _events(
    feed: Feed, listener: Listener, last: int, since: datetime | None
) -> AsyncIterator[str]:
    # First listen, then read what was missed: something may be told twice, nothing not at all.
    feed.listeners.add(listener)
    try:
        yield RETRY
        newest, missed = await in_thread(read_since, last, since)
        if missed is None:
            yield written(RESET)
        for change in missed or ():
            note = listener.note_of(change)
            if note is not None:
                yield written(note)
        yield written(Note("here", event=newest))
        crowd = feed.crowd(listener)
        if crowd.data["tickets"]:
            yield written(crowd)
        while True:
            try:
                note = await asyncio.wait_for(listener.waiting.get(), HEARTBEAT_SECONDS)
            except TimeoutError:
                # The id moves on, so that a quiet stream can be resumed after hours too.
                yield written(Note("here", event=max(newest, feed.last)))
                continue
            yield written(note)
            if note.ends:
                return
    finally:
        feed.listeners.discard(listener)


def written(note: Note) -> str:
    """The note as the wire has it."""
    name = f"id: {note.event}\n" if note.event or note.name == "here" else ""
    data = json.dumps(note.data, separators=(",", ":"))
    return f"{name}event: {note.name}\ndata: {data}\n\n"
