"""The fetch process: one thread and one connection per inbox, one fetch at a time per inbox."""

from __future__ import annotations

import logging
import os
import random
import signal
import threading
import time
from contextlib import closing, suppress
from types import FrameType

from django.db import Error as DatabaseError
from django.db import connection

from zabota.channels import balance, importing, registry, standstill
from zabota.channels.contract import Mailbox, PermanentError, TemporaryError
from zabota.channels.folders import folder_names, take_new
from zabota.channels.models import Inbox
from zabota.lib import clock, crypto

log = logging.getLogger(__name__)

WATCH_SECONDS = 2.0
IDLE_SECONDS = 10.0
PASS_SECONDS = 60.0
COUNT_SECONDS = 3600.0
LONGEST_PAUSE = 60.0
# A wrong password is not tried often: servers lock mailboxes out.
REFUSED_PAUSE = 120.0
LEASE = 7411


class Reader(threading.Thread):
    """Reads one inbox until it is told to stop or its settings change."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(name=f"inbox-{inbox.pk}", daemon=True)
        self.inbox_id = inbox.pk
        self.fingerprint = fingerprint(inbox)
        self.stopping = threading.Event()
        self.failures = 0
        self.count_at = 0.0

    def run(self) -> None:
        """Connect, read, wait; after an error pause with jitter and begin anew."""
        while not self.stopping.is_set():
            try:
                self._read()
            except PermanentError as error:
                self._note(str(error))
                self._pause(REFUSED_PAUSE)
            except (TemporaryError, crypto.WrongKey) as error:
                self._note(str(error))
                self._pause()
            except OSError as error:
                self._note(f"{error.strerror or error}")
                self._pause()
            except DatabaseError:
                log.warning("database away", extra={"inbox": self.inbox_id})
                connection.close()
                self._pause()
            except Exception:
                log.exception("inbox reader failed", extra={"inbox": self.inbox_id})
                self._note("Internal error; see the log of the fetch process.")
                self._pause()
        connection.close()

    def _read(self) -> None:
        inbox = Inbox.objects.get(pk=self.inbox_id)
        if not self._lease():
            self.stopping.wait(WATCH_SECONDS)
            return
        try:
            with closing(registry.kind(inbox.kind).open(inbox)) as mailbox:
                while not self.stopping.is_set():
                    self._pass(inbox, mailbox)
                    self._wait(inbox, mailbox)
        finally:
            self._release()

    def _pass(self, inbox: Inbox, mailbox: Mailbox) -> None:
        """All folders, the first one last: it stays selected for IDLE. One that is gone, or has a
        message the server cannot give, is told of and does not hold back the others."""
        first, *others = folder_names(inbox)
        refused = ""
        for name in reversed(others):
            try:
                take_new(inbox, mailbox, name)
            except (PermanentError, TemporaryError) as error:
                if mailbox.is_lost:
                    raise
                refused = str(error)
        take_new(inbox, mailbox, first)
        inbox.last_pass_at = clock.now()
        # What came meanwhile into a refused folder is looked for from this time on.
        inbox.last_ok_at = inbox.last_ok_at if refused else inbox.last_pass_at
        inbox.last_error = refused[:500]
        inbox.save(update_fields=["last_pass_at", "last_ok_at", "last_error"])
        self.failures = 0
        self._count(inbox, mailbox, first)

    def _count(self, inbox: Inbox, mailbox: Mailbox, first: str) -> None:
        """Once an hour the balance: is all mail of the last days here?"""
        if time.monotonic() < self.count_at:
            return
        self.count_at = time.monotonic() + COUNT_SECONDS * random.uniform(0.9, 1.0)
        if missing := balance.count(inbox, mailbox):
            log.error("mail missing", extra={"inbox": inbox.pk, "count": missing})
        mailbox.select(first)

    def _wait(self, inbox: Inbox, mailbox: Mailbox) -> None:
        """Until news, an import order, or a minute is over (other folders have no IDLE)."""
        waited = 0.0
        while waited < PASS_SECONDS and not self.stopping.is_set():
            if importing.work_off(inbox, mailbox):
                mailbox.select(folder_names(inbox)[0])
                return
            if mailbox.idle(IDLE_SECONDS):
                return
            waited += IDLE_SECONDS

    def _lease(self) -> bool:
        """A session lock of the database: a second fetch process leaves this inbox alone."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LEASE, self.inbox_id])
            row = cursor.fetchone()
        return bool(row and row[0])

    def _release(self) -> None:
        """The connection goes back to a pool and would take the lock along."""
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LEASE, self.inbox_id])

    def _note(self, error: str) -> None:
        try:
            Inbox.objects.filter(pk=self.inbox_id).update(
                last_pass_at=clock.now(), last_error=error[:500]
            )
        except DatabaseError:
            connection.close()

    def _pause(self, seconds: float = 0.0) -> None:
        self.failures += 1
        pause = seconds or min(LONGEST_PAUSE, 0.5 * 2 ** min(self.failures, 7))
        self.stopping.wait(pause * random.uniform(0.5, 1.0))


def fingerprint(inbox: Inbox) -> str:
    """Changes when the reader must connect anew."""
    given = getattr(inbox, "permission", None)
    secrets = (inbox.secret_encrypted, given and given.connected_at)
    return repr((inbox.address, inbox.kind, inbox.config, secrets, inbox.folders))


def run() -> None:
    """Keep a reader for every inbox that is switched on, until SIGTERM or SIGINT.

    The process may end at any moment: a message counts as taken only once its row is committed.
    """

    def leave(_signal: int, _frame: FrameType | None) -> None:
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    readers: dict[int, Reader] = {}
    pause = threading.Event()
    while True:
        try:
            _keep(readers)
        except DatabaseError:
            log.warning("database away")
            connection.close()
        pause.wait(WATCH_SECONDS)


def _keep(readers: dict[int, Reader]) -> None:
    wanted = {}
    if not standstill.is_on():
        inboxes = Inbox.objects.filter(is_active=True).select_related("permission")
        wanted = {inbox.pk: inbox for inbox in inboxes}
    for pk, reader in list(readers.items()):
        inbox = wanted.get(pk)
        if inbox is None or fingerprint(inbox) != reader.fingerprint:
            reader.stopping.set()
        if not reader.is_alive():
            del readers[pk]
    for pk, inbox in wanted.items():
        if pk not in readers:
            readers[pk] = Reader(inbox)
            readers[pk].start()
