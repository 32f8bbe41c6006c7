"""Jobs that gave up: what the "Undelivered" screen shows, and the retry of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import BigIntegerField, Count, Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce
from procrastinate.contrib.django.models import ProcrastinateJob

from zabota.events.jobs import TASK, WORKER_CHANNEL
from zabota.events.models import Event, JobError

_NUMBERS = """
SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'),
       count(*) FILTER (WHERE status = 'failed'),
       coalesce(extract(epoch FROM now() - (
           SELECT min(e.at) FROM procrastinate_events e
            WHERE e.type = 'deferred' AND e.job_id = (
               SELECT min(id) FROM procrastinate_jobs WHERE status = 'todo'))), 0)
  FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed')
"""
# `failed` is asked again under the lock: somebody else may have retried it, a worker may run it.
_RETRY = """
SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM (
    SELECT id FROM procrastinate_jobs WHERE id = ANY(%s) AND status = 'failed'
     ORDER BY id FOR UPDATE SKIP LOCKED) job
"""
FIRST_PAGE = 2**62
BATCH = 500
# Names of streams a person may know of, as a queryset of one column; None: all.
Streams = QuerySet[Any, Any] | None


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
class Kind:
    """Jobs of one consumer that gave up for the same error."""

    consumer: str
    error: str
    count: int


@dataclass(frozen=True)
class Numbers:
    """Jobs by state, and the age in seconds of the oldest that waits (by the database's clock)."""

    waiting: int
    running: int
    failed: int
    oldest_seconds: float


def listed(before: int = FIRST_PAGE, limit: int = 50, streams: Streams = None) -> list[Undelivered]:
    """Failed jobs of these streams, newest first; `before` is the last job id of the page before.

    Those whose event was forgotten are left out: nobody can run them.
    """
    jobs = list(_failed(streams).filter(pk__lt=before).order_by("-pk")[:limit])
    events = Event.objects.in_bulk([job.args["event_id"] for job in jobs])
    errors = {row.job: row for row in JobError.objects.filter(job__in=[job.pk for job in jobs])}
    found = []
    for job in jobs:
        event, error = events[job.args["event_id"]], errors.get(job.pk)
        found.append(
            Undelivered(
                job=job.pk,
                consumer=job.args["consumer"],
                event=event.pk,
                kind=event.kind,
                stream=event.stream,
                attempts=job.attempts,
                error=error.error if error else "",
                text=error.text if error else "",
                where=error.where if error else "",
                at=error.at if error else event.at,
            )
        )
    return found


def kinds(streams: Streams = None, limit: int = 20) -> list[Kind]:
    """Failed jobs of these streams by consumer and error, the most frequent first."""
    rows = _with_error(_failed(streams)).values("consumer", "error").annotate(count=Count("pk"))
    ordered = rows.order_by("-count", "consumer", "error")[:limit]
    return [Kind(row["consumer"], row["error"], row["count"]) for row in ordered]


def count(streams: Streams = None, most: int = 0) -> int:
    """How many jobs of these streams gave up, counted no further than `most` (0: to the end)."""
    rows = _failed(streams).order_by()
    return (rows[:most] if most else rows).count()


def numbers() -> Numbers:
    """Jobs by state, for the metrics."""
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS)
        row = cursor.fetchone()
    return Numbers(row[0], row[1], row[2], float(row[3]))


def retry(job: int) -> bool:
    """Put a failed job back in the queue for one more try; False when it is no longer failed."""
    return _retry([job]) == 1


def retry_all(streams: Streams = None, kind: Mapping[str, str] | None = None) -> int:
    """Put all failed jobs of these streams back, in batches; returns how many.

    `kind` chooses those of one `consumer` and `error`. A job that fails again meanwhile stays.
    """
    rows = _with_error(_failed(streams)).filter(**kind or {}).order_by("pk")
    newest = rows.values_list("pk", flat=True).last()
    done = after = 0
    while newest:
        chosen = list(
            rows.filter(pk__gt=after, pk__lte=newest).values_list("pk", flat=True)[:BATCH]
        )
        if not chosen:
            break
        done += _retry(chosen)
        after = chosen[-1]
    return done


def _failed(streams: Streams) -> QuerySet[Any]:
    about = Event.objects.filter(pk=OuterRef("event"))
    if streams is not None:
        about = about.filter(stream__in=streams)
    rows: QuerySet[Any] = ProcrastinateJob.objects.filter(status="failed", task_name=TASK)
    rows = rows.annotate(event=Cast(KT("args__event_id"), BigIntegerField()))
    return rows.filter(Exists(about))


def _with_error(rows: QuerySet[Any]) -> QuerySet[Any]:
    error = JobError.objects.filter(job=OuterRef("pk")).values("error")[:1]
    known = {"consumer": KT("args__consumer"), "error": Coalesce(Subquery(error), Value(""))}
    named: QuerySet[Any] = rows.annotate(**known)
    return named


def _retry(jobs: list[int]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RETRY, [jobs])
        done = int(cursor.rowcount)
    if done:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_notify(%s, %s)",
                [WORKER_CHANNEL, ""],
            )
    return done
