"""The live streams of a strain, in a process of their own: `python -m bench.hearing`.

Reads one line of JSON from its input ({"port", "streams": [[cookie, query], …]}), opens the streams
and writes "open"; when the next line comes it writes what each heard as JSON and ends. A stream
that ends comes back after a second with the last id it heard, as a browser does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

OPENING = 0.004  # seconds between two new streams
RETURN = 1.0  # seconds until a stream that ended comes back, as the server asks


@dataclass
class Heard:
    """What one stream heard: tickets, the moments at which it was told to read anew, its ends."""

    tickets: set[int] = field(default_factory=set)
    resets: list[float] = field(default_factory=list)
    ended: int = 0
    last: str = ""


class Hearing:
    """The process, seen from the strain."""

    def __init__(self, port: int, streams: list[tuple[str, str]]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.hearing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._tell(json.dumps({"port": port, "streams": streams}))
        if self._line().strip() != "open":
            raise ConnectionError("the streams could not be opened")

    def heard(self) -> list[Heard]:
        """End the streams; what each of them heard."""
        self._tell("enough")
        found = [Heard(set(one.pop("tickets")), **one) for one in json.loads(self._line())]
        self._process.wait(30)
        return found

    def _tell(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


async def _run(port: int, streams: list[tuple[str, str]]) -> None:
    every = [Heard() for _ in streams]
    tasks = []
    for (cookie, query), heard in zip(streams, every, strict=True):
        tasks.append(asyncio.create_task(_stay(port, cookie, query, heard)))
        await asyncio.sleep(OPENING)
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    told: list[dict[str, Any]] = [vars(one) | {"tickets": list(one.tickets)} for one in every]
    print(json.dumps(told), flush=True)


async def _stay(port: int, cookie: str, query: str, heard: Heard) -> None:
    while True:
        with contextlib.suppress(OSError):
            await _listen(port, cookie, query, heard)
        heard.ended += 1
        await asyncio.sleep(RETURN)


async def _listen(port: int, cookie: str, query: str, heard: Heard) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    last = f"Last-Event-ID: {heard.last}\r\n" if heard.last else ""
    ask = f"GET /live/stream?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n{last}\r\n"
    writer.write(ask.encode())
    name = ""
    try:
        while line := await reader.readline():
            if line.startswith(b"id: "):
                heard.last = line[4:].strip().decode()
            elif line.startswith(b"event: "):
                name = line[7:].strip().decode()
                if name == "reset":
                    heard.resets.append(time.time())
            elif name == "ticket" and line.startswith(b"data: "):
                heard.tickets.add(int(json.loads(line[6:])["id"]))
    finally:
        writer.close()


if __name__ == "__main__":
    given = json.loads(sys.stdin.readline())
    asyncio.run(_run(given["port"], given["streams"]))
