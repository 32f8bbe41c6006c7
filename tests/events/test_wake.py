"""What worker and browsers are told after a commit: once per transaction, nothing of what was
rolled back alone, nothing left out."""

from __future__ import annotations

import contextlib

import pytest
from django.db import connection, transaction

from zabota.events import jobs

pytestmark = pytest.mark.django_db(transaction=True)


def told() -> list[int]:
    """Notices of each waiting hook."""
    hooks = [entry[1] for entry in connection.run_on_commit]
    return [len(hook.notices) for hook in hooks if isinstance(hook, jobs.Wake)]


def test_all_events_of_a_transaction_are_told_at_once() -> None:
    with transaction.atomic():
        jobs.wake_after_commit(1, "ticket:1", has_jobs=False)
        with transaction.atomic():
            jobs.wake_after_commit(2, "ticket:1", has_jobs=True)
        assert told() == [2]
        assert connection.run_on_commit[0][1].has_jobs  # type: ignore[attr-defined]
    assert told() == []


def test_what_follows_a_rolled_back_savepoint_is_told() -> None:
    with transaction.atomic():
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            jobs.wake_after_commit(1, "ticket:1", has_jobs=True)
            raise ZeroDivisionError
        assert told() == []
        jobs.wake_after_commit(2, "ticket:1", has_jobs=False)
        assert told() == [1]
