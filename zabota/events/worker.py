"""The worker process: hands, the timer pump, the rescue of crashed jobs, the cleaning."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable

import psycopg
from django.conf import settings
from django.db import close_old_connections

from zabota.events import chores, jobs, live, rescue, timers
from zabota.events.hands import Hands, Mouth
from zabota.lib import memory
from zabota.lib.log import describe

log = logging.getLogger(__name__)

# Only what no notice told of waits for it: a notice that was lost, a retry that is due.
POLL_SECONDS = 1.0
PUMP_SECONDS = 0.5
RESCUE_SECONDS = 3.0
CLEAN_SECONDS = 3600.0
PUMP_BATCH = 200
EAR_PAUSE = 1.0
EAR_STEP = 0.5  # seconds; so long a stop waits for the ear
EAR_PROBE = 20.0  # seconds until a line that says nothing is asked whether it lives


class Loop(threading.Thread):
    """Calls `work` every `seconds` until it is told to stop; an error is logged and the next round
    comes. `work` returns True when it wants to go on at once."""

    def __init__(self, name: str, seconds: float, work: Callable[[], bool]) -> None:
        super().__init__(name=name, daemon=True)
        self.seconds = seconds
        self.work = work
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            again = False
            try:
                close_old_connections()
                again = self.work()
            except Exception as error:
                # The database may be away for a while: the next round finds it again.
                log.error("%s failed", self.name, extra={"error_type": type(error).__name__})
                log.debug("%s: %s", self.name, describe(error))
            finally:
                close_old_connections()
            if not again:
                self.stopping.wait(self.seconds)

    def stop(self) -> None:
        """Ask it to end after the present round."""
        self.stopping.set()


def run() -> None:
    """Work until SIGTERM or SIGINT; jobs that run are finished first."""
    memory.settle()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    own = rescue.Own()
    hands = Hands(settings.WORKER_JOBS, own, POLL_SECONDS)
    mouth = Mouth()
    mouth.start()
    jobs.call_hands, jobs.tell_later = hands.call, mouth.say
    loops = [*_loops(own, hands), Ear(hands.call)]
    for loop in loops:
        loop.start()
    hands.start()
    stopping.wait()
    hands.stop()
    mouth.stop()
    for loop in loops:
        loop.stop()
    deadline = time.monotonic() + 5
    for part in (mouth, *loops):
        part.join(max(0.0, deadline - time.monotonic()))
    own.leave()


def _loops(own: rescue.Own, hands: Hands) -> list[Loop]:
    taking_back = rescue.Rescue(own)

    def beat() -> bool:
        if own.beat():
            hands.call()
        return False

    return [
        Loop("heartbeat", rescue.HEARTBEAT_SECONDS, beat),
        Loop("timers", PUMP_SECONDS, lambda: timers.pump(PUMP_BATCH) == PUMP_BATCH),
        Loop("rescue", RESCUE_SECONDS, lambda: _again(taking_back, hands)),
        Loop("cleaning", CLEAN_SECONDS, lambda: rescue.clean() < 0),
        Loop("chores", CLEAN_SECONDS, lambda: chores.do_all() < 0),
    ]


def _again(taking_back: rescue.Rescue, hands: Hands) -> bool:
    if taking_back.round():
        hands.call()
    return False


class Ear(Loop):
    """Hears from other processes that there are jobs."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__("ear", EAR_PAUSE, self._hear)
        self._call = call

    def _hear(self) -> bool:
        with psycopg.connect(**live.connection_settings(), autocommit=True) as line:
            line.execute(f"LISTEN {jobs.WORKER_CHANNEL}")
            # What was told before is not heard any more.
            self._call()
            asked = time.monotonic()
            while not self.stopping.is_set():
                for _notice in line.notifies(timeout=EAR_STEP, stop_after=1):
                    self._call()
                if time.monotonic() - asked > EAR_PROBE:
                    line.execute("SELECT 1")
                    asked = time.monotonic()
        return False
