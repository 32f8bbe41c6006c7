"""A full disk, a database that is away, a curious agent: through real readers and the pages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client

from tests import make
from tests.mailserver import PASSWORD, ImapServer
from tests.site import Stream, serving
from zabota.channels import fetcher
from zabota.channels.fetcher import Reader
from zabota.channels.models import Inbox, RawMessage
from zabota.events.live import connection_settings
from zabota.lib import signing
from zabota.tickets.models import Attachment, Message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("processes")]
PATIENCE = 20.0
Found = TypeVar("Found")


def until(question: Callable[[], Found], what: str) -> Found:
    deadline = time.monotonic() + PATIENCE
    while True:
        if answer := question():
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:g} s"
        time.sleep(0.05)


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer() as running:
        yield running


@pytest.fixture
def box(server: ImapServer) -> Inbox:
    made = make.inbox()
    made.config = server.config()
    made.set_secret(PASSWORD)
    made.save()
    return made


@contextmanager
def reading(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The real reader of the mailbox, in a thread as in the fetch process."""
    monkeypatch.setattr(fetcher, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(fetcher, "LONGEST_PAUSE", 1.0)
    reader = Reader(box)
    reader.start()
    try:
        until(lambda: Inbox.objects.get(pk=box.pk).last_ok_at, "the first pass")
        yield
    finally:
        reader.stopping.set()
        reader.join(10)
        assert not reader.is_alive()


def taken() -> int:
    return RawMessage.objects.count()


def test_a_full_disk_leaves_the_mail_on_the_server_and_says_so(
    server: ImapServer, box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    desk = make.browser(make.administrator(language="en"))
    ticket, settings_page = make.ticket(), f"/settings/inboxes/{box.pk}/"
    before = taken()
    with reading(box, monkeypatch):
        with monkeypatch.context() as disk:
            disk.setattr("os.fsync", full)
            server.append(make.mail("Пока некуда"))
            until(
                lambda: "No space left" in desk.get(settings_page).content.decode(),
                "the page of the inbox says why",
            )
            assert taken() == before
            assert [flags for flags, _ in server.messages() if "Seen" in flags] == []
            file = SimpleUploadedFile("счёт.pdf", b"%PDF")
            refused = desk.post(
                f"/t/{ticket.pk}/reply/", {"body": "Вот счёт", "files": file, "token": "t"}
            )
            assert refused.status_code == 422
            assert "There is no room on the disk" in refused.content.decode()
            assert "Вот счёт" in refused.content.decode(), "the text is not lost"
        until(lambda: taken() == before + 1, "taken when there is room again")
        server.append(make.mail("Следующее"))
        until(lambda: taken() == before + 2, "the next one too")
    assert "No space left" not in desk.get(settings_page).content.decode()


@contextmanager
def database_away() -> Iterator[None]:
    """Nobody may connect, everybody is thrown out, as when the server is down."""
    given = connection_settings()
    name = given.pop("dbname")
    with psycopg.connect(**given, dbname="postgres", autocommit=True) as line:
        line.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        try:
            line.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            line.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
            connection.close()


def test_the_mail_stays_on_the_server_while_the_database_is_away(
    server: ImapServer, box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make.browser(make.agent(language="en"), raise_request_exception=False)
    with reading(box, monkeypatch):
        with database_away():
            connection.close()
            server.append(make.mail("Никто не слышит"))
            time.sleep(1.5)
            assert [flags for flags, _ in server.messages() if "Seen" in flags] == []
            assert len(server.messages()) == 1
            answer = desk.get("/inbox/open/")
            assert answer.status_code == 500
            assert "Something went wrong" in answer.content.decode()
            assert "Traceback" not in answer.content.decode()
        until(lambda: taken() == 1, "taken when the database is back")
        server.append(make.mail("Следующее"))
        until(lambda: taken() == 2, "the next one too")
        time.sleep(0.7)
    assert taken() == 2
    assert Inbox.objects.get(pk=box.pk).last_error == ""


def test_a_foreign_ticket_leaves_no_trace() -> None:
    foreign = make.billing()
    with transaction.atomic():
        ticket = make.ticket("Секретный счёт", queue=foreign, files=(make.file("тайна.txt"),))
    message, file = Message.objects.get(), Attachment.objects.get()
    curious = make.agent("Тимур Хабибуллин", language="en")
    desk, owner = make.browser(curious), make.browser(make.agent("Анна Кузнецова", foreign))
    doors = [
        f"/t/{ticket.pk}/",
        f"/t/{ticket.pk}/pane/",
        f"/t/{ticket.pk}/row/",
        f"/t/{ticket.pk}/context/",
        f"/t/{ticket.pk}/file/{file.pk}/",
        f"/t/{ticket.pk}/message/{message.pk}/original/",
        f"/t/{ticket.pk}/message/{message.pk}/body/",
    ]
    for door in doors:
        unknown = door.replace(f"/{ticket.pk}/", "/987654/", 1)
        assert desk.get(door).status_code == 404
        assert _without_number(desk, door) == _without_number(desk, unknown), door
    for view in ("open", "unassigned", "mine"):
        shown = desk.get(f"/inbox/{view}/").content.decode()
        assert "Секретный" not in shown
        assert f"/t/{ticket.pk}/" not in shown
    assert "Секретный" in owner.get("/inbox/open/").content.decode()
    link = owner.get(f"/t/{ticket.pk}/file/{file.pk}/").headers["Location"]
    with pytest.raises(signing.BadLink):
        signing.read_file_link(link.removeprefix("/files/"), str(desk.session.session_key))
    _hears_nothing(desk, owner, ticket.pk, foreign.pk)


def _without_number(desk: Client, door: str) -> bytes:
    """The page without what differs always: the number of the request, the form token and when
    it was drawn."""
    answer = desk.get(door)
    number = answer.headers.get("X-Request-ID", "-").encode()
    return re.sub(
        rb'\b[A-Za-z0-9]{64}\b|data-drawn="\d+"', b"", answer.content.replace(number, b"")
    )


def _hears_nothing(desk: Client, owner: Client, ticket: int, queue: int) -> None:
    """The live stream is silent for him and speaks to the other."""
    with serving() as site:
        query = f"queues={queue}&ticket={ticket}"
        curious = Stream(site, str(desk.session.session_key), query)
        entitled = Stream(site, str(owner.session.session_key), query)
        assert owner.post(f"/t/{ticket}/take/").status_code in {200, 302}
        assert entitled.next()[0] == "ticket"
        assert curious.silent()
        curious.close()
        entitled.close()
