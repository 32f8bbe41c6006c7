"""The hands of a worker: threads that work off jobs, one by one. Why our own: docs/adr/0008."""

from __future__ import annotations

import logging
import threading

from django.db import close_old_connections, connection

from zabota.events import jobs, rescue
from zabota.lib.log import describe

log = logging.getLogger(__name__)

PAUSE = 0.5  # seconds before the database is asked again that did not answer


class Hands:
    """`count` hands of the worker `own`. Idle ones sleep until they are called, or for `poll`
    seconds on the average: a call may be lost, and a job tried again has its time."""

    def __init__(self, count: int, own: rescue.Own, poll: float) -> None:
        self.own = own
        self._poll = poll * count
        self._bell = threading.Condition()
        self._calls = self._idle = 0
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"hand {number}", daemon=True)
            for number in range(count)
        ]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def call(self) -> None:
        """There may be something to do: one sleeping hand looks; if it finds a job it calls the
        next. Who works looks anyway when it is done."""
        with self._bell:
            self._calls = 1
            self._bell.notify()

    def stop(self) -> None:
        """Finish the jobs that run and end."""
        with self._bell:
            self._stopping = True
            self._bell.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        done: int | None = None
        while not self._stopping:
            try:
                job = jobs.take(self.own.worker, done) if self.own.worker else None
            except Exception as error:
                # The database is away, or the worker was struck off: the next look finds it again.
                self._stumble("no job taken", error)
                continue
            if done is not None:
                self.own.jobs.discard(done)
                done = None
            if job is None:
                self._sleep()
                continue
            self.own.jobs.add(job.number)
            if self._idle:
                self.call()
            done = self._run(job)
        if done is not None:
            self._end(done)
        connection.close()

    def _run(self, job: jobs.Job) -> int | None:
        """The job's number when it ended well; how it failed is noted here."""
        try:
            jobs.run_consumer(job.event, job.consumer)
            return job.number
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
        return None

    def _end(self, done: int) -> None:
        try:
            jobs.finish(done)
        except Exception as error:
            self._stumble("end of a job not noted", error)
        self.own.jobs.discard(done)

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
