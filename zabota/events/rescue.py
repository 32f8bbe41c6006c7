"""Jobs of killed workers, and the removal of finished ones. The job library does neither."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.job_context import JobContext
from procrastinate.worker import Worker

from zabota.events import failures
from zabota.events.models import JobError

HEARTBEAT_SECONDS = 2
STALLED_SECONDS = 6
# A job that kills its worker every time must not do so for ever.
MOST_ATTEMPTS = 4

_STALLED = """
SELECT job.id, job.attempts, worker.id IS NULL FROM procrastinate_jobs job
  LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
 WHERE job.status = 'doing'
   AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %s)
        OR worker.id = %s AND NOT job.id = ANY(%s))
 FOR UPDATE OF job SKIP LOCKED
"""
_FINISHED = """
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT job.id FROM procrastinate_jobs job
     WHERE job.status IN ('succeeded', 'cancelled', 'aborted')
       AND NOT EXISTS (SELECT 1 FROM procrastinate_events e WHERE e.job_id = job.id
                        AND e.at > now() - make_interval(hours => %s))
     LIMIT %s)
"""


class WorkerDied(Exception):
    """The worker process ended, several times, while it ran this job."""


class Own:
    """The jobs this process works on: a middleware of its worker."""

    def __init__(self) -> None:
        self.worker: int | None = None
        self.jobs: set[int] = set()

    async def __call__(
        self, run: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker
    ) -> Any:
        """Run one job, known as ours meanwhile."""
        self.worker = worker.worker_id
        job = context.job.id or 0
        self.jobs.add(job)
        try:
            return await run()
        finally:
            self.jobs.discard(job)


class Rescue:
    """Takes back the jobs of dead workers, and those our own worker has but does not know of: the
    connection broke after the job was given to it, or before it could say how the job ended.

    Where the worker is struck off the list (a starting one strikes off the stalled), at once: a
    worker that dies every few seconds never comes to a second round. Where only the heartbeat is
    late, when two rounds in a row saw it: after a restart of the database all are, for a moment.
    """

    def __init__(self, own: Own | None = None) -> None:
        self.own = own or Own()
        self.seen: set[int] = set()

    def round(self) -> int:
        """Look once; returns how many jobs were put back or given up."""
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_STALLED, [STALLED_SECONDS, self.own.worker, list(self.own.jobs)])
                stalled = {job: (attempts, gone) for job, attempts, gone in cursor.fetchall()}
                cursor.execute("SELECT now()")
                now = cursor.fetchone()[0]
            dead = {
                job: attempts
                for job, (attempts, gone) in stalled.items()
                if gone or job in self.seen
            }
            for job, attempts in dead.items():
                if attempts >= MOST_ATTEMPTS:
                    give_up(job)
                    failures.keep(job, WorkerDied("the worker ended while it ran this job"))
                else:
                    app.job_manager.retry_job_by_id(job, retry_at=now)
        self.seen = stalled.keys() - dead.keys()
        return len(dead)


def give_up(job: int) -> None:
    """Mark a job that is being worked on as failed; the next of its stream runs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT procrastinate_finish_job_v1(%s, 'failed', false)", [job])


def clean(hours: int = 24, batch: int = 5000) -> int:
    """Remove jobs that ended well more than `hours` ago; failed ones stay. Returns how many."""
    removed = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_FINISHED, [hours, batch])
            step = int(cursor.rowcount)
        removed += step
        if step < batch:
            break
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {JobError._meta.db_table} e WHERE NOT EXISTS "  # noqa: S608
            "(SELECT 1 FROM procrastinate_jobs job WHERE job.id = e.job)"
        )
    return removed
