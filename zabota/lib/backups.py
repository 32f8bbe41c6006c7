"""Backups as files: which are there, which stay, when the next is due, how the last try ended.

Pure rules over a folder and one small file of state: screens, alarms and `doctor` read the same,
also while the database is away.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

NIGHTLY, BEFORE_UPGRADE = "nightly", "before-upgrade"
BEFORE_UPGRADE_KEPT = 3
STATE = "backups.json"
_NAME = re.compile(r"zabota-(?:([a-z-]+)-)?(\d{8}-\d{6})\.tar")
_STAMP = "%Y%m%d-%H%M%S"

# Why no backup was made; the names are stored, the words are for whoever reads them.
REASONS = {
    "other": gettext_noop("The backup could not be made: %(why)s"),
    "program": gettext_noop("%(program)s failed: %(why)s"),
    "cut": gettext_noop("The backup was cut off before its end (%(how)s)."),
    "busy": gettext_noop("Another backup is being made just now: %(who)s"),
    "room": gettext_noop(
        "There is no room for the backup in %(folder)s: it needs about %(need)s GB, %(free)s GB "
        "are free. Free some, or name a folder on another disk in ZABOTA_BACKUP_DIR."
    ),
    "newer": gettext_noop(
        "The server is PostgreSQL %(server)s, the programs here are of version %(ours)s and cannot "
        "read it. Install a newer Zabota; until then save the database with pg_dump of version "
        "%(server)s, and the folders %(blobs)s and %(keys)s with it. ZABOTA_BACKUP_AT=off ends "
        "these tries."
    ),
    "damaged": gettext_noop("The backup %(file)s did not stand its trial: %(why)s"),
}


@dataclass(frozen=True)
class Backup:
    """One whole backup; `sort` is NIGHTLY, BEFORE_UPGRADE or '' (made by hand), `size` in bytes."""

    path: Path
    made_at: datetime
    size: int
    sort: str


@dataclass
class State:
    """How the last try ended (`reason` '' when well), and which backup was tried out last."""

    tried_at: str = ""
    reason: str = ""
    values: dict[str, str] = field(default_factory=dict)
    verified: str = ""
    verified_at: str = ""

    def why(self, translate: Callable[[str], str]) -> str:
        """Why the last try failed, in the reader's words; '' when it did not."""
        return in_words(self.reason, self.values, translate) if self.reason else ""


def in_words(reason: str, values: dict[str, str], translate: Callable[[str], str]) -> str:
    """A reason of REASONS in the reader's words."""
    text = translate(REASONS.get(reason, REASONS["other"]))
    with suppress(KeyError):
        return text % values
    return text


def name_for(sort: str, now: datetime) -> str:
    """The file name of a backup made now."""
    return "-".join(filter(None, ("zabota", sort, f"{now.astimezone(UTC):{_STAMP}}"))) + ".tar"


def listed(folder: Path) -> list[Backup]:
    """The backups in the folder, newest first; none when it is not there."""
    found = []
    with suppress(OSError):
        for entry in os.scandir(folder):
            named = _NAME.fullmatch(entry.name)
            if named is None or not entry.is_file():
                continue
            with suppress(ValueError, OSError):
                made_at = datetime.strptime(named[2], _STAMP).replace(tzinfo=UTC)
                found.append(
                    Backup(Path(entry.path), made_at, entry.stat().st_size, named[1] or "")
                )
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def superfluous(found: Iterable[Backup], zone: ZoneInfo, daily: int, weekly: int) -> list[Backup]:
    """Which may go: of the nightly ones all but the newest of each of the last `daily` days and,
    of what is older, of each of the last `weekly` weeks; of those before an upgrade all but three.
    What was made by hand stays."""
    ordered = sorted(found, key=lambda one: one.made_at, reverse=True)
    nightly = [one for one in ordered if one.sort == NIGHTLY]
    days: dict[date, Backup] = {}
    for one in nightly:
        days.setdefault(one.made_at.astimezone(zone).date(), one)
    kept = sorted(days)[-daily:] if daily else []
    weeks: dict[tuple[int, int], Backup] = {}
    for day, one in days.items():
        if not kept or day < kept[0]:
            weeks.setdefault(day.isocalendar()[:2], one)
    stays = {days[day].path for day in kept}
    stays |= {weeks[week].path for week in (sorted(weeks)[-weekly:] if weekly else [])}
    upgrades = [one for one in ordered if one.sort == BEFORE_UPGRADE]
    return [one for one in nightly if one.path not in stays] + upgrades[BEFORE_UPGRADE_KEPT:]


def last_due(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The last moment at or before `now` at which the clock of the zone shows `at`."""
    today = now.astimezone(zone).date()
    # Compared in UTC: within one zone the clocks are compared, and they jump twice a year.
    due = datetime.combine(today, at, zone).astimezone(UTC)
    if due > now:
        due = datetime.combine(today - timedelta(days=1), at, zone).astimezone(UTC)
    return due


def read_state(data: Path) -> State:
    """The state kept in the data folder; an empty one when there is none."""
    try:
        told: dict[str, Any] = json.loads((data / STATE).read_text(encoding="utf-8"))
        known = {name: told[name] for name in asdict(State()) if name in told}
        return State(**known)
    except (OSError, ValueError, TypeError):
        return State()


def write_state(data: Path, **changes: Any) -> None:
    """Change the state as a whole or not at all; raises OSError."""
    state = asdict(read_state(data)) | changes
    descriptor, fresh = tempfile.mkstemp(dir=data, prefix=f".{STATE}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(state, file, ensure_ascii=False)
        os.replace(fresh, data / STATE)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise


def moment(text: str) -> datetime | None:
    """A stored moment; None for ''."""
    return datetime.fromisoformat(text) if text else None
