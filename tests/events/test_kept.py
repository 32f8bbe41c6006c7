"""What a process keeps in memory is never older than the last commit."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from tests import make
from zabota.channels.models import Inbox
from zabota.events.kept import Kept, held
from zabota.lib import clock
from zabota.staff import policy, structure
from zabota.staff.models import Agent, Level, Queue

pytestmark = pytest.mark.django_db


class Counted:
    """A reader that counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> list[str]:
        self.times += 1
        return list(Queue.objects.order_by("id").values_list("name_ru", flat=True))


def test_it_is_read_again_only_after_a_change() -> None:
    make.queue("Первая")
    read = Counted()
    kept = Kept("staff", read)
    assert kept.get() == kept.get() == ["Первая"]
    assert read.times == 1
    Queue.objects.update(name_ru="Вторая")
    assert kept.get() == ["Вторая"]
    Queue.objects.all().delete()
    assert kept.get() == []
    assert read.times == 3


def test_what_a_rolled_back_change_showed_is_not_shown_after_it() -> None:
    make.queue("Первая")
    kept = Kept("staff", Counted())
    with transaction.atomic():
        Queue.objects.update(name_ru="Вторая")
        assert kept.get() == ["Вторая"]
        transaction.set_rollback(True)
    assert kept.get() == ["Первая"]


@pytest.mark.django_db(transaction=True)
def test_another_process_hears_of_a_commit_and_of_nothing_before_it() -> None:
    make.queue("Первая")
    kept = Kept("staff", Counted())
    changed, seen = threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            Queue.objects.update(name_ru="Вторая")
            changed.set()
            assert seen.wait(10)
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    assert changed.wait(10)
    assert kept.get() == ["Первая"]
    seen.set()
    thread.join()
    assert kept.get() == ["Вторая"]


def test_nothing_is_kept_where_nobody_watches() -> None:
    read = Counted()
    kept = Kept("nobody", read)
    kept.get()
    kept.get()
    assert read.times == 2


def test_the_passes_of_the_fetch_renew_nothing() -> None:
    inbox = make.inbox()
    kept = Kept("inboxes", Counted())
    first = kept.get()
    Inbox.objects.filter(pk=inbox.pk).update(last_ok_at=clock.now(), last_error="")
    assert kept.get() is first
    Inbox.objects.filter(pk=inbox.pk).update(address="new@zabota.example")
    assert kept.get() is not first


def test_rights_given_and_taken_count_at_once() -> None:
    queue = make.queue()
    person = make.agent("Вера Зорина", queue, level=Level.REPLY)
    assert policy.allows(person, Level.REPLY, queue.pk)
    person.grants.update(level=Level.SEE)
    assert not policy.allows(person, Level.REPLY, queue.pk)
    assert person not in policy.agents_of(queue.pk)


def test_whoever_works_from_a_snapshot_does_not_change_the_shared_one() -> None:
    person = make.agent("Вера Зорина")
    policy.remember(person)
    shared = structure.current().agents[person.pk]
    assert shared.known_levels is None
    assert shared.company is None
    assert Agent.objects.get(pk=person.pk).known_levels is None


def test_held_all_of_it_is_asked_for_once(django_assert_num_queries: Any) -> None:
    make.queue("Первая")
    company, boxes = Kept("staff", Counted()), Kept("inboxes", Counted())
    company.get(), boxes.get()
    with django_assert_num_queries(1), held():
        assert company.get() == company.get() == ["Первая"]
        assert boxes.get() == ["Первая"]
    Queue.objects.update(name_ru="Вторая")
    with held():
        assert company.get() == ["Вторая"]
    assert company.get() == ["Вторая"]
