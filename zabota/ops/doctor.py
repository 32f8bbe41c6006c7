"""`zabota doctor`: what is wrong with this installation, in plain words."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from zabota.channels import standstill
from zabota.channels.models import Inbox, Outgoing, OutgoingState
from zabota.channels.wording import in_words, is_theirs
from zabota.events import alarms
from zabota.lib import backups, clock
from zabota.lib.crypto import WrongKey
from zabota.notify.models import OffReason, Webhook
from zabota.ops.findings import Finding
from zabota.ops.lock import Busy, FolderLock
from zabota.ops.prepare import missing_migrations, reach, unknown_migrations
from zabota.ops.senders import senders
from zabota.ops.words import gettext as _
from zabota.ops.words import ngettext
from zabota.tickets.balance import uneven

LATE = (OutgoingState.DELAYED, OutgoingState.AWAY)
CLOCK_LIMIT = 5.0  # seconds between this machine's clock and the database's
HEARTBEAT_LIMIT = 30.0  # seconds since a worker was last heard of
WAIT_LIMIT = 300.0  # seconds a job may wait
FETCH_LIMIT = timedelta(minutes=10)


def examine() -> list[Finding]:
    """Every check, most basic first; the later ones need the database and wait for it."""
    found = [*disk(), *running()]
    reached = list(database())
    found += reached
    if not all(finding.is_good for finding in reached):
        return found
    found += migrations()
    if not found[-1].is_good:
        return found
    checks = (clocks, keys, worker, jobs, fetch, balance, mail, backed_up, webhooks, senders)
    for check in checks:
        found += check()
    return found


def report(show: Callable[[str], None]) -> int:
    """Show every finding and a verdict; exit status 1 when anything is wrong."""
    found = examine()
    for finding in found:
        sign = "  --" if finding.is_task else "  ok" if finding.is_good else "  !!"
        show(f"{sign}  {finding.text}")
    wrong = sum(not finding.is_good for finding in found)
    tasks = sum(finding.is_task for finding in found)
    if not wrong and not tasks:
        show(_("Nothing is wrong."))
        return 0
    if not wrong:
        text = ngettext(
            "Nothing is wrong here; %(count)d thing waits for a person.",
            "Nothing is wrong here; %(count)d things wait for a person.",
            tasks,
        )
        show(text % {"count": tasks})
        return 0
    show(
        ngettext("%(count)d thing is wrong.", "%(count)d things are wrong.", wrong)
        % {"count": wrong}
    )
    return 1


def disk() -> Iterator[Finding]:
    """Free space where the data stands and where backups go."""
    for folder in alarms.folders():
        free = shutil.disk_usage(folder).free
        text = _("Disk of %(folder)s: %(free).1f GB free") % {
            "folder": folder,
            "free": free / 1024**3,
        }
        is_full = alarms.is_nearly_full(folder)
        if is_full:
            text += ". " + _("That is too little: free some space or move the data folder.")
        yield Finding(not is_full, text)


def backed_up() -> Iterator[Finding]:
    """When the newest backup was made, and what is wrong with it."""
    wrong = [alarm for alarm in alarms.current() if alarm.name == "backup"]
    for alarm in wrong:
        yield Finding(False, alarm.words(_))
    made = backups.listed(settings.BACKUP_DIR)
    if settings.BACKUP_AT is None:
        text = _("Backups are made by hand only (ZABOTA_BACKUP_AT=off)")
        yield Finding(True, text, is_task=not made)
    if made and not wrong:
        text = _("Backup: the newest is of %(time)s; there are %(count)d in %(folder)s")
        values: dict[str, object] = {"time": f"{made[0].made_at:%Y-%m-%d %H:%M} UTC"}
        values |= {"count": len(made), "folder": settings.BACKUP_DIR}
        yield Finding(True, text % values)
    elif not made and not wrong and settings.BACKUP_AT is not None:
        yield Finding(True, _("Backup: none yet; the first is made by itself"))


def running() -> Iterator[Finding]:
    """Whether `zabota up` runs over this data folder."""
    lock = FolderLock(settings.DATA_DIR / "zabota.lock", "zabota doctor")
    try:
        lock.take()
    except Busy:
        yield Finding(True, _("Zabota is running"))
    except OSError as error:
        yield Finding(
            False,
            _("The data folder %(folder)s cannot be written: %(why)s")
            % {"folder": settings.DATA_DIR, "why": error.strerror},
        )
    else:
        lock.release()
        if not settings.DATABASE_URL:
            yield Finding(False, _("Zabota is not running. Start it: zabota up"))


def database() -> Iterator[Finding]:
    """Whether the server answers, is new enough and knows Russian letters."""
    complaint = reach()
    if complaint:
        yield Finding(False, complaint)
        return
    connection.ensure_connection()
    version = connection.connection.info.server_version
    text = _("Database: PostgreSQL %(major)d.%(minor)d") % {
        "major": version // 10000,
        "minor": version % 10000,
    }
    yield Finding(True, text)


def migrations() -> Iterator[Finding]:
    """Whether code and schema belong together."""
    newer, missing = unknown_migrations(), missing_migrations()
    if newer:
        text = _("The database is newer than this code: %(names)s") % {"names": ", ".join(newer)}
    elif missing:
        text = _("The database is older than this code; run: zabota migrate")
    else:
        text = _("Schema: up to date")
    yield Finding(not newer and not missing, text)


def clocks() -> Iterator[Finding]:
    """Promises and time-outs need the same time here and in the database."""
    before = clock.now()
    there = _one("SELECT clock_timestamp()")
    middle = before + (clock.now() - before) / 2
    seconds = abs((there - middle).total_seconds())
    text = _("Clock: %(seconds).1f s between this machine and the database") % {"seconds": seconds}
    if seconds > CLOCK_LIMIT:
        text += ". " + _("Switch on time synchronisation (NTP) on both.")
    yield Finding(seconds <= CLOCK_LIMIT, text)


def keys() -> Iterator[Finding]:
    """Whether the secret key is the one with which the mailboxes' passwords were stored."""
    try:
        for inbox in Inbox.objects.all():
            inbox.secret()
        for hook in Webhook.objects.all():
            hook.secrets(clock.now())
    except WrongKey as error:
        yield Finding(False, in_words(str(error), _))
    else:
        yield Finding(True, _("Secret key: fits the stored passwords"))


def worker() -> Iterator[Finding]:
    """When a worker was last heard of."""
    age = _one(
        "SELECT extract(epoch FROM clock_timestamp() - max(last_heartbeat))"
        " FROM procrastinate_workers"
    )
    if age is None:
        yield Finding(False, _("No worker is running: mail is neither sorted nor sent"))
        return
    text = _("Worker: last heard of %(seconds)d s ago") % {"seconds": age}
    if age > HEARTBEAT_LIMIT:
        text += ". " + _("It hangs or has died: mail is neither sorted nor sent.")
    yield Finding(age <= HEARTBEAT_LIMIT, text)


def jobs() -> Iterator[Finding]:
    """Jobs that gave up, and jobs that wait for too long."""
    failed = _one("SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'")
    if failed:
        text = ngettext("%(count)d job gave up", "%(count)d jobs gave up", failed)
        yield Finding(False, text % {"count": failed} + ". " + _("See the screen “Not delivered”."))
    oldest = _one(
        "SELECT extract(epoch FROM clock_timestamp() - min(e.at)) FROM procrastinate_jobs j "
        "JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred' "
        "WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at < clock_timestamp())"
    )
    if oldest is not None and oldest > WAIT_LIMIT:
        text = _("The oldest job has been waiting for %(minutes)d min") % {"minutes": oldest / 60}
        yield Finding(False, text)
    elif not failed:
        yield Finding(True, _("Jobs: none is stuck"))


def fetch() -> Iterator[Finding]:
    """Every inbox in use: when mail was last fetched, and what the server said."""
    if standstill.is_on():
        text = _("This is a restored copy: it fetches and sends nothing until: zabota resume")
        yield Finding(True, text, is_task=True)
        return
    for inbox in Inbox.objects.filter(is_active=True).order_by("name"):
        last = inbox.last_ok_at
        is_late = last is None or clock.now() - last > FETCH_LIMIT
        if not is_late and not inbox.last_error:
            yield Finding(True, _("Inbox “%(name)s”: mail is fetched") % {"name": inbox.name})
            continue
        why = in_words(inbox.last_error, _) or _("Fetch is silent.")
        when = last.strftime("%Y-%m-%d %H:%M UTC") if last else _("never")
        yield Finding(
            False,
            _("Inbox “%(name)s”: last fetched %(when)s. %(why)s")
            % {"name": inbox.name, "when": when, "why": why},
        )


def balance() -> Iterator[Finding]:
    """Whether all mail of the last days is kept, and every kept mail is somewhere."""
    names = dict(Inbox.objects.values_list("pk", "name"))
    days = uneven()
    for day in days:
        text = _(
            "Inbox “%(name)s”, mail of %(day)s: %(missing)d not fetched, %(late)d not treated for "
            "15 minutes, %(lost)d in no ticket"
        )
        values: dict[str, object] = {"name": names[day.inbox], "day": day.day.isoformat()}
        values |= {"missing": day.missing, "late": day.late, "lost": day.lost}
        yield Finding(False, text % values)
    if not days:
        yield Finding(True, _("Mail: every message of the last days is in its place"))


def mail() -> Iterator[Finding]:
    """Outgoing messages that were given up or are being tried again.

    That a client's mailbox is full or his address wrong is daily work, no fault of the
    installation; everything else that stops mail is.
    """
    given_up = Outgoing.objects.filter(state=OutgoingState.FAILED)
    errors = list(given_up.values_list("last_error", flat=True))
    refused = sum(map(is_theirs, errors))
    failed = len(errors) - refused
    delayed = Outgoing.objects.filter(state__in=LATE).count()
    if failed:
        text = ngettext(
            "%(count)d message could not be sent", "%(count)d messages could not be sent", failed
        )
        yield Finding(False, text % {"count": failed} + ". " + _("See the screen “Not delivered”."))
    if refused:
        text = ngettext(
            "%(count)d message was refused by its receiver's server",
            "%(count)d messages were refused by their receivers' servers",
            refused,
        )
        said = text % {"count": refused} + ". " + _("See the screen “Not delivered”.")
        yield Finding(True, said, is_task=True)
    if delayed:
        text = ngettext(
            "%(count)d message is late and will be tried again",
            "%(count)d messages are late and will be tried again",
            delayed,
        )
        yield Finding(False, text % {"count": delayed})
    if not failed and not refused and not delayed:
        yield Finding(True, _("Outgoing mail: nothing is stuck"))


def webhooks() -> Iterator[Finding]:
    """Programs that are told nothing any more, or do not answer: their own business, as a rule."""
    for hook in Webhook.objects.exclude(failing_since=None).order_by("name"):
        names = {"name": hook.name}
        if hook.is_active:
            text = _("Webhook “%(name)s”: calls fail; see its page in the settings")
        elif hook.off_reason != OffReason.HAND:
            text = _("Webhook “%(name)s” is switched off by itself; see its page in the settings")
        else:
            continue
        yield Finding(True, text % names, is_task=True)


def _one(query: str) -> Any:
    """The single value of a query without parameters."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return row[0] if row else None
