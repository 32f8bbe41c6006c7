"""No backup, a failed one, a full disk: seen on pages, told by mail and by `doctor`."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import make
from tests.drain import drain
from zabota.channels.models import Outgoing
from zabota.channels.outbox import load
from zabota.events import alarms
from zabota.events.models import Event
from zabota.lib import backups, clock
from zabota.ops import doctor
from zabota.staff.models import Agent

pytestmark = pytest.mark.django_db
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def place(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder of its own, with a daily backup expected."""
    monkeypatch.setenv("LC_ALL", "C")
    settings.DATA_DIR = tmp_path
    settings.BACKUP_DIR = tmp_path / "backups"
    settings.BACKUP_DIR.mkdir()
    settings.BACKUP_AT = time(3, 15)
    alarms.forget()
    yield settings.BACKUP_DIR
    alarms.forget()


@pytest.fixture
def chief() -> Agent:
    make.inbox()
    return make.administrator(language="en")


def backup(place: Path, hours: float) -> None:
    name = backups.name_for(backups.NIGHTLY, clock.now() - timedelta(hours=hours))
    (place / name).write_bytes(b"x")


def names() -> list[str]:
    return [alarm.text for alarm in alarms.current()]


def letters() -> list[str]:
    drain()
    found = Outgoing.objects.filter(key__startswith="alarm:").order_by("id")
    return [load(row.envelope).text for row in found]


def test_none_for_a_day_and_a_half(place: Path, chief: Agent) -> None:
    make.incoming()
    assert names() == []
    with clock.shifted(timedelta(hours=37)):
        assert names() == ["backup_never"]
    backup(place, 35)
    assert names() == []
    with clock.shifted(timedelta(hours=2)):
        assert names() == ["backup_missing"]


def test_off_means_off(place: Path, chief: Agent, settings: Any) -> None:
    settings.BACKUP_AT = None
    with clock.shifted(timedelta(days=9)):
        assert names() == []
    assert [finding.is_task for finding in doctor.backed_up()] == [True]


def test_a_failed_one_until_another_is_made(place: Path, chief: Agent) -> None:
    backup(place, 20)
    tried = (clock.now() - timedelta(hours=1)).isoformat()
    backups.write_state(place.parent, tried_at=tried, reason="other", values={"why": "no room"})
    assert names() == ["backup_failed"]
    assert "no room" in alarms.current()[0].words(str)
    assert [finding.is_good for finding in doctor.backed_up()] == [False]
    backup(place, 0)
    assert names() == []
    assert [finding.is_good for finding in doctor.backed_up()] == [True]


def test_what_did_not_stand_its_trial_is_no_backup(place: Path, chief: Agent) -> None:
    tried = (clock.now() - timedelta(hours=1)).isoformat()
    values = {"file": "a.tar", "why": "other rows"}
    backups.write_state(place.parent, tried_at=tried, reason="damaged", values=values)
    backup(place, 0)
    assert names() == ["backup_failed"]


@pytest.mark.parametrize(
    ("free", "total", "is_full"), [(1, 100, True), (3, 100, True), (3, 40, False), (11, 999, False)]
)
def test_nearly_full(monkeypatch: pytest.MonkeyPatch, free: int, total: int, is_full: bool) -> None:
    giga = 1024**3
    usage = Usage(total * giga, 0, free * giga)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    assert names() == (["disk"] if is_full else [])


def test_administrators_hear_once_a_day_and_see_it_on_every_page(place: Path, chief: Agent) -> None:
    backup(place, 40)
    alarms.tell()
    alarms.tell()
    assert len(letters()) == 1
    assert "no backup for 40 hours" in letters()[0]
    assert Outgoing.objects.get(key__startswith="alarm:").recipient == chief.email
    with clock.shifted(timedelta(hours=25)):
        alarms.tell()
        assert len(letters()) == 2
    page = make.browser(chief).get("/inbox/open/").content.decode()
    assert "no backup for 40 hours" in page
    backup(place, 0)
    alarms.tell()
    alarms.tell()
    kinds = Event.objects.filter(stream="alarm:backup").order_by("id").values_list("kind")
    assert [kind for (kind,) in kinds] == [
        "events.alarm_raised", "events.alarm_raised", "events.alarm_ended",
    ]  # fmt: skip
    assert len(letters()) == 2


def test_an_agent_sees_no_alarm(place: Path, chief: Agent) -> None:
    backup(place, 40)
    assert "no backup" in make.browser(chief).get("/inbox/open/").content.decode()
    agent = make.agent(language="en")
    assert "no backup" not in make.browser(agent).get("/inbox/open/").content.decode()
