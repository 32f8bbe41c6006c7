"""Taking jobs: several at once, in order, one of a stream and consumer, and nobody waits for a slow
one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from zabota.events import actor, jobs, log, rescue
from zabota.events.facts import Fact
from zabota.events.hands import Hands, Mouth
from zabota.events.models import Event

BY = actor.system("test")


@dataclass(frozen=True)
class Taken(Fact, kind="test.taken"):
    number: int
    turn: int = 0


ran: list[int] = []
gates: dict[int, threading.Event] = {}


@log.consumer(
    "test.taker", Taken, wants=lambda fact: fact.number >= 0, priority=lambda fact: fact.turn
)
def take(event: Event, fact: Taken) -> None:
    if fact.number in gates:
        assert gates[fact.number].wait(20)
    ran.append(fact.number)


@pytest.fixture(autouse=True)
def clean() -> None:
    ran.clear()
    gates.clear()


def tell(number: int, stream: str, turn: int = 0) -> None:
    with transaction.atomic():
        log.record(Taken(number, turn), stream=stream, by=BY)


def numbers(taken: list[jobs.Job]) -> list[int]:
    return [job.event.facts["number"] for job in taken if job.event is not None]


@pytest.mark.django_db
def test_several_are_taken_in_order_but_one_of_a_stream() -> None:
    for number, stream in enumerate(["a", "a", "b", "c", "b"]):
        tell(number, stream)
    first = jobs.take(None, [], 8)
    assert numbers(first) == [0, 2, 3]
    assert jobs.take(None, [], 8) == [], "the next of their streams wait for them"
    second = jobs.take(None, [first[0].number], 8)
    assert numbers(second) == [1]
    assert numbers(jobs.take(None, [first[1].number, first[2].number], 1)) == [4]
    assert ProcrastinateJob.objects.filter(status="succeeded").count() == 3


@pytest.mark.django_db
def test_a_higher_turn_comes_first_and_goes_round_nobody_of_its_stream() -> None:
    tell(0, "a")
    tell(1, "b")
    tell(2, "c", turn=5)
    assert numbers(jobs.take(None, [], 2)) == [2, 0]


@pytest.mark.django_db
def test_what_a_consumer_does_not_want_makes_no_job() -> None:
    tell(-1, "a")
    assert Event.objects.filter(kind=Taken.kind).exists()
    assert jobs.take(None, [], 8) == []


@pytest.mark.django_db
def test_a_job_whose_event_was_forgotten_says_so() -> None:
    tell(1, "a")
    Event.objects.all().delete()
    (job,) = jobs.take()
    with pytest.raises(LookupError, match="forgotten"):
        jobs.run(job)


@pytest.mark.django_db
def test_the_look_does_not_grow_with_what_waits() -> None:
    for number in range(300):
        tell(number, f"s{number % 100}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")
        assert cursor.fetchone() == (300,)
    assert numbers(jobs.take(None, [], 100)) == list(range(100))


@pytest.fixture
def hands() -> Iterator[Hands]:
    own = rescue.Own()
    own.beat()
    found = Hands(2, own, 60.0)
    found.start()
    yield found
    for gate in gates.values():
        gate.set()
    found.stop()
    own.leave()
    ProcrastinateJob.objects.all().delete()
    connection.close()


def wait_for(wanted: list[int]) -> None:
    start = time.monotonic()
    while sorted(ran) != sorted(wanted):
        assert time.monotonic() - start < 10, f"{ran} instead of {wanted}"
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_slow_job_taken_with_others(hands: Hands) -> None:
    gates[0] = threading.Event()
    for number in range(7):
        tell(number, f"s{number}")
    hands.call()
    wait_for([1, 2, 3, 4, 5, 6])
    gates[0].set()
    wait_for(list(range(7)))


@pytest.mark.django_db(transaction=True)
def test_hands_that_stop_finish_what_they_took_and_note_it(hands: Hands) -> None:
    gates[0] = threading.Event()
    for number in range(4):
        tell(number, "s0" if number else "s")
    hands.call()
    wait_for([1, 2, 3])
    stopping = threading.Thread(target=hands.stop)
    stopping.start()
    gates[0].set()
    stopping.join(10)
    assert not stopping.is_alive()
    assert set(ProcrastinateJob.objects.values_list("status", flat=True)) == {"succeeded"}


def test_the_mouth_tells_many_notices_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[str]] = []
    monkeypatch.setattr(jobs, "tell_now", lambda notices: told.append(list(notices)))
    mouth = Mouth()
    for number in range(250):
        mouth.say([str(number)])
    mouth.start()
    mouth.stop()
    mouth.join(10)
    assert [len(part) for part in told] == [200, 50]
    assert [one for part in told for one in part] == [str(number) for number in range(250)]
