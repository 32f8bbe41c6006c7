"""The permission to read and send for a mailbox at Google or Microsoft: kept, renewed, lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, transaction

from zabota.channels import providers
from zabota.channels.contract import NoPermission, TemporaryError
from zabota.channels.events import MailboxConnected, MailboxDisconnected, PermissionLost, RetryDue
from zabota.channels.models import Inbox, Outgoing, OutgoingState, Permission
from zabota.channels.providers import PROVIDERS, Client, Refused, Tokens
from zabota.events.actor import Actor, system
from zabota.events.log import record
from zabota.lib import clock, crypto
from zabota.lib.remembered import Remembered

EARLY = 300.0  # seconds; an access token is renewed so long before it ends
TURN = 7413  # the first number of the advisory lock; the second is the inbox
TURN_SECONDS = 25.0  # longer than one question to the provider
TURN_PAUSE = 0.1
REMEMBERED = 5.0  # seconds


def back_url(base: str) -> str:
    """The redirect URI that must be registered at the provider."""
    return f"{base}/settings/inboxes/permission/"


def of(inbox: Inbox) -> Permission | None:
    """The permission of the inbox for the provider it is set to; also one not given yet."""
    name = str(inbox.config.get("auth") or "")
    return Permission.objects.filter(inbox=inbox.pk, provider=name).first()


def client_of(row: Permission) -> Client:
    """The registered application; raises crypto.WrongKey."""
    secret = crypto.decrypt(row.client_secret_encrypted) if row.client_secret_encrypted else ""
    return Client(PROVIDERS[row.provider], row.client_id, secret, row.tenant)


def token(inbox: Inbox) -> str:
    """An access token that lives for minutes at least, renewed by one process at a time.

    Raises NoPermission until an administrator connects the mailbox (anew), TemporaryError when the
    provider cannot be asked, crypto.WrongKey.
    """
    row = _given(inbox)
    if not _is_fresh(row):
        with _turn(inbox.pk):
            # Another process may have been faster.
            row = _given(inbox)
            if not _is_fresh(row):
                _renew(row)
    return crypto.decrypt(row.access_encrypted)


def token_refused(inbox: Inbox) -> None:
    """The mail server did not take the access token: the next try asks for another one."""
    Permission.objects.filter(inbox=inbox.pk).update(renew_at=None)


def connect(row: Permission, *, code: str, verifier: str, back: str, by: Actor) -> None:
    """Exchange the code and keep the tokens; letters that waited leave now.

    Raises Refused, TemporaryError, crypto.WrongKey.
    """
    given = providers.exchange(client_of(row), code=code, verifier=verifier, back=back)
    if not given.refresh:
        title = PROVIDERS[row.provider].title
        raise Refused(f"{title} gives no permission for the mailbox: no refresh token")
    with _turn(row.inbox_id), transaction.atomic():
        row.connected_at, row.lost_at, row.last_error = clock.now(), None, ""
        row.save(update_fields=["connected_at", "lost_at", "last_error"])
        _keep(row, given)
        fact = MailboxConnected(inbox=row.inbox_id, provider=row.provider)
        record(fact, stream=f"inbox:{row.inbox_id}", by=by)
        letters = Outgoing.objects.only("id", "recipient").filter(
            inbox=row.inbox_id, state=OutgoingState.DELAYED
        )
        for letter in letters.order_by("id"):
            record(RetryDue(outgoing=letter.pk), stream=letter.stream, by=by)
    forget()


def disconnect(row: Permission, *, by: Actor) -> None:
    """Forget the tokens; the registered application stays."""
    with _turn(row.inbox_id), transaction.atomic():
        row.refresh_encrypted = row.access_encrypted = row.last_error = ""
        row.renew_at = row.connected_at = row.lost_at = None
        row.save()
        fact = MailboxDisconnected(inbox=row.inbox_id, provider=row.provider)
        record(fact, stream=f"inbox:{row.inbox_id}", by=by)
    forget()


def lost() -> tuple[tuple[int, str], ...]:
    """(id, name) of the inboxes in use whose permission was lost, for the alarm on every page of
    an administrator: up to five seconds old."""
    return _SHOWN.get()


def _read() -> tuple[tuple[int, str], ...]:
    rows = Inbox.objects.filter(is_active=True, permission__lost_at__isnull=False)
    return tuple(rows.order_by("name").values_list("pk", "name"))


_SHOWN = Remembered(_read, REMEMBERED)
forget = _SHOWN.forget


def _given(inbox: Inbox) -> Permission:
    row = of(inbox)
    if row is None or not row.refresh_encrypted:
        raise NoPermission("The mailbox is not connected to its provider yet.")
    if row.lost_at is not None:
        raise NoPermission(row.last_error)
    return row


def _is_fresh(row: Permission) -> bool:
    return bool(row.access_encrypted) and row.renew_at is not None and row.renew_at > clock.now()


def _renew(row: Permission) -> None:
    try:
        given = providers.refresh(client_of(row), crypto.decrypt(row.refresh_encrypted))
    except Refused as error:
        _lose(row, str(error))
        raise NoPermission(str(error)) from error
    _keep(row, given)


def _keep(row: Permission, given: Tokens) -> None:
    """Both tokens in one statement: the provider may have ended the former refresh token."""
    row.access_encrypted = crypto.encrypt(given.access)
    early = min(EARLY, given.seconds / 2)
    row.renew_at = clock.now() + timedelta(seconds=given.seconds - early)
    if given.refresh:
        row.refresh_encrypted = crypto.encrypt(given.refresh)
    row.save(update_fields=["access_encrypted", "renew_at", "refresh_encrypted"])


@transaction.atomic
def _lose(row: Permission, error: str) -> None:
    row.lost_at, row.last_error = clock.now(), error[:500]
    row.save(update_fields=["lost_at", "last_error"])
    fact = PermissionLost(inbox=row.inbox_id, provider=row.provider)
    record(fact, stream=f"inbox:{row.inbox_id}", by=system("permission"))
    forget()


@contextmanager
def _turn(inbox_id: int) -> Iterator[None]:
    """A session lock of the database. No row is locked while the provider is asked, and whoever
    waits does so outside a statement."""
    deadline = time.monotonic() + TURN_SECONDS
    while not _try("SELECT pg_try_advisory_lock(%s, %s)", inbox_id):
        if time.monotonic() > deadline:
            raise TemporaryError("Another process renews the permission of the mailbox.")
        time.sleep(TURN_PAUSE)
    try:
        yield
    finally:
        _try("SELECT pg_advisory_unlock(%s, %s)", inbox_id)


def _try(statement: str, inbox_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [TURN, inbox_id])
        row = cursor.fetchone()
    return bool(row and row[0])
