"""Jobs that gave up: what the "Undelivered" screen shows, and the retry of a person."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from procrastinate.contrib.django import app

from zabota.events.jobs import WORKER_CHANNEL
from zabota.events.models import Event, JobError

_FAILED = """
SELECT id, args, attempts FROM procrastinate_jobs
 WHERE status = 'failed' AND task_name = 'events.consume' AND id < %s
   AND EXISTS (SELECT FROM events_event event WHERE event.id = (args->>'event_id')::bigint)
 ORDER BY id DESC LIMIT %s
"""
_NUMBERS = """
SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'),
       count(*) FILTER (WHERE status = 'failed'),
       coalesce(extract(epoch FROM now() - (
           SELECT min(e.at) FROM procrastinate_events e
            WHERE e.type = 'deferred' AND e.job_id = (
               SELECT min(id) FROM procrastinate_jobs WHERE status = 'todo'))), 0)
  FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed')
"""
FIRST_PAGE = 2**62


@dataclass(frozen=True)
class Undelivered:
    """One job that gave up. `at` is the time of its last failure."""

    job: int
    consumer: str
    event: int
    kind: str
    stream: str
    attempts: int
    error: str
    text: str
    where: str
    at: datetime


@dataclass(frozen=True)
class Numbers:
    """Jobs by state, and the age in seconds of the oldest that waits (by the database's clock)."""

    waiting: int
    running: int
    failed: int
    oldest_seconds: float


def listed(before: int = FIRST_PAGE, limit: int = 50) -> list[Undelivered]:
    """Failed jobs, newest first; `before` is the last job id of the page before."""
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, [before, limit])
        rows = cursor.fetchall()
    jobs = {job: (_arguments(args), attempts) for job, args, attempts in rows}
    events = Event.objects.in_bulk([args["event_id"] for args, _ in jobs.values()])
    errors = {row.job: row for row in JobError.objects.filter(job__in=jobs)}
    found = []
    for job, (args, attempts) in jobs.items():
        event = events[args["event_id"]]
        error = errors.get(job)
        found.append(
            Undelivered(
                job=job,
                consumer=args["consumer"],
                event=event.pk,
                kind=event.kind,
                stream=event.stream,
                attempts=attempts,
                error=error.error if error else "",
                text=error.text if error else "",
                where=error.where if error else "",
                at=error.at if error else event.at,
            )
        )
    return found


def count() -> int:
    """How many jobs gave up; cheap enough for every page of an administrator."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'")
        return int(cursor.fetchone()[0])


def numbers() -> Numbers:
    """Jobs by state, for the metrics."""
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS)
        row = cursor.fetchone()
    return Numbers(row[0], row[1], row[2], float(row[3]))


def retry(job: int) -> bool:
    """Put a failed job back in the queue for one more try; False when it is no longer failed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM procrastinate_jobs WHERE id = %s AND status = 'failed' FOR UPDATE", [job]
        )
        if cursor.fetchone() is None:
            return False
        cursor.execute("SELECT now()")
        app.job_manager.retry_job_by_id(job, retry_at=cursor.fetchone()[0])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_notify(%s, %s)", [WORKER_CHANNEL, '{"type": "job_inserted", "job_id": 0}']
        )
    return True


def _arguments(args: str | dict[str, Any]) -> dict[str, Any]:
    # Django reads jsonb of a raw query as text.
    found: dict[str, Any] = json.loads(args) if isinstance(args, str) else args
    return found
