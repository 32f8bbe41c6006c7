"""Jobs: procrastinate's tables and functions, taken by hands of our own (docs/adr/0001, 0008)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction

from zabota.events import failures
from zabota.lib.rows import ask, tell

# Short: a waiting job holds back its whole stream. Afterwards a person decides ("Undelivered").
RETRY_SECONDS = (1, 5, 20)
WORKER_CHANNEL = "procrastinate_any_queue_v1"
LIVE_CHANNEL = "live"
QUEUE = "default"
TASK = "events.consume"


@dataclass(frozen=True)
class Job:
    """One consumer's work on one event; `attempts` that failed before."""

    number: int
    event: int
    consumer: str
    attempts: int


def take(worker: int | None = None, done: int | None = None) -> Job | None:
    """Note that the job `done` ended well and take the next one, in one statement; None when there
    is nothing to do. Raises what the database raises; then neither has happened."""
    row = ask("SELECT id, args, attempts FROM zabota_take_job(%s, %s)", [worker, done])
    if row is None:
        return None
    args = json.loads(row[1]) if isinstance(row[1], str) else row[1]
    return Job(row[0], int(args.get("event_id", 0)), str(args.get("consumer", "")), row[2])


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


def run_consumer(event_id: int, consumer: str) -> None:
    """Raises whatever the consumer raises; an atomic one has then changed nothing."""
    from zabota.events.log import consumer_named, read

    found = consumer_named(consumer)
    event = read(event_id)
    if found.atomic:
        with transaction.atomic():
            found.handle(event, event.fact)
    else:
        found.handle(event, event.fact)


# Set by the worker: its own hands are called without a way through the database.
call_hands: Callable[[], None] | None = None


class Wake:
    """What worker and browsers are told after the commit, in one go for the whole transaction."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, str]] = []
        self.has_jobs = False

    def __call__(self) -> None:
        notices = list(self.notices)
        if self.has_jobs and call_hands is not None:
            call_hands()
        elif self.has_jobs:
            notices.append((WORKER_CHANNEL, ""))
        calls = ", ".join(["pg_notify(%s, %s)"] * len(notices))
        tell(
            f"SELECT set_config('synchronous_commit', 'off', true), {calls}",
            [word for notice in notices for word in notice],
        )


def wake_after_commit(event_id: int, stream: str, has_jobs: bool) -> None:
    """Tell worker and browsers after the commit.

    A NOTIFY inside the business transaction would serialise the commits of the whole server
    (docs/adr/0001); a lost one is covered by the worker's 1 s poll and the browser's window.
    """
    # A hook goes with the savepoint that registered it; what it gathered later goes with it too,
    # or names an event that does not exist, which nobody finds.
    hooks = [row[1] for row in connection.run_on_commit if isinstance(row[1], Wake)]
    wake = hooks[-1] if hooks else Wake()
    wake.notices.append((LIVE_CHANNEL, json.dumps({"event": event_id, "stream": stream})))
    wake.has_jobs = wake.has_jobs or has_jobs
    if not hooks:
        transaction.on_commit(wake, robust=True)
