"""Between the server and Django's threads: reads whole bodies in the event loop, refuses what would
hold a thread or lie about itself (without it every POST fails and eight slow clients stop
the site)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from tempfile import SpooledTemporaryFile
from typing import IO, Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

BODY = "zabota.body"
IDLE_SECONDS = 15.0
LONGEST_SECONDS = 600.0
SPOOL_BYTES = 1024 * 1024
# What the client still sends after a refusal is read and thrown away up to here, so that it gets
# to read the answer instead of a reset connection.
DRAIN_BYTES = 32 * 1024 * 1024
DRAIN_SECONDS = 5.0

TOO_LARGE = (413, "The request is too large.\n")
TOO_SLOW = (408, "The request did not arrive in time.\n")
BAD_LENGTH = (400, "The length of the request is not a number.\n")


class Refused(Exception):
    """The body is not taken; status and text of the answer."""

    def __init__(self, answer: tuple[int, str]) -> None:
        super().__init__(answer[1])
        self.status, self.text = answer


class Gone(Exception):
    """The client left before its request was complete: nothing of it may be used."""


class Shim:
    """Wraps an app that is served by threads: it gets the request only once it is there whole."""

    def __init__(self, app: App, *, most_bytes: int, idle_seconds: float = IDLE_SECONDS) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.idle_seconds = idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with SpooledTemporaryFile(SPOOL_BYTES) as body:
            try:
                size = await self._read(scope, receive, body)
            except Gone:
                return
            except Refused as refused:
                await _answer(send, refused)
                await _drain(receive)
                return
            body.seek(0)
            scope = dict(scope)
            scope["headers"] = _with_length(scope["headers"], size)
            scope[BODY] = body
            await self.app(scope, _nothing_more, send)

    async def _read(self, scope: Scope, receive: Receive, body: IO[bytes]) -> int:
        """Read the whole body; returns its size in bytes. Raises Refused or Gone."""
        declared = declared_length(scope["headers"])
        if declared is not None and declared > self.most_bytes:
            raise Refused(TOO_LARGE)
        if declared is None and not _is_chunked(scope):
            return 0
        size, end = 0, time.monotonic() + LONGEST_SECONDS
        while True:
            try:
                async with asyncio.timeout(self.idle_seconds):
                    message = await receive()
            except TimeoutError:
                raise Refused(TOO_SLOW) from None
            if message["type"] == "http.disconnect":
                raise Gone
            part = message.get("body", b"")
            size += len(part)
            if size > self.most_bytes:
                raise Refused(TOO_LARGE)
            if part:
                body.write(part)
            if not message.get("more_body", False):
                break
            if time.monotonic() > end:
                raise Refused(TOO_SLOW)
        if declared is not None and size < declared:
            raise Gone
        return size


def cleaned(scope: Scope, proxies: frozenset[str]) -> Scope:
    """The scope without what a client may not say: names with underscores (they would pass for the
    real header), forwarded headers unless a named proxy sent them; one cookie header."""
    peer = scope["client"][0] if scope.get("client") else ""
    is_trusted = peer in proxies
    kept: Headers = []
    cookies: list[bytes] = []
    for name, value in scope["headers"]:
        if b"_" in name:
            continue
        if name == b"cookie":
            cookies.append(value)
        elif not _is_forwarding(name) or (is_trusted and name in _BELIEVED):
            kept.append((name, value))
    if cookies:
        kept.append((b"cookie", b"; ".join(cookies)))
    scope = dict(scope)
    scope["headers"] = kept
    if is_trusted:
        scope["client"] = (_client_behind(kept, peer, proxies), 0)
    return scope


def declared_length(headers: Headers) -> int | None:
    """The Content-Length; None without one. Raises Refused for several or a wrong one."""
    values = {value.strip() for name, value in headers if name == b"content-length"}
    if not values:
        return None
    if len(values) > 1 or not (text := values.pop()).isdigit():
        raise Refused(BAD_LENGTH)
    return int(text)


_BELIEVED = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})


def _is_forwarding(name: bytes) -> bool:
    return name.startswith(b"x-forwarded-") or name in {b"forwarded", b"x-real-ip"}


def _client_behind(headers: Headers, peer: str, proxies: frozenset[str]) -> str:
    """The last address in X-Forwarded-For that is no proxy of ours: what stands before it, the
    client may have written himself."""
    chain = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    steps = [step.strip() for step in chain.decode("latin-1").split(",") if step.strip()]
    return next((step for step in reversed(steps) if step not in proxies), peer)


def _is_chunked(scope: Scope) -> bool:
    """HTTP/1 says so in a header; an HTTP/2 body needs neither length nor header."""
    if not str(scope.get("http_version", "1.1")).startswith("1"):
        return scope["method"] not in {"GET", "HEAD", "OPTIONS"}
    return any(name == b"transfer-encoding" for name, _ in scope["headers"])


def _with_length(headers: Headers, size: int) -> Headers:
    kept = [pair for pair in headers if pair[0] not in {b"content-length", b"transfer-encoding"}]
    return [*kept, (b"content-length", str(size).encode())]


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}


async def _answer(send: Send, refused: Refused) -> None:
    text = refused.text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def _drain(receive: Receive) -> None:
    left = DRAIN_BYTES
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))
    except TimeoutError:
        return
