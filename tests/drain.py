"""Runs jobs and timers inside the test's transaction, which a real worker cannot see."""

from __future__ import annotations

from django.db import transaction

from zabota.events import failures, jobs, timers

MOST_JOBS = 10_000


def drain(*, quiet: bool = False) -> int:
    """Run all waiting jobs, those they cause included; returns how many ended well.

    A consumer that raises fails the test, naming itself. With `quiet` it is tried as often as a
    worker would and then given up, as the "Undelivered" screen shows it.
    """
    done = 0
    for _ in range(MOST_JOBS):
        taken = jobs.take()
        if not taken:
            return done
        (job,) = taken
        error = _run(job, tries=len(jobs.RETRY_SECONDS) + 1 if quiet else 1)
        if error is None:
            jobs.finish(job.number)
            done += 1
        elif quiet:
            jobs.finish(job.number, "failed")
        else:
            told = f"consumer {job.consumer} raised {type(error).__name__}: {error}"
            raise AssertionError(told) from error
    raise AssertionError(f"more than {MOST_JOBS} jobs: consumers cause one another for ever")


def run_timers() -> int:
    """Record the facts of all timers that are due at clock.now() and drain; returns how many."""
    total = 0
    while due := timers.pump():
        total += due
        drain()
    return total


def _run(job: jobs.Job, *, tries: int) -> Exception | None:
    last: Exception | None = None
    for _ in range(tries):
        try:
            with transaction.atomic():
                jobs.run(job)
        except Exception as error:
            failures.keep(job.number, error)
            last = error
        else:
            return None
    return last
