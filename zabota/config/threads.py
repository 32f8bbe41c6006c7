"""Django's threads, seen from the event loop. An answer that is whole comes back in one step; what
is streamed is fetched part by part, so that no thread waits for a slow client (docs/adr/0014)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, cast

from a2wsgi.wsgi import build_environ

from zabota.config.shim import Receive, Scope, Send

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
# Of a streamed answer, read in one go: a script or a picture mostly whole.
PART_BYTES = 256 * 1024


@dataclass
class Answer:
    """What a page answered; `rest` brings what has not been read of its body yet."""

    start: dict[str, Any]
    part: bytes
    rest: Iterator[bytes] | None
    close: Callable[[], object]


class Threads:
    """Calls a WSGI application, which finds its whole body in the scope, in one of `workers`
    threads."""

    def __init__(self, app: Wsgi, *, workers: int) -> None:
        self.app = app
        self.executor = ThreadPoolExecutor(workers, thread_name_prefix="page")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        environ = build_environ(cast(Any, scope), cast(Any, None))
        run = copy_context().run
        answer = await loop.run_in_executor(
            self.executor, lambda: run(self._answer, cast(Any, environ))
        )
        try:
            await send(answer.start)
            while answer.rest is not None:
                await send({"type": "http.response.body", "body": answer.part, "more_body": True})
                await loop.run_in_executor(self.executor, _read, answer)
            await send({"type": "http.response.body", "body": answer.part})
        finally:
            if answer.rest is not None:
                answer.close()

    def _answer(self, environ: dict[str, Any]) -> Answer:
        """Run the page; its body is read and closed here unless it is a long streamed one."""
        start: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            start.update(
                type="http.response.start",
                status=int(status.partition(" ")[0]),
                headers=[
                    (name.lower().encode("latin-1"), value.encode("latin-1"))
                    for name, value in headers
                ],
            )

        body = self.app(environ, start_response)
        answer = Answer(start, b"", iter(body), getattr(body, "close", lambda: None))
        try:
            _read(answer)
        except BaseException:
            answer.close()
            raise
        return answer


def _read(answer: Answer) -> None:
    """Read the next part; the last one closes the answer in this thread."""
    rest = cast(Iterator[bytes], answer.rest)
    parts: list[bytes] = []
    size = 0
    for part in rest:
        parts.append(part)
        size += len(part)
        if size >= PART_BYTES:
            break
    else:
        answer.rest = None
    answer.part = parts[0] if len(parts) == 1 else b"".join(parts)
    if answer.rest is None:
        answer.close()
