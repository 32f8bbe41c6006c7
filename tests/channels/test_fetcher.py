"""The lease of a mailbox: one reader at a time, and given back whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from django.db import connection

from tests import make
from tests.mailserver import PASSWORD, ImapServer
from zabota.channels import fetcher, registry
from zabota.channels.contract import PermanentError, TemporaryError
from zabota.channels.fetcher import LEASE, Reader
from zabota.channels.models import Inbox, RawMessage

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[ImapServer]:
    with ImapServer() as running:
        yield running


def reader(server: ImapServer, password: str = PASSWORD) -> Reader:
    """A reader that stops before its first pass."""
    box = make.inbox(config=server.config())
    box.set_secret(password)
    box.save()
    made = Reader(Inbox.objects.get(pk=box.pk))
    made.stopping.set()
    return made


def leases() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s "
            "AND pid = pg_backend_pid()",
            [LEASE],
        )
        return int(cursor.fetchone()[0])


def test_the_lease_does_not_go_back_into_the_pool_of_connections(server: ImapServer) -> None:
    one = reader(server)
    assert one._lease()
    assert leases() == 1
    one._release()
    one._read()
    assert leases() == 0


def test_a_refused_password_gives_the_lease_back(server: ImapServer) -> None:
    with pytest.raises(PermanentError):
        reader(server, "wrong")._read()
    assert leases() == 0


def test_a_folder_that_is_gone_does_not_hold_back_the_mail_of_the_others(
    server: ImapServer,
) -> None:
    one = reader(server)
    inbox = Inbox.objects.get(pk=one.inbox_id)
    inbox.folders = ["INBOX", "Gone"]
    with closing(registry.kind("mail").open(inbox)) as mailbox:
        server.append(make.mail("Дошло"))
        one._pass(inbox, mailbox)
    inbox.refresh_from_db()
    assert RawMessage.objects.filter(inbox=inbox).count() == 1
    assert inbox.last_error
    assert inbox.last_ok_at is None


def test_a_message_the_server_cannot_give_does_not_hold_back_the_other_folders(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(inbox: Inbox, mailbox: object, name: str) -> int:
        read.append(name)
        if name == "Second":
            raise TemporaryError("Message 5 of Second could not be read; trying again.")
        return 0

    read: list[str] = []
    monkeypatch.setattr(fetcher, "take_new", take)
    one = reader(server)
    inbox = Inbox.objects.get(pk=one.inbox_id)
    inbox.folders = ["INBOX", "Second"]
    with closing(registry.kind("mail").open(inbox)) as mailbox:
        one._pass(inbox, mailbox)
    assert read == ["Second", "INBOX"]
    assert inbox.last_error.startswith("Message 5")
