"""The hands of a worker: threads that work off jobs, one by one. Why our own: docs/adr/0008."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence

from django.db import close_old_connections, connection

from zabota.events import jobs, rescue
from zabota.lib.log import describe

log = logging.getLogger(__name__)

PAUSE = 0.5  # seconds before the database is asked again that did not answer
BASKET = 8  # jobs taken at once
GATHER = 0.02  # seconds for which notices are gathered
AT_ONCE = 200


class Hands:
    """`count` hands of the worker `own`, who share a basket of jobs. Idle ones sleep until they are
    called, or for `poll` seconds on the average: a call may be lost, and a job that is tried again
    has its time."""

    def __init__(self, count: int, own: rescue.Own, poll: float) -> None:
        self.own = own
        self._poll = poll * count
        self._bell = threading.Condition()
        self._calls = self._idle = 0
        self._stopping = False
        self._basket: deque[jobs.Job] = deque()
        self._filling = threading.Lock()
        self._done: list[int] = []
        self._threads = [
            threading.Thread(target=self._work, name=f"hand {number}", daemon=True)
            for number in range(count)
        ]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def call(self) -> None:
        """There may be something to do: one sleeping hand looks; where it finds more than it can
        take it calls the next. Who works looks anyway when it is done."""
        with self._bell:
            self._calls = 1
            self._bell.notify()

    def stop(self) -> None:
        """Finish the jobs that were taken and end."""
        with self._bell:
            self._stopping = True
            self._bell.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            try:
                job = self._next()
            except Exception as error:
                # The database is away, or the worker was struck off: the next look finds it again.
                self._stumble("no job taken", error)
                job = None
            if job is not None:
                self._run(job)
            elif self._stopping:
                break
            else:
                self._sleep()
        connection.close()

    def _next(self) -> jobs.Job | None:
        """The next job of the basket, filled when it is empty and the hands are not to stop."""
        with self._filling:
            if not self._basket:
                self._fill()
            if not self._basket:
                return None
            job = self._basket.popleft()
            if self._basket and self._idle:
                self.call()
            return job

    def _fill(self) -> None:
        if self.own.worker is None:
            return
        done, most = list(self._done), 0 if self._stopping else BASKET
        if not done and not most:
            return
        taken = jobs.take(self.own.worker, done, most)
        self.own.jobs.update(job.number for job in taken)
        self.own.jobs.difference_update(done)
        del self._done[: len(done)]
        self._basket.extend(taken)

    def _run(self, job: jobs.Job) -> None:
        try:
            jobs.run(job)
            self._done.append(job.number)
            return
        except Exception as error:
            told = {"consumer": job.consumer, "error_type": type(error).__name__}
            log.warning("job failed", extra=told | {"job": job.number})
            log.debug("job %s: %s", job.number, describe(error))
            try:
                jobs.fail(job, error)
            except Exception as second:
                # It counts as lost now: rescue takes it back.
                self._stumble("failure not noted", second)
        self.own.jobs.discard(job.number)
        close_old_connections()

    def _stumble(self, what: str, error: Exception) -> None:
        log.error(what, extra={"error_type": type(error).__name__})
        log.debug("%s: %s", what, describe(error))
        connection.close()
        with self._bell:
            self._bell.wait_for(lambda: self._stopping, PAUSE)

    def _sleep(self) -> None:
        with self._bell:
            self._idle += 1
            self._bell.wait_for(lambda: self._calls or self._stopping, self._poll)
            self._idle -= 1
            self._calls = 0


class Mouth(threading.Thread):
    """Tells what was committed: the notices of some hundredths of a second in one statement."""

    def __init__(self) -> None:
        super().__init__(name="mouth", daemon=True)
        self._bell = threading.Event()
        self._notices: deque[str] = deque()
        self._stopping = False

    def say(self, notices: Sequence[str]) -> None:
        """Tell these soon."""
        self._notices.extend(notices)
        self._bell.set()

    def stop(self) -> None:
        """Tell the rest and end."""
        self._stopping = True
        self._bell.set()

    def run(self) -> None:
        while not self._stopping or self._notices:
            self._bell.wait()
            if not self._stopping:
                time.sleep(GATHER)
            self._bell.clear()
            count = min(len(self._notices), AT_ONCE)
            if count:
                self._tell([self._notices.popleft() for _ in range(count)])
            if self._notices:
                self._bell.set()
        connection.close()

    def _tell(self, notices: Sequence[str]) -> None:
        try:
            jobs.tell_now(notices)
        except Exception as error:
            # Browsers read again when their line comes back.
            log.error("notices lost", extra={"error_type": type(error).__name__})
            connection.close()
