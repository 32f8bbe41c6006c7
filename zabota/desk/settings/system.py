"""What the page "System" shows: a bounded number of questions, whatever the size of the data."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Min
from django.utils.translation import gettext as _

from zabota.channels.models import Inbox, Outgoing, OutgoingState
from zabota.desk.settings import health
from zabota.events import alarms, rescue, undelivered
from zabota.lib import backups, clock, running
from zabota.lib.rows import ask, ask_all
from zabota.tickets.balance import days_of

WAITING = (OutgoingState.QUEUED, OutgoingState.SENDING)
HELD_BACK = (OutgoingState.DELAYED, OutgoingState.AWAY)
SHOWN_BACKUPS = 30
MEASURING = 0.15  # seconds; so long the attachments are measured
FOLDERS = 256  # attachments lie in folders named by the first two digits of their SHA-256
SLOW = 300.0  # seconds a job may wait

_BUSIEST = """
SELECT args->>'consumer', count(*) FROM (
    SELECT args FROM procrastinate_jobs WHERE status = 'todo' LIMIT 5000) job
 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 8
"""
_SERVER = """
SELECT current_setting('server_version'), pg_database_size(current_database()),
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
       current_setting('max_connections')::int, pg_postmaster_start_time()
"""


@dataclass(frozen=True)
class Jobs:
    """`busiest`: what waits most often, of 5,000; `workers`: those that live, on all machines."""

    numbers: undelivered.Numbers
    oldest_since: datetime | None
    is_slow: bool
    busiest: list[tuple[str, int]]
    workers: int


@dataclass(frozen=True)
class Letters:
    """Counts of the outbox; `next_try` is the earliest of those held back."""

    waiting: int
    oldest: datetime | None
    held_back: int
    next_try: datetime | None
    failed: int


@dataclass(frozen=True)
class Mailbox:
    """An inbox, its health, and how many of its last days do not come out even."""

    health: health.Health
    uneven: int


@dataclass(frozen=True)
class Server:
    """The database server; `size` of the database in bytes."""

    version: str
    size: int
    connections: int
    most: int
    since: datetime


@dataclass(frozen=True)
class Disk:
    folder: str
    free: int
    total: int
    is_full: bool


@dataclass(frozen=True)
class Blobs:
    """Attachments and originals; `is_whole` False when only a part was measured and the rest
    reckoned from it."""

    count: int
    size: int
    is_whole: bool


@dataclass(frozen=True)
class Kept:
    """A backup as the list shows it."""

    name: str
    made_at: datetime
    size: int
    sort: str
    verified_at: datetime | None


@dataclass(frozen=True)
class Backups:
    rows: list[Kept]
    hidden: int
    folder: str
    is_due: bool
    next_at: datetime | None
    trouble: list[str]


def processes() -> list[running.Process]:
    """Those of this machine."""
    return running.read(Path(settings.DATA_DIR))


def jobs() -> Jobs:
    """What waits, runs and gave up; three queries."""
    numbers = undelivered.numbers()
    oldest = numbers.oldest_seconds if numbers.waiting else 0.0
    since = clock.now() - timedelta(seconds=oldest) if numbers.waiting else None
    busiest = ask_all(_BUSIEST, []) if numbers.waiting else []
    return Jobs(
        numbers,
        since,
        oldest > SLOW,
        [(row[0] or "?", row[1]) for row in busiest],
        rescue.living(),
    )


def letters() -> Letters:
    """The outbox; one query over its partial index."""
    rows = Outgoing.objects.filter(state__in=health.UNSENT).values_list("state")
    found = {
        state: (count, oldest, next_try)
        for state, count, oldest, next_try in rows.annotate(
            count=Count("pk"), oldest=Min("created_at"), next_try=Min("next_try")
        )
    }
    waiting = [found[state] for state in WAITING if state in found]
    held_back = [found[state] for state in HELD_BACK if state in found]
    return Letters(
        waiting=sum(row[0] for row in waiting),
        oldest=min((row[1] for row in waiting), default=None),
        held_back=sum(row[0] for row in held_back),
        next_try=min((row[2] for row in held_back if row[2]), default=None),
        failed=found[OutgoingState.FAILED][0] if OutgoingState.FAILED in found else 0,
    )


def mailboxes() -> list[Mailbox]:
    """All inboxes, those in use first; six queries."""
    inboxes = sorted(Inbox.objects.select_related("queue"), key=lambda one: not one.is_active)
    uneven: dict[int, int] = {}
    for day in days_of([one for one in inboxes if one.is_active]):
        uneven[day.inbox] = uneven.get(day.inbox, 0) + (not day.is_even)
    return [Mailbox(one, uneven.get(one.inbox.pk, 0)) for one in health.of(inboxes)]


def server() -> Server:
    """The database server; one query."""
    row = ask(_SERVER, [])
    assert row is not None
    return Server(*row)


def disks() -> list[Disk]:
    """The disks that hold something of ours."""
    found = []
    for folder in alarms.folders():
        usage = shutil.disk_usage(folder)
        is_full = alarms.is_nearly_full(folder)
        found.append(Disk(str(folder), usage.free, usage.total, is_full))
    return found


def blobs() -> Blobs:
    """Count and bytes of the attachments. Many are measured in part: their names are digests, so
    each folder holds about as much as any other."""
    began, measured, count, size = time.monotonic(), 0, 0, 0
    for number in range(FOLDERS):
        for entry in _entries(Path(settings.BLOB_DIR) / f"{number:02x}"):
            count += 1
            size += entry.stat().st_size
        measured += 1
        if time.monotonic() - began > MEASURING:
            break
    return Blobs(count * FOLDERS // measured, size * FOLDERS // measured, measured == FOLDERS)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except FileNotFoundError:
        return


def kept_backups() -> Backups:
    """The newest backups and what is wrong with them."""
    found = backups.listed(settings.BACKUP_DIR)
    state = backups.read_state(Path(settings.DATA_DIR))
    verified_at = backups.moment(state.verified_at)
    rows = [
        Kept(
            one.path.name,
            one.made_at,
            one.size,
            _sort(one.sort),
            verified_at if one.path.name == state.verified else None,
        )
        for one in found[:SHOWN_BACKUPS]
    ]
    at = settings.BACKUP_AT
    zone = ZoneInfo(settings.TIME_ZONE)
    due = backups.last_due(clock.now(), at, zone) if at else None
    is_due = due is not None and not any(
        one.sort == backups.NIGHTLY and one.made_at >= due for one in found
    )
    next_at = due + timedelta(days=1) if due else None
    trouble = [alarm.words() for alarm in alarms.current() if alarm.name == "backup"]
    hidden = len(found) - len(rows)
    return Backups(rows, hidden, str(settings.BACKUP_DIR), is_due, next_at, trouble)


def _sort(sort: str) -> str:
    return {
        backups.NIGHTLY: _("daily"),
        backups.BEFORE_UPGRADE: _("before an upgrade"),
    }.get(sort, _("by hand"))
