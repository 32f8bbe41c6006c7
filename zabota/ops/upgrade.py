"""A new version changes the schema: all of it or nothing, and never without a backup.

Every migration runs in one transaction together with the others: when one fails or the process is
killed, the data stands as it was and the former version goes on with it.
"""

from __future__ import annotations

import os
import traceback
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from zabota.lib import backups
from zabota.ops.backup import BackupFailed, make
from zabota.ops.nightly import clear_old
from zabota.ops.progress import Progress
from zabota.ops.words import gettext as _
from zabota.ops.words import say

LOG = "upgrade-failed.log"
SHOWN = 500  # letters of an error


class NotReady(Exception):
    """Zabota cannot start over this database; the text is for a person."""


def upgrade(*, save: bool) -> None:
    """Bring the schema to this code's state. Raises NotReady with the way back."""
    executor = MigrationExecutor(connection)
    targets = executor.loader.graph.leaf_nodes()
    plan = [migration for migration, _backwards in executor.migration_plan(targets)]
    is_new = not executor.loader.applied_migrations
    saved = _save() if save and settings.BACKUP_BEFORE_UPGRADE and not is_new else None
    # One that must run outside a transaction takes the promise from all of its run.
    is_whole = all(migration.atomic for migration in plan) and not is_new
    together = transaction.atomic() if is_whole else nullcontext()
    running = ""

    def note(action: str, *about: Any) -> None:
        nonlocal running
        if action == "apply_start":
            running = f"{about[0].app_label}.{about[0].name}"
        elif action == "apply_success":
            _settle()
            bar.step()

    executor.progress_callback = lambda action, *about: note(action, *about)
    try:
        with Progress(_("Database schema"), len(plan)) as bar, together:
            _settle()
            executor.migrate(targets)
            # Content types and permissions of new models are made by this command's signal.
            call_command("migrate", verbosity=0, interactive=False)
    except Exception as error:
        raise NotReady(_way_back(running, error, saved, is_whole)) from error
    if saved is not None:
        say(_("The schema is up to date. The backup made before: %(file)s") % {"file": saved})
        clear_old()


def _settle() -> None:
    """Within one transaction no check of a foreign key may wait for its end, not even between two
    steps of one migration: PostgreSQL alters no table with checks waiting, and a row changed twice
    has one."""
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _save() -> Path:
    say(_("A backup is made before the database changes."))
    try:
        return make(settings.BACKUP_DIR, sort=backups.BEFORE_UPGRADE)
    except BackupFailed as error:
        raise NotReady(
            _(
                "Without a backup the database is not changed, and Zabota was not started. %(why)s "
                "(To go on without one: ZABOTA_BACKUP_BEFORE_UPGRADE=0)"
            )
            % {"why": error}
        ) from error


def _way_back(name: str, error: Exception, saved: Path | None, is_whole: bool) -> str:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:SHOWN]
    told = [_("The upgrade failed at %(name)s: %(why)s") % {"name": name, "why": first}]
    if is_whole:
        told.append(
            _("Nothing was changed: install the version that ran before and start it, it goes on.")
        )
    if saved is not None:
        told.append(_("The backup made before: %(file)s") % {"file": saved})
        if not is_whole:
            told.append(
                _("The way back: install the version that ran before, then: %(command)s")
                % {"command": f"zabota restore {saved} --replace && zabota resume"}
            )
    log = Path(settings.DATA_DIR) / LOG
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("".join(traceback.format_exception(error)))
    told.append(_("For whoever repairs it: %(log)s") % {"log": log})
    return "\n".join(told)
