"""The daily backup: made by a process of its own beside the others, so that no job waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings

from zabota.lib import backups, clock
from zabota.ops.processes import die_with_parent
from zabota.ops.supervisor import how_ended, kill_group
from zabota.ops.words import gettext as _
from zabota.ops.words import say

QUIET = 120.0  # seconds after the start, which has enough to do
LOOK = 20.0  # seconds
AGAIN = timedelta(hours=1)  # after a try that failed
STOP_LIMIT = 5.0  # seconds
NICENESS = 10


class Nightly:
    """Called each tick of the supervisor: starts `command` when a backup is due and none is being
    made."""

    def __init__(self, command: Sequence[str], quiet: float = QUIET, look: float = LOOK) -> None:
        self.command = command
        self.look = look
        self.process: subprocess.Popen[bytes] | None = None
        self._next = time.monotonic() + quiet

    def __call__(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self.look
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            self.process = None
            if code < 0:
                backups.write_state(
                    Path(settings.DATA_DIR), reason="cut", values={"how": how_ended(code)}
                )
        if is_due():
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )

    def stop(self) -> None:
        """End a backup that is being made; it leaves nothing behind."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            kill_group(process.pid)
            process.wait()


def is_due() -> bool:
    """Whether today's backup is still to be made and the last try is long enough ago."""
    if settings.BACKUP_AT is None:
        return False
    now, zone = clock.now(), ZoneInfo(settings.TIME_ZONE)
    due = backups.last_due(now, settings.BACKUP_AT, zone)
    if any(
        one.sort == backups.NIGHTLY and one.made_at >= due
        for one in backups.listed(settings.BACKUP_DIR)
    ):
        return False
    tried = backups.moment(backups.read_state(Path(settings.DATA_DIR)).tried_at)
    return tried is None or not timedelta(0) <= now - tried < AGAIN


def run() -> int:
    """Make today's backup, try it out when that is due, then let old ones go; the exit status."""
    from zabota.ops.backup import BackupFailed, make

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.nice(NICENESS)
    data = Path(settings.DATA_DIR)
    backups.write_state(data, tried_at=clock.now().isoformat(timespec="seconds"))
    try:
        path = make(settings.BACKUP_DIR, sort=backups.NIGHTLY)
        _try_out(path)
    except BackupFailed as error:
        backups.write_state(data, reason=error.reason, values=error.values)
        say(str(error))
        return 1
    backups.write_state(data, reason="", values={})
    say(_("Backup made: %(file)s") % {"file": path})
    clear_old()
    return 0


def _try_out(path: Path) -> None:
    """Every few days a backup shows that it can be restored; raises BackupFailed when it cannot."""
    from zabota.ops.archive import Damaged
    from zabota.ops.backup import BackupFailed
    from zabota.ops.postgres import PostgresError
    from zabota.ops.restore import RestoreFailed, verify

    data = Path(settings.DATA_DIR)
    last = backups.moment(backups.read_state(data).verified_at)
    days = settings.BACKUP_TRIAL_DAYS
    # An hour less: a backup that took longer than yesterday's would put it off for a day.
    if not days or (last and clock.now() - last < timedelta(days=days, hours=-1)):
        return
    try:
        verify(path, _silence)
    except (Damaged, RestoreFailed, PostgresError, OSError) as error:
        raise BackupFailed("damaged", file=path.name, why=error) from error
    note_verified(path)


def _silence(line: str) -> None:
    """What a person at a terminal would be told."""


def note_verified(path: Path) -> None:
    """Remember which backup was tried out last and stood it."""
    now = clock.now().isoformat(timespec="seconds")
    backups.write_state(Path(settings.DATA_DIR), verified=path.name, verified_at=now)


def clear_old() -> list[str]:
    """Remove the automatic backups that need not stay; their names."""
    kept = max(1, settings.BACKUP_DAILY)
    found = backups.listed(settings.BACKUP_DIR)
    zone = ZoneInfo(settings.TIME_ZONE)
    removed = []
    for one in backups.superfluous(found, zone, kept, max(0, settings.BACKUP_WEEKLY)):
        one.path.unlink(missing_ok=True)
        removed.append(one.path.name)
    return removed
