"""Jobs over procrastinate; the only importer of it. What it needs: docs/adr/0001."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection, transaction
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job

from zabota.events import failures

# Short: a waiting job holds back its whole stream. Afterwards a person decides ("Undelivered").
RETRY_SECONDS = (1, 5, 20)
WORKER_CHANNEL = "procrastinate_any_queue_v1"
LIVE_CHANNEL = "live"


class ShortRetry(BaseRetryStrategy):
    """Try again after 1, 5 and 20 seconds, then give up."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= len(RETRY_SECONDS):
            return None
        return RetryDecision(retry_in={"seconds": RETRY_SECONDS[job.attempts]})


@app.task(name="events.consume", retry=ShortRetry(), pass_context=True)
def consume(context: JobContext, event_id: int, consumer: str) -> None:
    """Run one consumer over one event; at least once. Its error is kept for "Undelivered"."""
    try:
        run_consumer(event_id, consumer)
    except Exception as error:
        if context.job.id is not None:
            failures.keep(context.job.id, error)
        raise


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


def defer(event_id: int, stream: str, names: Sequence[tuple[str, int]]) -> None:
    """One job per consumer in the current transaction; jobs of a consumer and stream keep order.

    `names` holds (consumer, priority); a higher priority is worked off first.
    """
    app.job_manager.batch_defer_jobs(
        [
            consume.configure(lock=f"{name}:{stream}", priority=priority).job.evolve(
                task_kwargs={"event_id": event_id, "consumer": name}
            )
            for name, priority in names
        ]
    )


class Wake:
    """What worker and browsers are told after the commit, in one go for the whole transaction."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, str]] = []
        self.has_jobs = False

    def __call__(self) -> None:
        notices = list(self.notices)
        if self.has_jobs:
            notices.append((WORKER_CHANNEL, '{"type": "job_inserted", "job_id": 0}'))
        calls = ", ".join(["pg_notify(%s, %s)"] * len(notices))
        with connection.cursor() as cursor:
            cursor.execute(
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
