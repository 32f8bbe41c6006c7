"""Timers: due ones record their fact, outdated ones nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.drain import run_timers
from zabota.events import timers
from zabota.events.facts import Fact
from zabota.events.models import Event, Timer
from zabota.lib import clock


@dataclass(frozen=True)
class Rang(Fact, kind="test.rang"):
    number: int


present: dict[int, int] = {}
timers.versions("bell", present.get)


def set_bell(number: int, version: int, minutes: int = 10) -> None:
    timers.set_timer(
        Rang(number),
        subject=f"bell:{number}",
        stream=f"bell:{number}",
        due_at=clock.now() + timedelta(minutes=minutes),
        version=version,
    )


def rung() -> list[int]:
    return [event.facts["number"] for event in Event.objects.filter(kind="test.rang")]


@pytest.mark.django_db
def test_a_timer_rings_when_due_and_not_before() -> None:
    present[1] = 3
    set_bell(1, version=3)
    assert run_timers() == 0
    with clock.shifted(timedelta(minutes=11)):
        assert run_timers() == 1
    assert rung() == [1]
    assert not Timer.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("now_is", [4, None])
def test_an_outdated_timer_records_nothing(now_is: int | None) -> None:
    present.pop(2, None)
    if now_is is not None:
        present[2] = now_is
    set_bell(2, version=3)
    with clock.shifted(timedelta(minutes=11)):
        run_timers()
    assert rung() == []
    assert not Timer.objects.exists()


@pytest.mark.django_db
def test_setting_a_timer_again_moves_it() -> None:
    present[3] = 1
    set_bell(3, version=1, minutes=10)
    set_bell(3, version=1, minutes=30)
    with clock.shifted(timedelta(minutes=11)):
        assert run_timers() == 0
    with clock.shifted(timedelta(minutes=31)):
        assert run_timers() == 1
    assert rung() == [3]


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [{"kind": "test.of_a_newer_version"}, {"facts": {}}])
def test_a_timer_nobody_understands_holds_up_no_other(wrong: dict[str, Any]) -> None:
    present.update({5: 1, 6: 1})
    set_bell(5, version=1, minutes=5)
    Timer.objects.update(**wrong)
    set_bell(6, version=1)
    with clock.shifted(timedelta(minutes=11)):
        run_timers()
        assert run_timers() == 0
    assert rung() == [6]
    assert Timer.objects.count() == 1
