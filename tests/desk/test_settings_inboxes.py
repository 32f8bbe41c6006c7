"""Adding and mending mailboxes through the settings screens, against real mail servers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests import make
from tests.mailserver import PASSWORD, USER, ImapServer, SmtpServer, free_port
from zabota.channels.models import Folder, ImportRun, Inbox, Outgoing
from zabota.events.models import Event
from zabota.lib import clock

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def imap() -> Iterator[ImapServer]:
    with ImapServer() as server:
        server.create("Archive")
        for days in (400, 40, 20, 10):
            moment = datetime.now(UTC) - timedelta(days=days)
            server.append(make.mail(f"mail {days} days ago"), moment=moment)
        yield server


@pytest.fixture(scope="module")
def smtp() -> Iterator[SmtpServer]:
    with SmtpServer(user=USER, password=PASSWORD) as server:
        yield server


@pytest.fixture
def client() -> Client:
    return make.browser(make.administrator(language="en"))


def typed(imap: ImapServer, smtp: SmtpServer, **changes: Any) -> dict[str, Any]:
    """A filled-in form of an inbox."""
    data = {
        "name": "Support", "address": "Help@Company.example", "sender_name": "Support",
        "queue": make.queue().pk, "language": "en", "time_zone": "Europe/Moscow",
        "plus_addresses": "on", "password": PASSWORD, "sent_copy": "on",
    }  # fmt: skip
    return data | imap.config() | smtp.config() | changes


def saved(imap: ImapServer, smtp: SmtpServer) -> Inbox:
    inbox = Inbox(
        name="Support", address="help@company.example", queue=make.queue(), language="en",
        config=imap.config() | smtp.config() | {"sent_copy": True},
    )  # fmt: skip
    inbox.set_secret(PASSWORD)
    inbox.save()
    return inbox


def test_a_new_inbox_that_works_is_switched_on_and_starts_from_now(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    answer = client.post("/settings/inboxes/new/", typed(imap, smtp), follow=True)
    inbox = Inbox.objects.get()
    assert inbox.address == "help@company.example"
    assert inbox.is_active
    assert inbox.secret() == PASSWORD
    assert "Mail that comes from now on becomes tickets." in answer.content.decode()
    cursor = Folder.objects.get(inbox=inbox, name="INBOX")
    assert cursor.uidvalidity > 0
    assert cursor.last_uid >= 104, "the mails that lie there are the past"
    facts = [row.facts for row in Event.objects.filter(stream=f"inbox:{inbox.pk}").order_by("id")]
    assert [fact["made"] for fact in facts] == [True, False]
    assert "imap_host" in facts[0]["fields"]
    assert facts[1]["fields"] == ["is_active"]


def test_a_wrong_password_is_told_in_words_and_the_inbox_stays_off(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    data = typed(imap, smtp, password="wrong secret 17")
    page = client.post("/settings/inboxes/new/", data, follow=True).content.decode()
    assert "Incoming mail: The server does not accept the name or password." in page
    assert "Outgoing mail: The server does not accept the name or password." in page
    assert "saved but still switched off" in page
    assert "wrong secret 17" not in page
    inbox = Inbox.objects.get()
    assert not inbox.is_active
    assert not Folder.objects.filter(inbox=inbox).exists()


def test_the_password_is_never_in_the_html(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    inbox = saved(imap, smtp)
    pages = [
        client.get(f"/settings/inboxes/{inbox.pk}/"),
        client.get("/settings/inboxes/"),
        client.post(f"/settings/inboxes/{inbox.pk}/", typed(imap, smtp, name="")),
        client.post("/settings/inboxes/new/check/", typed(imap, smtp)),
        client.post("/settings/inboxes/new/", typed(imap, smtp, fill="1", preset="gmail")),
    ]
    for page in pages:
        assert PASSWORD not in page.content.decode()
        assert inbox.secret_encrypted not in page.content.decode()
    assert "A password is stored." in pages[0].content.decode()
    assert all("password" not in str(row.facts.get(PASSWORD)) for row in Event.objects.all())


def test_an_empty_password_leaves_the_stored_one(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    inbox = saved(imap, smtp)
    data = typed(imap, smtp, password="", sender_name="The support", is_active="on")
    assert client.post(f"/settings/inboxes/{inbox.pk}/", data).status_code == 302
    inbox.refresh_from_db()
    assert inbox.secret() == PASSWORD
    assert inbox.sender_name == "The support"
    (event,) = Event.objects.filter(kind="staff.setting_changed")
    assert event.facts["fields"] == ["sender_name"]


def test_a_stored_password_is_not_handed_to_another_server(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    inbox = saved(imap, smtp)
    data = typed(imap, smtp, password="", smtp_host="localhost")
    for address in (f"/settings/inboxes/{inbox.pk}/", f"/settings/inboxes/{inbox.pk}/check/"):
        answer = client.post(address, data)
        assert answer.status_code == 422
        assert "type the password again" in answer.content.decode()
    inbox.refresh_from_db()
    assert inbox.config["smtp_host"] == smtp.host


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["The incoming server answers.", "It has 2 folders.", "for sending.", "not encrypt"]),
        ({"password": "no"}, ["Incoming mail: The server does not accept the name or password."]),
        ({"smtp_port": free_port()}, ["Outgoing mail: The server refuses connections"]),
        ({"imap_host": "no-such-host.invalid"}, ["Incoming mail: There is no server with this"]),
        ({"imap_tls": "tls"}, ["Incoming mail: No encryption at this port."]),
        ({"imap_host": "imap..example"}, ["Incoming mail: There is no server with this"]),
        ({"imap_tls": "starttls", "imap_port": 993}, ["Incoming mail: No encryption at this port"]),
        ({"imap_tls": "starttls"}, ["Incoming mail: The server does not offer what is set."]),
        ({"smtp_tls": "starttls"}, ["Outgoing mail: The server does not offer what is set."]),
    ],
)
def test_the_check_says_each_step_in_words(
    client: Client, imap: ImapServer, smtp: SmtpServer, changes: dict[str, Any], words: list[str]
) -> None:
    data = typed(imap, smtp, name="") | changes
    answer = client.post("/settings/inboxes/new/check/", data, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    page = answer.content.decode()
    for text in words:
        assert text in page
    assert "Traceback" not in page
    assert "<html" not in page
    assert not Inbox.objects.exists()


def test_the_check_works_without_scripts_and_keeps_what_was_typed(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    page = client.post("/settings/inboxes/new/check/", typed(imap, smtp)).content.decode()
    assert "The incoming server answers." in page
    assert "Type the password again before saving." in page
    assert f'value="{imap.port}"' in page


def test_a_preset_fills_in_the_servers(client: Client) -> None:
    data = {"address": "us@yandex.ru", "preset": "yandex", "fill": "1", "imap_host": "old"}
    page = client.post("/settings/inboxes/new/", data).content.decode()
    assert 'value="imap.yandex.ru"' in page
    assert 'value="smtp.yandex.ru"' in page
    assert "Yandex wants an app password" in page
    assert 'aria-invalid="true"' not in page
    assert not Inbox.objects.exists()


def test_the_list_shows_health_in_plain_words(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    inbox = saved(imap, smtp)
    Inbox.objects.update(
        last_error="imap.x refused the name or password of demouser: LOGIN failed",
        last_ok_at=clock.now() - timedelta(hours=2),
    )
    make.stored(inbox)
    for number, state in enumerate(["failed", "queued", "sent"]):
        Outgoing.objects.create(
            key=str(number), inbox=inbox, message_id=str(number), envelope={}, state=state
        )
    page = client.get("/settings/inboxes/").content.decode()
    assert "does not work" in page
    assert "The server does not accept the name or password." in page
    assert "LOGIN failed" not in page
    assert "1 / 1" in page
    assert "LOGIN failed" in client.get(f"/settings/inboxes/{inbox.pk}/").content.decode()


def test_folders_are_chosen_from_the_servers_list_and_begin_now(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    inbox = saved(imap, smtp)
    Folder.objects.create(inbox=inbox, name="INBOX", uidvalidity=7, last_uid=50)
    page = client.get(f"/settings/inboxes/{inbox.pk}/folders/").content.decode()
    assert 'value="Archive"' in page
    none = client.post(f"/settings/inboxes/{inbox.pk}/folders/", {})
    assert none.status_code == 422
    assert "Choose at least one folder." in none.content.decode()
    data = {"folders": ["INBOX", "Archive"]}
    assert client.post(f"/settings/inboxes/{inbox.pk}/folders/", data).status_code == 302
    inbox.refresh_from_db()
    assert inbox.folders == ["INBOX", "Archive"]
    assert Folder.objects.get(inbox=inbox, name="INBOX").last_uid == 50, "read on where it was"
    assert Folder.objects.get(inbox=inbox, name="Archive").uidvalidity > 0
    client.post(f"/settings/inboxes/{inbox.pk}/folders/", {"folders": ["INBOX"]})
    assert not Folder.objects.filter(name="Archive").exists(), "chosen again, it begins anew"


def test_an_unreachable_server_is_told_on_folders_and_import(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    inbox = saved(imap, smtp)
    inbox.config["imap_port"] = free_port()
    inbox.save()
    for page in ("folders", "import"):
        answer = client.get(f"/settings/inboxes/{inbox.pk}/{page}/")
        assert answer.status_code == 200
        assert "The server refuses connections at this port." in answer.content.decode()


def test_the_past_is_counted_ordered_and_shown(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    inbox = saved(imap, smtp)
    since = (clock.now() - timedelta(days=30)).date().isoformat()
    address = f"/settings/inboxes/{inbox.pk}/import/"
    page = client.get(address, {"folder": "INBOX", "since": since}).content.decode()
    assert "2 mails since" in page
    assert "nobody is acknowledged or notified" in page
    assert not ImportRun.objects.exists()
    assert client.post(address, {"folder": "INBOX", "since": since}).status_code == 302
    run = ImportRun.objects.get()
    assert (run.total, run.folder) == (2, "INBOX")
    assert Event.objects.get(kind="channels.import_ordered").facts["total"] == 2
    progress = client.get(f"{address}progress/").content.decode()
    assert "0 of 2" in progress
    assert "hx-trigger" in progress
    again = client.post(address, {"folder": "INBOX", "since": since})
    assert again.status_code == 422
    assert "still running" in again.content.decode()
    ImportRun.objects.update(done=2, finished_at=clock.now())
    assert "hx-trigger" not in client.get(f"{address}progress/").content.decode()
    assert "Import of the past ordered: 2 mails." in client.get(address).content.decode()


def test_nothing_is_ordered_for_an_inbox_that_is_switched_off(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    inbox = saved(imap, smtp)
    Inbox.objects.update(is_active=False)
    answer = client.post(
        f"/settings/inboxes/{inbox.pk}/import/", {"folder": "INBOX", "since": "2020-01-01"}
    )
    assert "This inbox is switched off." in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_a_day_that_has_not_come_is_refused(
    client: Client, imap: ImapServer, smtp: SmtpServer
) -> None:
    inbox = saved(imap, smtp)
    address = f"/settings/inboxes/{inbox.pk}/import/"
    answer = client.get(address, {"folder": "INBOX", "since": "2099-01-01"})
    assert answer.status_code == 422
    assert "This day has not come yet." in answer.content.decode()
