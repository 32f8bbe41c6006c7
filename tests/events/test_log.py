"""Recording, order within a stream, and what happens to jobs that fail."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.db import connection, transaction

from tests import make
from tests.drain import drain
from zabota.events import actor, jobs, log, undelivered
from zabota.events.facts import Fact
from zabota.events.models import Event, JobError
from zabota.tickets.actions import reply


@dataclass(frozen=True)
class Tried(Fact, kind="test.tried"):
    number: int


@dataclass(frozen=True)
class Other(Fact, kind="test.other"):
    number: int


heard: list[tuple[str, int]] = []
broken: set[int] = set()


@log.consumer("test.listener", Tried)
def listen(event: Event, fact: Tried) -> None:
    if fact.number in broken:
        raise ConnectionResetError(104, "Connection reset by peer")
    heard.append((event.stream, fact.number))


@pytest.fixture(autouse=True)
def clean() -> None:
    heard.clear()
    broken.clear()


def try_(number: int, stream: str = "thing:1") -> None:
    with transaction.atomic():
        log.record(Tried(number), stream=stream, by=actor.system("test"))


@pytest.mark.django_db(transaction=True)
def test_record_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="needs a transaction"):
        log.record(Tried(1), stream="thing:1", by=actor.system("test"))
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_a_rolled_back_fact_leaves_no_job() -> None:
    with transaction.atomic():
        log.record(Tried(1), stream="thing:1", by=actor.system("test"))
        transaction.set_rollback(True)
    assert drain() == 0
    assert heard == []


@pytest.mark.django_db
def test_facts_recorded_together_are_written_in_their_order_with_their_jobs() -> None:
    with transaction.atomic(), log.together():
        try_(1, "thing:2")
        with log.together():
            try_(2)
            try_(3, "thing:2")
        assert not Event.objects.exists(), "the inner one waits for the outer one"
        log.record(Other(4), stream="thing:3", by=actor.system("test"))
    found = Event.objects.order_by("id").values_list("stream", "facts", "actor")
    assert list(found) == [
        ("thing:2", {"number": 1}, "system:test"),
        ("thing:1", {"number": 2}, "system:test"),
        ("thing:2", {"number": 3}, "system:test"),
        ("thing:3", {"number": 4}, "system:test"),
    ]
    assert drain() == 3, "nobody consumes the last"
    assert heard == [("thing:2", 1), ("thing:1", 2), ("thing:2", 3)]


@pytest.mark.django_db
def test_what_was_recorded_together_is_forgotten_with_its_work() -> None:
    def give_up() -> None:
        with transaction.atomic(), log.together():
            try_(1)
            try_(2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        give_up()
    try_(3)
    assert [event.facts for event in Event.objects.all()] == [{"number": 3}]
    assert drain() == 1


@pytest.mark.django_db
def test_jobs_of_one_stream_run_in_order() -> None:
    for number in range(5):
        try_(number)
    assert drain() == 5
    assert heard == [("thing:1", number) for number in range(5)]


@pytest.mark.django_db
def test_drain_fails_loudly_and_names_the_consumer() -> None:
    broken.add(1)
    try_(1)
    with pytest.raises(AssertionError, match=r"test\.listener raised ConnectionResetError"):
        drain()


@pytest.mark.django_db
def test_a_failed_job_blocks_nothing_and_can_be_tried_again() -> None:
    broken.add(1)
    try_(1)
    try_(2)
    assert drain(quiet=True) == 1
    assert heard == [("thing:1", 2)]
    (row,) = undelivered.listed()
    assert (row.consumer, row.kind, row.stream) == ("test.listener", "test.tried", "thing:1")
    assert (row.error, row.text) == ("ConnectionResetError", "Connection reset by peer")
    assert row.where.startswith("events/jobs.py:")
    assert undelivered.count() == 1

    broken.clear()
    assert undelivered.retry(row.job) is True
    assert undelivered.retry(row.job) is False
    assert drain() == 1
    assert heard[-1] == ("thing:1", 1)
    assert undelivered.listed() == []


@pytest.mark.django_db
def test_an_error_keeps_nothing_a_client_wrote() -> None:
    from zabota.events import failures

    failures.keep(7, ValueError("letter of ivan@example.com: my card is 4111"))
    kept = JobError.objects.get(job=7)
    assert (kept.error, kept.text) == ("ValueError", "")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO events_joberror SELECT * FROM events_joberror")
    except Exception as error:
        failures.keep(7, error)
    kept.refresh_from_db()
    assert kept.error == "IntegrityError"
    assert "duplicate key" in kept.text
    assert f"({kept.pk})" not in kept.text


@pytest.mark.django_db
def test_the_numbers_tell_what_waits() -> None:
    try_(1)
    try_(2)
    numbers = undelivered.numbers()
    assert (numbers.waiting, numbers.running, numbers.failed) == (2, 0, 0)
    assert 0 <= numbers.oldest_seconds < 60
    drain()
    assert undelivered.numbers().waiting == 0


@pytest.mark.django_db
def test_the_sql_functions_that_tests_and_rescue_rest_on_exist() -> None:
    names = "procrastinate_fetch_job_v2 procrastinate_finish_job_v1 procrastinate_retry_job_v2"
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname FROM pg_proc WHERE proname = ANY(%s)", [names.split()])
        assert {name for (name,) in cursor.fetchall()} == set(names.split())


@pytest.mark.django_db
def test_inserting_a_job_notifies_nobody_inside_the_transaction() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgenabled FROM pg_trigger "
            "WHERE tgname = 'procrastinate_jobs_notify_queue_job_inserted_v1'"
        )
        assert cursor.fetchone() == ("D",)


@pytest.mark.django_db
def test_a_persons_answer_is_worked_off_before_a_backlog_of_mail() -> None:
    for number in range(3):
        make.received(make.inbox(), make.mail(f"Письмо {number}"))
    agent = make.agent()
    reply(make.ticket(), "Ответ", agent=agent, by=agent.actor)
    (job,) = jobs.take()
    assert job.consumer == "tickets.deliver"
