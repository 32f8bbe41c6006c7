"""What must be true before the children start: schema, cache table, static files, first login."""

from __future__ import annotations

import hashlib
import json
import sys
from io import StringIO

import psycopg
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from zabota.ops.postgres import check_server
from zabota.ops.upgrade import NotReady, upgrade
from zabota.ops.words import gettext as _
from zabota.ops.words import say

CONNECT_LIMIT = 5  # seconds
MIGRATION_LOCK = 0x7A61626F  # any number nobody else uses


def run() -> None:
    """Everything, in order; the last line on standard output is JSON for the supervisor.

    Raises NotReady in plain words.
    """
    migrate()
    collect_static()
    print(json.dumps({"lines": welcome()}), file=sys.stdout, flush=True)


def reach() -> str:
    """What is wrong with the database server in plain words; empty when nothing is.

    Connects past the pool, which would wait its whole time and hide the reason.
    """
    try:
        with psycopg.connect(
            **{**connection.get_connection_params(), "connect_timeout": CONNECT_LIMIT}
        ) as found:
            return check_server(found)
    except psycopg.OperationalError as error:
        return _("The database does not answer: %(why)s") % {"why": str(error).strip()}


def unknown_migrations() -> list[str]:
    """Migrations the database has and this code does not know: a newer Zabota made them."""
    known = known_migrations()
    applied = MigrationLoader(connection).applied_migrations
    return sorted({f"{app}.{name}" for app, name in applied} - known)


def known_migrations() -> set[str]:
    """Every migration of this code, as `app.name`."""
    loader = MigrationLoader(None)
    replaced = {old for migration in loader.replacements.values() for old in migration.replaces}
    return {f"{app}.{name}" for app, name in set(loader.disk_migrations) | replaced}


def missing_migrations() -> list[str]:
    """Migrations this code has and the database lacks."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def migrate(*, save: bool = True) -> None:
    """Bring the schema to this code's state and make the cache table; NotReady when it is newer or
    the change fails. `save`: what is there is backed up before it is changed."""
    complaint = reach()
    if complaint:
        raise NotReady(complaint)
    # Several machines may start at once over one server: one migrates, the others wait for it.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    try:
        _migrate(save)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def _migrate(save: bool) -> None:
    newer = unknown_migrations()
    if newer:
        raise NotReady(
            _(
                "The database is newer than this code (%(count)d unknown migrations, the last is "
                "%(last)s). Install the Zabota version that made it; nothing was changed."
            )
            % {"count": len(newer), "last": newer[-1]}
        )
    if missing_migrations():
        upgrade(save=save)
    call_command("createcachetable", verbosity=0)


def collect_static() -> None:
    """Copy and hash the static files, only when one of them changed since the last time."""
    stamp = settings.STATIC_ROOT / ".made-from"
    now = _fingerprint()
    if stamp.exists() and stamp.read_text() == now:
        return
    say(_("Preparing pictures, styles and scripts."))
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, stdout=StringIO())
    stamp.write_text(now)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            digest.update(f"{path}:{storage.size(path)}:{storage.get_modified_time(path)}".encode())
    return digest.hexdigest()


def welcome() -> list[str]:
    """Lines to print when the site answers: the demo's own, or the first administrator's link."""
    from zabota.ops import demo
    from zabota.staff.invitations import first_admin_link

    if settings.DEMO:
        return demo.welcome()
    lines = []
    if demo.is_loaded():
        lines.append(
            _(
                "The demonstration data is here, but its mail server is not: run make demo, or "
                "take the data away with .venv/bin/zabota demo remove"
            )
        )
    link = first_admin_link()
    if link:
        lines.append(
            _("The first administrator signs up here (works once): %(link)s") % {"link": link}
        )
    return lines
