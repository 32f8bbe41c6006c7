"""A new version over old data: never without a backup, all of it or nothing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from tests import prepared
from tests.ops.test_backup import COUNT
from tests.ops.test_cli import zabota
from tests.prepared import python
from zabota.lib import backups
from zabota.lib.backups import BEFORE_UPGRADE

Env = dict[str, str]
BEFORE = "1 100000 False"
TOPICS = """
from zabota.ops.command import database
with database(migrated=False):
    from django.db import connection
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM staff_topic WHERE name_en = 'Later'")
        print(cursor.fetchone()[0])
"""
MIGRATE = """
from zabota.ops.cli import main
print(main(["migrate"]))
"""


@pytest.fixture
def env(clean_env: Env) -> Env:
    return clean_env | {"DJANGO_SETTINGS_MODULE": "zabota.config.settings"}


@pytest.fixture
def later(env: Env) -> Env:
    """The environment of the new version."""
    return env | {"DJANGO_SETTINGS_MODULE": "tests.ops.later.settings", "PYTHONPATH": "."}


def saved(folder: Path) -> list[backups.Backup]:
    return [one for one in backups.listed(folder / "backups") if one.sort == BEFORE_UPGRADE]


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_a_failed_upgrade_leaves_all_to_the_former_version(
    env: Env, later: Env, folder: Path
) -> None:
    prepared.with_a_ticket(folder)
    assert saved(folder) == [], "an empty database needs no backup"
    status, text = zabota(later, folder, "up", LATER="fails", ZABOTA_LISTEN=free_address())
    assert status == 1, text
    (backup,) = saved(folder)
    assert "later.0003_end: no such luck" in text
    assert str(backup.path) in text
    assert "Nothing was changed" in text
    log = folder / "upgrade-failed.log"
    assert "RuntimeError: no such luck" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600

    told = python(env, folder, MIGRATE + COUNT + TOPICS).splitlines()
    assert told == ["0", BEFORE, "0"]

    # Killed instead: nothing was changed either.
    status, text = zabota(later, folder, "migrate", LATER="dies")
    assert status == -9
    assert python(env, folder, TOPICS + MIGRATE).splitlines() == ["0", "0"]

    # Repaired: the new version comes through, and its way back is named.
    status, text = zabota(later, folder, "migrate")
    assert status == 0, text
    assert str(saved(folder)[0].path) in text
    assert python(env, folder, TOPICS) == "1"
    status, text = zabota(env, folder, "migrate")
    assert (status, "newer than this code" in text) == (1, True)
    status, text = zabota(env, folder, "restore", str(saved(folder)[0].path), "--replace")
    assert status == 0, text
    assert python(env, folder, COUNT + TOPICS).splitlines() == ["1 100000 True", "0"]


def test_without_a_backup_nothing_is_changed_unless_somebody_says_so(
    env: Env, later: Env, folder: Path
) -> None:
    prepared.with_a_ticket(folder)
    (folder / "file").touch()
    status, text = zabota(later, folder, "migrate", ZABOTA_BACKUP_DIR=str(folder / "file"))
    assert (status, "ZABOTA_BACKUP_BEFORE_UPGRADE=0" in text) == (1, True), text
    assert python(env, folder, TOPICS) == "0"
    status, text = zabota(later, folder, "migrate", ZABOTA_BACKUP_BEFORE_UPGRADE="0")
    assert status == 0, text
    assert saved(folder) == []
    assert python(env, folder, TOPICS) == "1"


def test_every_migration_may_be_taken_back() -> None:
    """One that runs outside a transaction could leave half of an upgrade behind."""
    loader = MigrationLoader(None)
    rooms = {config.label for config in apps.get_app_configs()}
    outside = [key for key, found in loader.disk_migrations.items() if not found.atomic]
    assert [key for key in outside if key[0] in rooms] == []
