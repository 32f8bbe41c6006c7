"""The daily backup: made beside everything else, one at a time, and never half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import pytest

from tests import prepared
from tests.ops.test_backup import saved
from tests.ops.test_cli import zabota
from tests.prepared import python
from zabota.lib import backups, clock
from zabota.ops import nightly
from zabota.ops.lock import FolderLock

Env = dict[str, str]
NIGHT = """
import sys
from zabota.ops.command import database
with database(migrated=False):
    from zabota.ops import nightly
    nightly.NICENESS = 0  # other tests run beside it
    sys.exit(nightly.run())
"""
# Stops for a while where the dump is done and the file is half written.
SLOW = """
import time
from zabota.ops import archive
from zabota.ops.command import database
add = archive._add

def slow(tar, name, source, size):
    add(tar, name, source, size)
    if name == archive.DUMP:
        print("half", flush=True)
        time.sleep(60)

archive._add = slow
with database(migrated=False):
    from zabota.ops import nightly
    nightly.NICENESS = 0
    nightly.run()
"""


@pytest.fixture
def env(clean_env: Env) -> Env:
    return clean_env | {"DJANGO_SETTINGS_MODULE": "zabota.config.settings"}


def state(folder: Path) -> backups.State:
    return backups.read_state(folder)


def test_made_tried_out_and_old_ones_go_only_afterwards(env: Env, folder: Path) -> None:
    prepared.with_a_ticket(folder)
    by_hand = saved(env, folder)
    place = folder / "backups"
    for days in range(1, 40):
        name = backups.name_for(backups.NIGHTLY, clock.now() - timedelta(days=days))
        (place / name).write_bytes(b"old")
    before = len(backups.listed(place))
    (folder / "backup.lock").touch()
    with_lock = FolderLock(folder / "backup.lock", "another backup")
    with_lock.take()
    try:
        status = subprocess.run(
            [sys.executable, "-c", NIGHT], env={**env, "ZABOTA_DATA": str(folder), "LANG": "C"}
        ).returncode
    finally:
        with_lock.release()
    assert (status, state(folder).reason) == (1, "busy")
    assert len(backups.listed(place)) == before, "nothing was made, so nothing goes"

    python(env, folder, NIGHT)
    kept = backups.listed(place)
    assert (kept[0].sort, kept[0].size > 100_000) == (backups.NIGHTLY, True)
    assert by_hand in {one.path for one in kept}
    assert len([one for one in kept if one.sort == backups.NIGHTLY]) == 11
    assert (state(folder).reason, state(folder).verified) == ("", kept[0].path.name)
    status, text = zabota(env, folder, "verify-backup", str(kept[0].path))
    assert status == 0, text


def test_killed_in_the_middle_leaves_no_backup_and_the_next_run_clears_up(
    env: Env, folder: Path
) -> None:
    prepared.with_a_ticket(folder)
    place = folder / "backups"
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW],
        env={**env, "ZABOTA_DATA": str(folder), "LANG": "C"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "half"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    left = {path.name.partition("-")[0] for path in place.iterdir()}
    assert left == {".backup", ".zabota"}, "there is something to clear"
    assert backups.listed(place) == []
    # The embedded server goes down with its owner; then the next run finds the folder free.
    python(env, folder, NIGHT)
    assert [path.name for path in place.iterdir()] == [backups.listed(place)[0].path.name]


def test_no_room_is_said_before_anything_is_written(env: Env, folder: Path) -> None:
    prepared.with_a_ticket(folder)
    code = NIGHT.replace("import sys", "import sys, shutil, collections", 1).replace(
        "    from zabota.ops import nightly",
        "    U = collections.namedtuple('U', 'total used free')\n"
        "    shutil.disk_usage = lambda folder: U(9, 8, 300 * 1024 ** 2 - 45_000_000)\n"
        "    from zabota.ops import nightly",
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**env, "ZABOTA_DATA": str(folder), "LANG": "C"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, state(folder).reason) == (1, "room")
    assert "There is no room for the backup" in done.stderr
    assert list((folder / "backups").iterdir()) == []


def test_a_newer_server_is_refused_with_what_to_do(env: Env, folder: Path) -> None:
    prepared.with_a_ticket(folder)
    code = NIGHT.replace(
        "    from zabota.ops import nightly",
        "    from zabota.ops import backup, nightly\n    backup.MAJOR = 17",
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**env, "ZABOTA_DATA": str(folder), "LANG": "C"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "pg_dump of version 18" in done.stderr
    assert "ZABOTA_BACKUP_AT=off" in done.stderr


@pytest.fixture
def place(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR, settings.BACKUP_DIR = tmp_path, tmp_path / "backups"
    settings.BACKUP_DIR.mkdir()
    settings.BACKUP_AT, settings.TIME_ZONE = clock_time(3, 15), "Europe/Moscow"
    return tmp_path


def test_due_once_a_day_and_again_an_hour_after_a_failure(place: Path, settings: Any) -> None:
    three = datetime.fromisoformat("2026-06-02T00:16:00+00:00")
    with clock.at(three):
        assert nightly.is_due()
        backups.write_state(place, tried_at=three.isoformat())
        assert not nightly.is_due()
    with clock.at(three + timedelta(hours=1)):
        assert nightly.is_due()
        name = backups.name_for(backups.NIGHTLY, clock.now())
        (settings.BACKUP_DIR / name).touch()
        assert not nightly.is_due()
    with clock.at(three + timedelta(hours=23)):
        assert not nightly.is_due()
    with clock.at(three + timedelta(hours=24)):
        assert nightly.is_due()
        settings.BACKUP_AT = None
        assert not nightly.is_due()


def test_one_at_a_time_a_killed_one_is_noted_and_a_stop_ends_it(place: Path) -> None:
    tick = nightly.Nightly(["/bin/sleep", "60"], quiet=0.0, look=0.0)
    tick()
    first = tick.process
    assert first is not None
    tick()
    assert tick.process is first
    backups.write_state(place, tried_at=clock.now().isoformat())
    os.kill(first.pid, signal.SIGKILL)
    while tick.process is first:
        tick()
        time.sleep(0.02)
    backups.write_state(place, tried_at="")
    tick()
    second = tick.process
    assert second is not None
    assert second is not first
    began = time.monotonic()
    tick.stop()
    assert second.poll() is not None
    assert time.monotonic() - began < 4
