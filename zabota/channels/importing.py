"""Taking in the past of a folder on an administrator's order, in silence."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import transaction

from zabota.channels import registry
from zabota.channels.contract import Mailbox, PermanentError, TemporaryError
from zabota.channels.events import ImportOrdered
from zabota.channels.folders import mailbox_of, place_of
from zabota.channels.models import ImportRun, Inbox
from zabota.channels.receive import receive
from zabota.events.actor import Actor, system
from zabota.events.log import record
from zabota.lib import clock

BY = system("import")
AT_ONCE = 50


def count(inbox: Inbox, folder: str, since: date) -> int:
    """How many mails an import from `since` would take in; raises Temporary- or PermanentError."""
    mailbox = registry.kind(inbox.kind).open(inbox)
    try:
        mailbox.select(folder)
        return len(mailbox.uids_since(since))
    finally:
        mailbox.close()


def order(inbox: Inbox, folder: str, since: date, *, by: Actor) -> ImportRun:
    """Let the fetch process take in the folder from `since`; original times, nobody is told."""
    mailbox = registry.kind(inbox.kind).open(inbox)
    try:
        state = mailbox.select(folder)
        total = len(mailbox.uids_since(since))
    finally:
        mailbox.close()
    with transaction.atomic():
        run = ImportRun.objects.create(
            inbox=inbox,
            folder=folder,
            since=since,
            mailbox=mailbox_of(inbox),
            uidvalidity=state.uidvalidity,
            total=total,
            ordered_by=by.agent_id or 0,
        )
        fact = ImportOrdered(run=run.pk, inbox=inbox.pk, total=total)
        record(fact, stream=f"inbox:{inbox.pk}", by=by)
    return run


def work_off(inbox: Inbox, mailbox: Mailbox) -> bool:
    """Take in the next few mails of the oldest unfinished import; True when more are waiting."""
    run = ImportRun.objects.filter(inbox=inbox, finished_at=None).order_by("id").first()
    if run is None:
        return False
    try:
        state = mailbox.select(run.folder)
    except PermanentError as error:
        # The folder is gone: an import that can never go on must not hold up the new mail.
        return _end(run, str(error))
    if (state.uidvalidity, mailbox_of(inbox)) != (run.uidvalidity, run.mailbox):
        return _end(run, "The mailbox was renumbered by its server. Order the import again.")
    waiting = sorted(uid for uid in mailbox.uids_since(run.since) if uid > run.last_uid)
    for uid in waiting[:AT_ONCE]:
        try:
            _take(inbox, mailbox, run, uid)
        except (TemporaryError, PermanentError):
            if mailbox.is_lost:
                raise
            run.error = f"Message {uid} of {run.folder} could not be read."
        run.done, run.last_uid = run.done + 1, uid
    if len(waiting) <= AT_ONCE:
        run.finished_at = clock.now()
    run.save(update_fields=["done", "last_uid", "finished_at", "error"])
    return True


def _take(inbox: Inbox, mailbox: Mailbox, run: ImportRun, uid: int) -> None:
    found = mailbox.fetch(uid, settings.MAX_MESSAGE_MB * 1024 * 1024)
    if found is not None:
        receive(
            inbox,
            found.raw,
            place=place_of(inbox, run.folder, run.uidvalidity, uid),
            arrived_at=found.arrived_at,
            by=BY,
            silent_reason="import",
            cut_from=found.size if found.is_cut else 0,
        )


def _end(run: ImportRun, error: str) -> bool:
    run.error, run.finished_at = error[:500], clock.now()
    run.save(update_fields=["error", "finished_at"])
    return True
