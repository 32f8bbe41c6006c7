"""The worker process: jobs, the timer pump, the rescue of crashed jobs, the cleaning."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import close_old_connections
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params

from zabota.events import chores, rescue, timers
from zabota.lib import memory
from zabota.lib.log import describe

log = logging.getLogger(__name__)

# Only what no notice told of waits for it: a notice that was lost, a retry that is due.
POLL_SECONDS = 1.0
PUMP_SECONDS = 0.5
RESCUE_SECONDS = 3.0
CLEAN_SECONDS = 3600.0
PUMP_BATCH = 200


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
    own = rescue.Own()
    taking_back = rescue.Rescue(own)
    loops = [
        Loop("timers", PUMP_SECONDS, lambda: timers.pump(PUMP_BATCH) == PUMP_BATCH),
        Loop("rescue", RESCUE_SECONDS, lambda: taking_back.round() < 0),
        Loop("cleaning", CLEAN_SECONDS, lambda: rescue.clean() < 0),
        Loop("chores", CLEAN_SECONDS, lambda: chores.do_all() < 0),
    ]
    for loop in loops:
        loop.start()
    try:
        asyncio.run(_work(own))
    finally:
        for loop in loops:
            loop.stop()
        deadline = time.monotonic() + 5
        for loop in loops:
            loop.join(max(0.0, deadline - time.monotonic()))


async def _work(own: rescue.Own) -> None:
    jobs = settings.WORKER_JOBS
    # Sync jobs run in the loop's default threads, which asyncio bounds by the number of cores.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=jobs + 4))
    connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=jobs + 2)
    # An app beside the ordinary one, not `replace_connector`: consumers must go on recording and
    # deferring through Django's connection, inside their own transaction.
    async with app.with_connector(connector).open_async() as working:
        await working.run_worker_async(
            concurrency=jobs,
            fetch_job_polling_interval=POLL_SECONDS,
            update_heartbeat_interval=rescue.HEARTBEAT_SECONDS,
            stalled_worker_timeout=rescue.STALLED_SECONDS,
            install_signal_handlers=True,
            worker_middleware=[own],
        )
