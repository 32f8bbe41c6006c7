"""What is wrong with the machine itself: no backup, a failed one, a disk that is nearly full.

Administrators see it on every page and hear of it by mail once a day while it lasts; `doctor`
tells it too. The folders are asked each time: nothing here needs a working worker.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext, gettext_noop

from zabota.events.actor import system
from zabota.events.chores import chore
from zabota.events.facts import Fact
from zabota.events.log import record
from zabota.events.models import Event
from zabota.lib import backups, clock
from zabota.lib.remembered import Remembered

PATIENCE = timedelta(hours=36)  # without a backup
AGAIN = timedelta(hours=24)  # until administrators hear of it once more
REMEMBERED = 60.0  # seconds
GIGA = 1024**3
# Nearly full: little in any case, or little for so large a disk.
LEAST_FREE, SOME_FREE, LEAST_SHARE = 2 * GIGA, 10 * GIGA, 0.05

NAMES = ("backup", "disk")
TEXTS = {
    "backup_failed": gettext_noop("The last backup failed."),
    "backup_missing": gettext_noop("There has been no backup for %(hours)s hours."),
    "backup_never": gettext_noop("There is no backup yet."),
    "disk": gettext_noop(
        "The disk of %(folder)s is nearly full: %(free)s GB free. Free some space or move the data."
    ),
}


@dataclass(frozen=True)
class AlarmRaised(Fact, kind="events.alarm_raised"):
    """Something is wrong with the machine; recorded again every day while it lasts."""

    alarm: str


@dataclass(frozen=True)
class AlarmEnded(Fact, kind="events.alarm_ended"):
    alarm: str


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong; `name` is backup or disk."""

    name: str
    text: str
    values: dict[str, str] = field(default_factory=dict)
    state: backups.State | None = None

    def words(self, translate: Callable[[str], str] = gettext) -> str:
        """In the reader's words, with what to do."""
        said = translate(TEXTS[self.text]) % self.values
        why = self.state.why(translate) if self.state else ""
        return f"{said} {why}" if why else said


def current() -> list[Alarm]:
    """All that is wrong now."""
    return [*_backup(), *_disks()]


def folders() -> list[Path]:
    """One folder of ours on each disk."""
    ours = (settings.DATA_DIR, settings.EMBEDDED_CLUSTER.parent, settings.BACKUP_DIR)
    found: dict[int, Path] = {}
    for folder in map(Path, ours):
        if folder.exists():
            found.setdefault(os.stat(folder).st_dev, folder)
    return list(found.values())


def is_nearly_full(folder: Path) -> bool:
    """Whether its disk has little room left."""
    usage = shutil.disk_usage(folder)
    is_little = usage.free < SOME_FREE and usage.free < usage.total * LEAST_SHARE
    return usage.free < LEAST_FREE or is_little


def _disks() -> list[Alarm]:
    return [
        Alarm("disk", "disk", {
            "folder": str(folder), "free": f"{shutil.disk_usage(folder).free / GIGA:.1f}",
        })
        for folder in folders()
        if is_nearly_full(folder)
    ]  # fmt: skip


def _backup() -> list[Alarm]:
    state = backups.read_state(Path(settings.DATA_DIR))
    made = backups.listed(settings.BACKUP_DIR)
    newest = made[0].made_at if made else None
    tried = backups.moment(state.tried_at)
    # A damaged one stands there too; any other that is newer than the failed try heals it.
    if state.reason and (state.reason == "damaged" or not (newest and tried and newest > tried)):
        return [Alarm("backup", "backup_failed", state=state)]
    if settings.BACKUP_AT is None:
        return []
    since = newest or _beginning()
    if since is None or clock.now() - since < PATIENCE:
        return []
    if newest is None:
        return [Alarm("backup", "backup_never")]
    hours = int((clock.now() - newest) / timedelta(hours=1))
    return [Alarm("backup", "backup_missing", {"hours": str(hours)})]


def _beginning() -> datetime | None:
    """Since when there is anything to lose."""
    first = Event.objects.order_by("pk").first()
    return first.at if first else None


_SHOWN = Remembered(current, REMEMBERED)
forget = _SHOWN.forget


def shown() -> list[str]:
    """`current` in the viewer's words, up to a minute old: every page of an administrator asks."""
    return [alarm.words() for alarm in _SHOWN.get()]


@chore
@transaction.atomic
def tell() -> None:
    """Record what began, what lasts for another day and what is over."""
    present = {alarm.name for alarm in current()}
    # The chores of several workers begin at the same time.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('zabota alarms'))")
    for name in NAMES:
        stream = f"alarm:{name}"
        last = Event.objects.filter(stream=stream).order_by("-pk").first()
        told_at = last.at if last and last.kind == AlarmRaised.kind else None
        if name in present and (told_at is None or clock.now() - told_at >= AGAIN):
            record(AlarmRaised(alarm=name), stream=stream, by=system("alarms"))
        elif name not in present and told_at is not None:
            record(AlarmEnded(alarm=name), stream=stream, by=system("alarms"))
