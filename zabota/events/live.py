"""The live hub: one LISTEN connection per web process, handed on to everybody who wants to hear.

It says only that something happened in a stream ("ticket:12"); who may hear it, the doors know.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import psycopg
from django.db import connection, connections

from zabota.events.jobs import LIVE_CHANNEL
from zabota.lib.rows import tell

log = logging.getLogger(__name__)

BYE = "bye"
# A dead network line is found by asking; LISTEN alone would wait for ever.
PROBE_SECONDS = 20.0


@dataclass(frozen=True)
class Heard:
    """`event`: event `event` of `stream` was committed. `said`: somebody said something of `stream`
    that is not kept. `gap`: notices may have been lost, read again. `bye`: this server is about to
    stop."""

    what: Literal["event", "said", "gap", "bye"]
    event: int = 0
    stream: str = ""
    said: dict[str, Any] = field(default_factory=dict)


def say_bye() -> None:
    """Make every web process end its live streams, so that it can stop at once; browsers return."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [LIVE_CHANNEL, BYE])


def say(stream: str, words: dict[str, Any]) -> None:
    """Tell all web processes something of a stream that is not kept: presence, typing. Raises what
    the database raises for more than 7,900 bytes."""
    payload = json.dumps({"stream": stream, "said": words})
    tell(_SAY, [LIVE_CHANNEL, payload])


# Nothing of it is worth waiting for a disk.
_SAY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify(%s, %s)"


def read(payload: str) -> list[Heard]:
    """What the notices of a payload say, one in each line; those that are not ours are left out."""
    found = [_read(line) for line in payload.split("\n")]
    return [one for one in found if one is not None]


def _read(notice: str) -> Heard | None:
    if notice == BYE:
        return Heard("bye")
    try:
        told = json.loads(notice)
        if "said" in told:
            return Heard("said", stream=str(told["stream"]), said=dict(told["said"]))
        return Heard("event", int(told["event"]), str(told["stream"]))
    except (ValueError, TypeError, KeyError):
        return None


class Hub:
    """Listens for ever and calls `tell` with all it hears, in the event loop."""

    def __init__(self, tell: Callable[[Heard], None]) -> None:
        self.tell = tell
        self.is_connected = False

    async def run(self) -> None:
        """Listen until cancelled; a lost connection is made again, and a gap is told."""
        pause = 0.5
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **connection_settings(), autocommit=True
                ) as line:
                    await line.execute(f"LISTEN {LIVE_CHANNEL}")
                    # Also at the very start: streams may have been opened before the line stood.
                    self.is_connected, pause = True, 0.5
                    self.tell(Heard("gap"))
                    await self._listen(line)
            except (psycopg.Error, OSError, TimeoutError) as error:
                log.warning("live line lost", extra={"error_type": type(error).__name__})
            finally:
                self.is_connected = False
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))
            pause = min(pause * 2, 5.0)

    async def _listen(self, line: psycopg.AsyncConnection[Any]) -> None:
        while True:
            async for notice in line.notifies(timeout=PROBE_SECONDS):
                for heard in read(notice.payload):
                    self.tell(heard)
            async with asyncio.timeout(PROBE_SECONDS):
                await line.execute("SELECT 1")


def connection_settings() -> dict[str, Any]:
    """How to reach Django's database by psycopg alone."""
    settings: dict[str, Any] = connections["default"].get_connection_params()
    for name in ("cursor_factory", "context", "pool", "prepare_threshold"):
        settings.pop(name, None)
    return settings
