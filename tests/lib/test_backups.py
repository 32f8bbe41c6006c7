from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from zabota.lib import backups
from zabota.lib.backups import BEFORE_UPGRADE, NIGHTLY, Backup, superfluous

MOSCOW = ZoneInfo("Europe/Moscow")
NIGHT = datetime(2026, 6, 1, 0, 15, tzinfo=UTC)


def backup(made_at: datetime, sort: str = NIGHTLY) -> Backup:
    return Backup(Path(backups.name_for(sort, made_at)), made_at, 1, sort)


def test_half_a_year_of_nights_leaves_seven_days_and_four_weeks() -> None:
    kept: list[Backup] = []
    for night in range(180):
        kept.append(backup(NIGHT + timedelta(days=night)))
        gone = superfluous(kept, MOSCOW, 7, 4)
        kept = [one for one in kept if one not in gone]
        ages = [night - (one.made_at - NIGHT).days for one in reversed(kept)]
        assert ages[:7] == list(range(min(7, night + 1)))
        assert len(kept) <= 11
    weekly = kept[:-7]
    assert len(weekly) == 4
    # The last night of each week, so that none is older than five weeks.
    assert [one.made_at.astimezone(MOSCOW).isoweekday() for one in weekly][:3] == [7, 7, 7]
    assert ages[-1] < 7 * 5


def test_of_one_day_the_newest_stays_and_what_a_person_made_is_never_removed() -> None:
    hours = [backup(NIGHT + timedelta(hours=hour)) for hour in range(3)]
    by_hand = [backup(NIGHT - timedelta(days=900), "")]
    upgrades = [backup(NIGHT + timedelta(minutes=n), BEFORE_UPGRADE) for n in range(5)]
    gone = superfluous([*hours, *by_hand, *upgrades], MOSCOW, 7, 4)
    assert {one.path for one in gone} == {
        hours[0].path, hours[1].path, upgrades[0].path, upgrades[1].path,
    }  # fmt: skip


def test_days_are_those_of_the_companys_zone() -> None:
    # 23:30 and 0:30 in Moscow, the same day in UTC.
    pair = [backup(datetime(2026, 6, 1, 20, 30, tzinfo=UTC)), backup(NIGHT.replace(hour=21))]
    assert superfluous(pair, MOSCOW, 7, 4) == []
    assert len(superfluous(pair, ZoneInfo("UTC"), 7, 4)) == 1


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-06-01T00:14:00+00:00", "2026-05-31T00:15:00+00:00"),
        ("2026-06-01T00:15:00+00:00", "2026-06-01T00:15:00+00:00"),
        ("2026-06-01T20:59:00+00:00", "2026-06-01T00:15:00+00:00"),
    ],
)
def test_due_by_the_clock_of_the_zone(now: str, due: str) -> None:
    found = backups.last_due(datetime.fromisoformat(now), time(3, 15), MOSCOW)
    assert found == datetime.fromisoformat(due)


def test_an_hour_that_does_not_exist_is_due_all_the_same() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)  # 2:30 was skipped that night
    found = backups.last_due(now, time(2, 30), berlin)
    assert found.date() == now.date()
    assert backups.last_due(found - timedelta(minutes=1), time(2, 30), berlin) < found


def test_only_whole_backups_are_listed(tmp_path: Path) -> None:
    names = [
        "zabota-20261127-210833.tar", "zabota-nightly-20261128-001500.tar",
        ".zabota-20261127-210834.tar.part", "zabota-20261199-210833.tar", "other.tar",
    ]  # fmt: skip
    for name in names:
        (tmp_path / name).write_bytes(b"12345")
    (tmp_path / "zabota-20261126-210833.tar").mkdir()
    found = backups.listed(tmp_path)
    assert [(one.path.name, one.sort, one.size) for one in found] == [
        (names[1], NIGHTLY, 5), (names[0], "", 5),
    ]  # fmt: skip
    assert backups.listed(tmp_path / "none") == []


def test_the_state_survives_changes_and_damage(tmp_path: Path) -> None:
    assert backups.read_state(tmp_path).reason == ""
    backups.write_state(tmp_path, reason="cut", values={"how": "SIGKILL"})
    backups.write_state(tmp_path, verified="a.tar")
    state = backups.read_state(tmp_path)
    assert (state.verified, "SIGKILL" in state.why(str)) == ("a.tar", True)
    (tmp_path / backups.STATE).write_text("{half")
    assert backups.read_state(tmp_path) == backups.State()
