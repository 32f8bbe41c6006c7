from __future__ import annotations

import pytest

from zabota.sla import expecting


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the database would count, first to last; taken from the front."""
    found: list[int] = []
    monkeypatch.setattr(expecting, "ask", lambda sql, values: (found.pop(0),))
    monkeypatch.setattr(expecting, "_counted", {})
    return found


def test_few_are_counted_each_time(counts: list[int]) -> None:
    counts += [3, 4, 99]
    assert [expecting._waiting(1) for _ in range(3)] == [3, 4, 99]


def test_many_are_remembered_by_queue(counts: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    counts += [100, 500, 101]
    assert [expecting._waiting(1), expecting._waiting(2)] == [100, 500]
    assert [expecting._waiting(1), expecting._waiting(2)] == [100, 500]
    monkeypatch.setattr(expecting, "MOST_AGE", 0.0)
    assert expecting._waiting(1) == 101
