"""A real worker process: order, speed, death, and the way back."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.events.slow_consumers import Noted
from tests.site import WORKER, process
from zabota.events import actor, jobs, log, rescue, timers, undelivered
from zabota.events.live import Heard, read
from zabota.lib import clock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_jobs() -> Iterator[None]:
    ProcrastinateJob.objects.all().delete()
    yield
    ProcrastinateJob.objects.all().delete()


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "book"


def note(book: Path, number: int, *, stream: str = "thing:1", hangs: bool = False) -> None:
    with transaction.atomic():
        log.record(Noted(str(book), number, hangs), stream=stream, by=actor.system("test"))


def wait_for(condition: Callable[[], bool], seconds: float) -> float:
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - start


def lines(book: Path) -> list[str]:
    return book.read_text().splitlines() if book.exists() else []


def test_a_worker_runs_jobs_timers_and_stops(book: Path) -> None:
    with process(WORKER) as worker:
        note(book, 0)
        wait_for(lambda: "end 0" in lines(book), 15)

        timers.set_timer(
            Noted(str(book), 7),
            subject="thing:7",
            stream="thing:7",
            due_at=clock.now() + timedelta(seconds=0.5),
        )
        wait_for(lambda: "end 7" in lines(book), 4)

        # The database throws everybody out, as at its restart.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        time.sleep(0.2)
        note(book, 8)
        wait_for(lambda: "end 8" in lines(book), 15)

        worker.send_signal(signal.SIGTERM)
        start = time.monotonic()
        assert worker.wait(10) == 0
        assert time.monotonic() - start < 5


def test_jobs_of_one_stream_follow_one_another_without_waiting_for_a_poll(book: Path) -> None:
    """Several at once are allowed, and the worker is woken when a lock gets free: it hardly polls
    here, so whoever waited for that would be found on the busiest machine."""
    hardly = WORKER.replace("worker.run()", "worker.POLL_SECONDS = 300.0; worker.run()")
    assert hardly != WORKER
    with process(hardly):
        note(book, 0)
        wait_for(lambda: "end 0" in lines(book), 15)
        for number in range(1, 6):
            note(book, number)
        wait_for(lambda: "end 5" in lines(book), 15)
    assert [line for line in lines(book) if line.startswith("end")] == [
        f"end {number}" for number in range(6)
    ]


def test_the_job_of_a_killed_worker_is_taken_back(book: Path) -> None:
    with process(WORKER) as worker:
        note(book, 1, hangs=True)
        note(book, 2)
        wait_for(lambda: "begin 1" in lines(book), 15)
        worker.kill()
        worker.wait()
    start = time.monotonic()
    with process(WORKER):
        wait_for(lambda: "end 2" in lines(book), 30)
    assert time.monotonic() - start < 30
    assert lines(book) == ["begin 1", "begin 1", "end 1", "begin 2", "end 2"]


def test_a_job_its_living_worker_does_not_know_of_is_taken_back(book: Path) -> None:
    with process(WORKER):
        note(book, 1)
        wait_for(lambda: "end 1" in lines(book), 15)
        with transaction.atomic():
            note(book, 2)
            with connection.cursor() as cursor:
                # The worker asked for a job and the connection broke before the answer came.
                cursor.execute(
                    "SELECT id FROM procrastinate_fetch_job_v2(NULL, "
                    "(SELECT max(id) FROM procrastinate_workers))"
                )
        wait_for(lambda: "end 2" in lines(book), 15)


def test_a_job_the_worker_works_on_is_left_alone(book: Path) -> None:
    note(book, 1)
    own = rescue.Own()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
        (own.worker,) = cursor.fetchone()
        cursor.execute("SELECT id FROM procrastinate_fetch_job_v2(NULL, %s)", [own.worker])
        (job,) = cursor.fetchone()
    own.jobs.add(job)
    taking_back = rescue.Rescue(own)
    assert [taking_back.round() for _ in range(3)] == [0, 0, 0]
    own.jobs.clear()
    assert [taking_back.round() for _ in range(2)] == [0, 1]


def test_a_job_that_kills_each_worker_is_given_up(book: Path) -> None:
    note(book, 1)
    note(book, 2)
    for _ in range(rescue.MOST_ATTEMPTS + 1):
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM procrastinate_fetch_job_v2(NULL, NULL)")
            (job,) = cursor.fetchone()
        # A worker that dies every few seconds has no second round: one is enough.
        assert rescue.Rescue().round() == 1
    (row,) = undelivered.listed()
    assert (row.job, row.error) == (job, "WorkerDied")
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM procrastinate_fetch_job_v2(NULL, NULL)")
        assert cursor.fetchone()[0] not in {None, job}, "the next of its stream runs"


@pytest.mark.parametrize("beat", ["now() - interval '7 s'", "now() + interval '1 hour'"])
def test_the_job_of_a_living_worker_is_left_alone(book: Path, beat: str) -> None:
    """The second beat stands there after the clock was put back an hour."""
    note(book, 1)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
        (worker,) = cursor.fetchone()
        cursor.execute("SELECT id FROM procrastinate_fetch_job_v2(NULL, %s)", [worker])
    taking_back = rescue.Rescue()
    assert [taking_back.round() for _ in range(3)] == [0, 0, 0]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE procrastinate_workers SET last_heartbeat = {beat} WHERE id = %s",
            [worker],
        )
    assert taking_back.round() == 0, "a late heartbeat at one sight is not enough"
    assert taking_back.round() == 1


def test_finished_jobs_are_removed_after_a_day_and_failed_ones_stay(book: Path) -> None:
    for number in range(3):
        note(book, number, stream=f"thing:{number}")
    with connection.cursor() as cursor:
        for status in ("succeeded", "succeeded", "failed"):
            cursor.execute("SELECT id FROM procrastinate_fetch_job_v2(NULL, NULL)")
            (job,) = cursor.fetchone()
            cursor.execute("SELECT procrastinate_finish_job_v1(%s, %s, false)", [job, status])
        assert rescue.clean() == 0
        cursor.execute(
            "UPDATE procrastinate_events SET at = now() - interval '25 h' WHERE job_id <> "
            "(SELECT min(id) FROM procrastinate_jobs)"
        )
    assert rescue.clean(batch=1) == 1
    assert sorted(ProcrastinateJob.objects.values_list("status", flat=True)) == [
        "failed",
        "succeeded",
    ]


@pytest.mark.parametrize(
    ("payload", "heard"),
    [
        ("bye", [Heard("bye")]),
        ('{"event": 7, "stream": "ticket:1"}', [Heard("event", 7, "ticket:1")]),
        ("nonsense", []),
        ('{"event": "x"}', []),
        (
            '{"event": 7, "stream": "ticket:1"}\nnonsense\n{"event": 8, "stream": "ticket:2"}',
            [Heard("event", 7, "ticket:1"), Heard("event", 8, "ticket:2")],
        ),
    ],
)
def test_notices(payload: str, heard: list[Heard]) -> None:
    assert read(payload) == heard


def test_many_notices_are_parted_before_they_are_too_long_for_the_database() -> None:
    given = [f'{{"event": {number}, "stream": "ticket:{number}"}}' for number in range(1000)]
    payloads = list(jobs._payloads(given))
    assert "\n".join(payloads).split("\n") == given
    assert len(payloads) < 10
    assert max(len(one.encode()) for one in payloads) < 7999
