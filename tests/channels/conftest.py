"""A mailbox on a real IMAP server, empty before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import make
from tests.mailserver import PASSWORD, ImapServer
from zabota.channels import registry
from zabota.channels.contract import Mailbox
from zabota.channels.models import Inbox


@pytest.fixture(scope="module")
def running() -> Iterator[ImapServer]:
    with ImapServer() as server:
        yield server


@pytest.fixture
def server(running: ImapServer) -> ImapServer:
    client = running.client()
    client.select("INBOX")
    client.store("1:*", "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.logout()
    return running


@pytest.fixture
def inbox(server: ImapServer) -> Inbox:
    box = make.inbox(config=server.config())
    box.set_secret(PASSWORD)
    box.save()
    return box


@pytest.fixture
def mailbox(inbox: Inbox) -> Iterator[Mailbox]:
    found = registry.kind("mail").open(inbox)
    yield found
    found.close()
