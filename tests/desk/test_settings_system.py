"""The pages of the installation: how it is doing, who changed what, whose work is in it."""

from __future__ import annotations

import os
import subprocess
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.drain import drain
from tests.test_russian_pages import assert_russian
from zabota import __version__
from zabota.channels.models import Inbox, Outgoing, OutgoingState
from zabota.desk.settings import history, licences, system
from zabota.events import alarms
from zabota.events.actor import system as part
from zabota.events.models import Event
from zabota.lib import backups, clock, running
from zabota.staff.actions import save_setting
from zabota.staff.models import Agent

pytestmark = pytest.mark.django_db
MOST_QUERIES = 30


@pytest.fixture
def place(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR, settings.BLOB_DIR = tmp_path, tmp_path / "blobs"
    settings.BACKUP_DIR = tmp_path / "backups"
    settings.BACKUP_DIR.mkdir()
    alarms.forget()
    return tmp_path


@pytest.fixture
def chief() -> Agent:
    return make.administrator(language="en")


@pytest.fixture
def office(chief: Agent) -> Client:
    return make.browser(chief)


def run(query: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query)


def page(office: Client, address: str = "/settings/system/") -> str:
    answer = office.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def busy(place: Path) -> None:
    """Everything that the page can show."""
    box = make.inbox(address="help@example.org")
    Inbox.objects.filter(pk=box.pk).update(is_active=True, last_error="timed out")
    make.inbox(address="other@example.org")
    for number, state in enumerate(("queued", "queued", "delayed", "failed")):
        Outgoing.objects.create(
            key=f"s{number}", recipient="petr@example.org", message_id=f"{number}@example.org",
            envelope={}, state=state, inbox=box,
            next_try=clock.now() + timedelta(hours=1) if state == "delayed" else None,
        )  # fmt: skip
    run(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, args) VALUES "
        "('default', 'x', 'failed', '{}'), "
        "('default', 'x', 'todo', '{\"consumer\": \"tickets.intake\"}')"
    )
    run("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
    for days in range(40):
        name = backups.name_for(backups.NIGHTLY, clock.now() - timedelta(days=days + 1))
        (place / "backups" / name).write_bytes(b"12345")
    first = backups.listed(place / "backups")[0]
    tried = (clock.now() - timedelta(minutes=5)).isoformat()
    backups.write_state(place, verified=first.path.name, verified_at=clock.now().isoformat())
    backups.write_state(place, tried_at=tried, reason="other", values={"why": "[Errno 28]"})
    (place / "blobs" / "ab").mkdir(parents=True)
    (place / "blobs" / "ab" / ("ab" + "0" * 62)).write_bytes(b"x" * 2048)
    dead = running.Noted("worker", 2**22 + 1, 1, clock.now().isoformat(), 2, "0.0.9")
    running.write(place, [running.noted("web", os.getpid(), 0, __version__), dead])


def test_it_tells_what_is_known_in_a_bounded_number_of_questions(
    office: Client, place: Path
) -> None:
    busy(place)
    page(office)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        text = page(office)
    assert len(seen) <= MOST_QUERIES, [one["sql"][:80] for one in seen.captured_queries]
    for told in (
        "<code>web</code>", "does not run", "0.0.9", "tickets.intake", "help<wbr>@example<wbr>.org",
        "10 older ones are not shown", "The last backup failed.", "2.0 KB", "[Errno 28]",
    ):  # fmt: skip
        assert told in text, told
    assert text.count('href="/undelivered/"') >= 2
    letters, jobs = system.letters(), system.jobs()
    assert (letters.waiting, letters.held_back, letters.failed) == (2, 1, 1)
    assert (jobs.numbers.waiting, jobs.numbers.failed, jobs.workers) == (1, 1, 1)
    assert Event.objects.filter(actor__startswith="agent:").count() == 0, "it only reads"


def test_twice_as_much_asks_no_more(office: Client, place: Path) -> None:
    busy(place)
    page(office)
    with CaptureQueriesContext(connection) as seen:
        page(office)
    for number in range(8):
        make.inbox(address=f"n{number}@example.org")
        Outgoing.objects.create(
            key=f"m{number}", recipient="a@example.org", message_id=f"m{number}@example.org",
            envelope={}, state=OutgoingState.DELAYED,
        )  # fmt: skip
    # What is kept in memory is read anew once; what is counted is a page after that, as above.
    page(office)
    with CaptureQueriesContext(connection) as again:
        page(office)
    assert len(again) == len(seen)


def test_an_empty_installation(office: Client, place: Path) -> None:
    text = page(office)
    assert "zabota up" in text
    assert "No worker is running" in text
    assert "There is no backup yet" in text


def test_whose_turn_the_next_backup_is(office: Client, place: Path, settings: Any) -> None:
    assert "that is switched off" in page(office)
    settings.BACKUP_AT = time(3, 15)
    assert "is due and is made by itself" in page(office)
    (place / "backups" / backups.name_for(backups.NIGHTLY, clock.now())).write_bytes(b"x")
    assert "The next is made by itself" in page(office)


def test_many_attachments_are_measured_in_part(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(256):
        folder = place / "blobs" / f"{number:02x}"
        folder.mkdir(parents=True)
        (folder / "one").write_bytes(b"1234567890")
    assert system.blobs() == system.Blobs(256, 2560, True)
    monkeypatch.setattr(system, "MEASURING", -1.0)
    assert system.blobs() == system.Blobs(256, 2560, False)


def test_a_process_is_known_by_its_start_too(place: Path) -> None:
    child = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
    try:
        running.write(place, [running.noted("web", child.pid, 0, "1")])
        (alive,) = running.read(place)
        assert (alive.is_alive, alive.memory > 0) == (True, True)
        other = running.Noted("web", child.pid, 12345, alive.since.isoformat(), 0, "1")
        running.write(place, [other])
        assert [one.is_alive for one in running.read(place)] == [False]
    finally:
        child.kill()
        child.wait()
    running.write(place, [running.noted("web", child.pid, 0, "1")])
    assert [(one.is_alive, one.memory) for one in running.read(place)] == [(False, 0)]
    (place / running.NOTE).write_text("[{half")
    assert running.read(place) == []


def test_the_log_tells_values_and_no_secrets(office: Client, chief: Agent) -> None:
    box, by = make.inbox(address="help@example.org"), chief.actor
    topic, other = make.topic(), make.billing()
    topic.name_ru, topic.queue = "Оплата", other
    save_setting(topic, ["name_ru", "queue"], by=by)
    box.config = {**box.config, "imap_host": "new.example.org", "imap_user": "robot@example.org"}
    box.set_secret("very secret")
    save_setting(
        box, ["imap_host", "imap_user", "password"], by=by, columns=["config", "secret_encrypted"]
    )
    row = make.account()
    row.name = "Иван Петров"
    save_setting(row, ["name"], by=by)
    save_setting(topic, ["name_ru"], by=part("holidays"))
    facts = " ".join(str(event.facts) for event in Event.objects.filter(actor=str(by)))
    for hidden in ("very secret", "robot@", "Иван", "Ромашка"):
        assert hidden not in facts
    assert "new.example.org" in facts
    text = page(office, "/settings/log/")
    assert "(Вход → Оплата)" in text
    assert f"→ {other.name_en})" in text
    assert "— → new.example.org" in text
    assert text.count("<tr>") == 4, "what programs did themselves is not here"


def test_the_log_has_pages_and_an_index(office: Client, chief: Agent) -> None:
    topic = make.topic()
    make.ticket()
    drain()
    for number in range(120):
        topic.name_en = f"Topic {number}"
        save_setting(topic, ["name_en"], by=chief.actor)
    lines, older = history.everything()
    assert len(lines) == 50
    assert "Topic 119" in lines[0].text
    text = page(office, f"/settings/log/?before={older}")
    assert "Topic 68 → Topic 69" in text
    assert "Topic 69 → Topic 70" not in text
    assert "Newest" in text
    assert page(office, "/settings/log/?before=x'1").count("<tr>") == 51
    with CaptureQueriesContext(connection) as seen:
        history.everything()
    assert len(seen) <= 5
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("DROP INDEX IF EXISTS not_there")
        wanted = history._EVERYTHING.replace("%s", "{}").replace("%%", "%")
        cursor.execute("EXPLAIN " + wanted.format("'{staff.setting_changed}'", 2**62, 51))
        plan = " ".join(row[0] for row in cursor.fetchall())
    assert "settings_log" in plan or "events_event_pkey" in plan
    assert "Seq Scan" not in plan


def test_everything_installed_has_a_licence(office: Client) -> None:
    text = page(office, "/settings/licences/")
    for name in ("Django", "psycopg", "htmx.org", "inter", "lucide-static"):
        assert name in text
    assert "SIL OPEN FONT LICENSE" in text
    assert {one.licence for one in licences.browser()} == set(licences.BROWSER.values())
    unknown = [one.name for one in licences.installed() if one.licence == licences.UNKNOWN]
    assert unknown == []


def test_they_speak_russian(place: Path) -> None:
    office = make.browser(make.administrator(language="ru"))
    assert_russian(office, "/settings/system/", "/settings/log/", "/settings/licences/")
    busy(place)
    backups.write_state(place, reason="cut", values={"how": "9"})
    alarms.forget()
    topic = make.topic()
    save_setting(topic, ["name_ru"], by=make.BY)
    assert_russian(office, "/settings/system/", "/settings/log/")
