"""Jobs: procrastinate's tables and functions, taken by hands of our own (docs/adr/0001, 0008)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection, transaction

from zabota.events import failures
from zabota.lib.rows import ask_all, tell

if TYPE_CHECKING:
    from zabota.events.models import Event

# Short: a waiting job holds back its whole stream. Afterwards a person decides ("Undelivered").
RETRY_SECONDS = (1, 5, 20)
WORKER_CHANNEL = "procrastinate_any_queue_v1"
LIVE_CHANNEL = "live"
MOST_TOLD = 7000  # bytes of a payload; PostgreSQL takes 7,999
QUEUE = "default"
TASK = "events.consume"


@dataclass(frozen=True)
class Job:
    """One consumer's work on one event (None: it was forgotten); `attempts` that failed before."""

    number: int
    consumer: str
    attempts: int
    event: Event | None


def take(worker: int | None = None, done: Sequence[int] = (), most: int = 1) -> list[Job]:
    """Note that the jobs `done` ended well and take the next, at most `most`, in one statement.

    Of a stream and consumer one at a time is taken. Raises what the database raises; then neither
    has happened.
    """
    from zabota.events.log import event_of

    rows = ask_all("SELECT * FROM zabota_take_jobs(%s, %s, %s)", [worker, list(done), most])
    rows.sort(key=lambda row: (-row[3], row[0]))
    return [
        Job(row[0], row[1] or "", row[2], None if row[4] is None else event_of(row[4:]))
        for row in rows
    ]


def finish(number: int, status: str = "succeeded") -> None:
    """Note how a job that is being worked on ended; the next of its stream may run."""
    tell("SELECT procrastinate_finish_job_v1(%s, %s, false)", [number, status])


def fail(job: Job, error: BaseException) -> None:
    """Keep the error for "Undelivered"; try again after 1, 5 and 20 seconds, then give up."""
    failures.keep(job.number, error)
    if job.attempts >= len(RETRY_SECONDS):
        finish(job.number, "failed")
        return
    tell(
        "SELECT procrastinate_retry_job_v1(%s, now() + make_interval(secs => %s), "
        "NULL, NULL, NULL)",
        [job.number, RETRY_SECONDS[job.attempts]],
    )


def run(job: Job) -> None:
    """Raises whatever the consumer raises; an atomic one has then changed nothing."""
    from zabota.events.log import consumer_named

    found, event = consumer_named(job.consumer), job.event
    if event is None:
        raise LookupError(f"the event of job {job.number} was forgotten")
    if found.atomic:
        with transaction.atomic():
            found.handle(event, event.fact)
    else:
        found.handle(event, event.fact)


# Set by the worker: its own hands are called without a way through the database, and its mouth
# tells the notices of many transactions at once.
call_hands: Callable[[], None] | None = None
tell_later: Callable[[Sequence[str]], None] | None = None


class Wake:
    """What worker and browsers are told after the commit, in one go for the whole transaction."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.has_jobs = False

    def __call__(self) -> None:
        calls_others = self.has_jobs and call_hands is None
        if self.has_jobs and call_hands is not None:
            call_hands()
        if tell_later is not None and not calls_others:
            tell_later(self.notices)
        else:
            tell_now(self.notices, calls_others)


def tell_now(notices: Sequence[str], calls_workers: bool = False) -> None:
    """Tell browsers' streams these notices, and workers that there are jobs."""
    told = [word for payload in _payloads(notices) for word in (LIVE_CHANNEL, payload)]
    if calls_workers:
        told += [WORKER_CHANNEL, ""]
    calls = ", ".join(["pg_notify(%s, %s)"] * (len(told) // 2))
    tell(f"SELECT set_config('synchronous_commit', 'off', true), {calls}", told)


def _payloads(notices: Sequence[str]) -> Iterator[str]:
    """Many notices in one payload, a line each: every payload wakes every web process."""
    lines: list[str] = []
    size = 0
    for notice in notices:
        # Notices are ASCII: escaped JSON.
        if lines and size + len(notice) > MOST_TOLD:
            yield "\n".join(lines)
            lines, size = [], 0
        lines.append(notice)
        size += len(notice) + 1
    if lines:
        yield "\n".join(lines)


def wake_after_commit(event_id: int, stream: str, has_jobs: bool) -> None:
    """Tell worker and browsers after the commit.

    A NOTIFY inside the business transaction would serialise the commits of the whole server
    (docs/adr/0001); a lost one is covered by the worker's 1 s poll and the browser's window.
    """
    # A hook goes with the savepoint that registered it; what it gathered later goes with it too,
    # or names an event that does not exist, which nobody finds.
    hooks = [row[1] for row in connection.run_on_commit if isinstance(row[1], Wake)]
    wake = hooks[-1] if hooks else Wake()
    wake.notices.append(json.dumps({"event": event_id, "stream": stream}))
    wake.has_jobs = wake.has_jobs or has_jobs
    if not hooks:
        transaction.on_commit(wake, robust=True)
