"""Runs jobs and timers inside the test's transaction, which a real worker cannot see."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection, transaction

from zabota.events import failures, jobs, timers

FETCH = "SELECT id, task_name, args FROM procrastinate_fetch_job_v2(NULL, NULL)"
FINISH = "SELECT procrastinate_finish_job_v1(%s, %s, %s)"
MOST_JOBS = 10_000


def drain(*, quiet: bool = False) -> int:
    """Run all waiting jobs, those they cause included; returns how many ended well.

    A consumer that raises fails the test, naming itself. With `quiet` it is tried as often as a
    worker would and then given up, as the "Undelivered" screen shows it.
    """
    done = 0
    for _ in range(MOST_JOBS):
        job = next_job()
        if job is None:
            return done
        number, args = job
        error = _run(number, args, tries=len(jobs.RETRY_SECONDS) + 1 if quiet else 1)
        if error is None:
            _finish(number, "succeeded")
            done += 1
        elif quiet:
            _finish(number, "failed")
        else:
            told = f"consumer {args['consumer']} raised {type(error).__name__}: {error}"
            raise AssertionError(told) from error
    raise AssertionError(f"more than {MOST_JOBS} jobs: consumers cause one another for ever")


def run_timers() -> int:
    """Record the facts of all timers that are due at clock.now() and drain; returns how many."""
    total = 0
    while due := timers.pump():
        total += due
        drain()
    return total


def next_job() -> tuple[int, dict[str, Any]] | None:
    """The job a worker would take now (number, arguments); it counts as begun."""
    with connection.cursor() as cursor:
        cursor.execute(FETCH)
        number, task, args = cursor.fetchone()
    if number is None:
        return None
    if task != jobs.consume.name:
        raise AssertionError(f"drain does not know the task {task}")
    return number, json.loads(args) if isinstance(args, str) else args


def _run(number: int, args: dict[str, Any], *, tries: int) -> Exception | None:
    last: Exception | None = None
    for _ in range(tries):
        try:
            with transaction.atomic():
                jobs.run_consumer(**args)
        except Exception as error:
            failures.keep(number, error)
            last = error
        else:
            return None
    return last


def _finish(number: int, status: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FINISH, [number, status, False])
