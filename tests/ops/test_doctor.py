from __future__ import annotations

import shutil
from collections import namedtuple
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tests import make
from zabota.channels.models import Outgoing, OutgoingState
from zabota.lib import clock
from zabota.ops import doctor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")


def texts(findings: Any, *, good: bool) -> str:
    return " / ".join(finding.text for finding in findings if finding.is_good is good)


def run(query: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query)


def test_a_sound_database() -> None:
    assert "PostgreSQL" in texts(doctor.database(), good=True)
    assert "up to date" in texts(doctor.migrations(), good=True)
    assert "0.0 s" in texts(doctor.clocks(), good=True)
    assert "none is stuck" in texts(doctor.jobs(), good=True)
    assert "nothing is stuck" in texts(doctor.mail(), good=True)
    assert "free" in texts(doctor.disk(), good=True)


def test_schema_newer_and_older() -> None:
    run("INSERT INTO django_migrations (app, name, applied) VALUES ('staff', '9_later', now())")
    assert "newer than this code: staff.9_later" in texts(doctor.migrations(), good=False)
    run("DELETE FROM django_migrations WHERE app = 'sessions' OR name = '9_later'")
    assert "run: zabota migrate" in texts(doctor.migrations(), good=False)


def test_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(100, 90, 10))
    assert "too little" in texts(doctor.disk(), good=False)


def test_clock_apart() -> None:
    with clock.shifted(timedelta(minutes=2)):
        assert "120.0 s" in texts(doctor.clocks(), good=False)


def test_worker_missing_silent_and_alive() -> None:
    assert "No worker is running" in texts(doctor.worker(), good=False)
    run("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '5 minutes')")
    assert "300 s ago. It hangs" in texts(doctor.worker(), good=False)
    run("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '2 seconds'")
    assert "2 s ago" in texts(doctor.worker(), good=True)


def test_jobs_failed_and_stuck() -> None:
    run(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status) "
        "VALUES ('default', 'x', 'failed'), ('default', 'x', 'todo')"
    )
    assert "1 job gave up" in texts(doctor.jobs(), good=False)
    run("UPDATE procrastinate_events SET at = now() - interval '10 minutes'")
    assert "waiting for 10 min" in texts(doctor.jobs(), good=False)
    assert texts(doctor.jobs(), good=True) == ""


def test_report_counts_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = doctor.Finding
    shown: list[str] = []
    monkeypatch.setattr(doctor, "examine", lambda: [finding(True, "a"), finding(False, "b")])
    assert doctor.report(shown.append) == 1
    assert shown == ["  ok  a", "  !!  b", "1 thing is wrong."]
    monkeypatch.setattr(doctor, "examine", lambda: [finding(True, "a")])
    assert doctor.report(shown.append) == 0


def test_checks_stop_at_an_unknown_schema() -> None:
    run("INSERT INTO django_migrations (app, name, applied) VALUES ('staff', '9_later', now())")
    assert "newer than this code" in doctor.examine()[-1].text


def test_a_lost_secret_key_is_said(settings: Any) -> None:
    box = make.inbox(address="help@example.org")
    box.set_secret("password")
    box.save()
    assert "fits" in texts(doctor.keys(), good=True)
    settings.SECRET_KEY = "made anew"
    assert "keys/secret" in texts(doctor.keys(), good=False)


def test_inbox_fetched_silent_and_refused() -> None:
    box = make.inbox(address="help@example.org")
    box.is_active, box.last_ok_at, box.last_error = True, clock.now(), ""
    box.save()
    assert box.name in texts(doctor.fetch(), good=True)
    box.last_error = "The server refuses the password."
    box.save()
    assert "refuses the password" in texts(doctor.fetch(), good=False)
    box.last_error, box.last_ok_at = "", clock.now() - timedelta(hours=1)
    box.save()
    assert "Fetch is silent" in texts(doctor.fetch(), good=False)
    box.last_ok_at = None
    box.save()
    assert "never" in texts(doctor.fetch(), good=False)
    box.is_active = False
    box.save()
    assert list(doctor.fetch()) == []


def test_mail_given_up_and_delayed() -> None:
    for number, state in enumerate((OutgoingState.FAILED, OutgoingState.DELAYED)):
        Outgoing.objects.create(
            key=str(number),
            recipient="petr@example.org",
            message_id=f"{number}@example.org",
            envelope={},
            state=state,
        )
    text = texts(doctor.mail(), good=False)
    assert "1 message could not be sent" in text
    assert "1 message is late" in text
    assert "petr@" not in text
