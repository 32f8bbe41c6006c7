"""Jobs of killed workers, and the removal of finished ones. The job library does neither."""

from __future__ import annotations

import logging
from contextlib import suppress

from django.db import DatabaseError, connection, transaction

from zabota.events import failures, jobs
from zabota.events.models import JobError
from zabota.lib.rows import ask

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 2
STALLED_SECONDS = 6
# A job that kills its worker every time must not do so for ever.
MOST_ATTEMPTS = 4

_STALLED = """
SELECT job.id, job.attempts, worker.id IS NULL FROM procrastinate_jobs job
  LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
 WHERE job.status = 'doing'
   AND (worker.id IS NULL
        -- Of the future after a clock was put back: who lives says another one at once.
        OR abs(extract(epoch FROM now() - worker.last_heartbeat)) > %s
        OR worker.id = %s AND NOT job.id = ANY(%s))
 FOR UPDATE OF job SKIP LOCKED
"""
_PUT_BACK = "SELECT procrastinate_retry_job_v1(%s, now(), NULL, NULL, NULL)"
_BEAT = "UPDATE procrastinate_workers SET last_heartbeat = now() WHERE id = %s"
_STRIKE_OFF = "SELECT worker_id FROM procrastinate_prune_stalled_workers_v1(%s)"
_LIVING = """
SELECT count(*) FROM procrastinate_workers
 WHERE abs(extract(epoch FROM now() - last_heartbeat)) < %s
"""
_FINISHED = """
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT job.id FROM procrastinate_jobs job
     WHERE job.status IN ('succeeded', 'cancelled', 'aborted')
       AND NOT EXISTS (SELECT 1 FROM procrastinate_events e WHERE e.job_id = job.id
                        AND e.at > now() - make_interval(hours => %s))
     LIMIT %s)
"""


def living() -> int:
    """How many workers have been heard of lately, on all machines."""
    row = ask(_LIVING, [STALLED_SECONDS])
    return int(row[0]) if row else 0


class WorkerDied(Exception):
    """The worker process ended, several times, while it ran this job."""


class Own:
    """This worker in the list of workers, and the jobs it works on; None where not listed yet."""

    def __init__(self) -> None:
        self.worker: int | None = None
        self.jobs: set[int] = set()

    def beat(self) -> bool:
        """Say that this worker lives; True when it was listed only now (a starting one strikes off
        those that are silent, and a living one may be struck off while the database is slow)."""
        with connection.cursor() as cursor:
            if self.worker is not None:
                cursor.execute(_BEAT, [self.worker])
                if cursor.rowcount:
                    return False
            cursor.execute(_STRIKE_OFF, [STALLED_SECONDS])
            cursor.execute("SELECT worker_id FROM procrastinate_register_worker_v1()")
            self.worker = int(cursor.fetchone()[0])
        return True

    def leave(self) -> None:
        """Strike this worker off; whatever it still had is taken back by others."""
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT procrastinate_unregister_worker_v1(%s)", [self.worker])


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
            dead = {
                job: attempts
                for job, (attempts, gone) in stalled.items()
                if gone or job in self.seen
            }
            for job, attempts in dead.items():
                if attempts >= MOST_ATTEMPTS:
                    jobs.finish(job, "failed")
                    failures.keep(job, WorkerDied("the worker ended while it ran this job"))
                else:
                    with connection.cursor() as cursor:
                        cursor.execute(_PUT_BACK, [job])
        self.seen = stalled.keys() - dead.keys()
        return len(dead)


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
