from __future__ import annotations

import shutil
from collections import namedtuple
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tests import make
from tests.notify.program import webhook
from zabota.channels import standstill
from zabota.channels.models import Outgoing, OutgoingState
from zabota.lib import clock
from zabota.notify.models import Webhook
from zabota.ops import doctor
from zabota.ops.findings import Finding

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
    # Those of other tests that were killed.
    run("DELETE FROM procrastinate_workers")
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
    finding = Finding
    shown: list[str] = []
    monkeypatch.setattr(doctor, "examine", lambda: [finding(True, "a"), finding(False, "b")])
    assert doctor.report(shown.append) == 1
    assert shown == ["  ok  a", "  !!  b", "1 thing is wrong."]
    monkeypatch.setattr(doctor, "examine", lambda: [finding(True, "a")])
    assert doctor.report(shown.append) == 0


def unsent(number: int, error: str, state: str = OutgoingState.FAILED) -> None:
    Outgoing.objects.create(
        key=str(number), recipient="petr@example.org", message_id=f"{number}@example.org",
        envelope={}, state=state, last_error=error,
    )  # fmt: skip


def test_what_a_receiver_refuses_is_work_for_a_person_and_no_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = "The SMTP server refused the recipient: "
    unsent(1, refused + "petr@example.org: 550 5.1.1 No such user")
    unsent(2, refused + "a@b.example: 552 5.2.2 full; c@d.example: 550 5.1.1 no such user")
    unsent(3, "The SMTP server refused the message: 552 5.3.4 Message too big")
    (finding,) = doctor.mail()
    assert (finding.is_good, finding.is_task) == (True, True)
    assert finding.text.startswith("3 messages were refused by their receivers' servers.")
    shown: list[str] = []
    monkeypatch.setattr(doctor, "examine", lambda: list(doctor.mail()))
    assert doctor.report(shown.append) == 0
    assert shown[0].startswith("  --  3 messages")
    assert shown[1] == "Nothing is wrong here; 1 thing waits for a person."


@pytest.mark.parametrize(
    "error",
    [
        "",
        "The SMTP server refused the recipient: a@b.example: 554 5.7.1 Relay access denied",
        "The SMTP server refused the recipient: a@b.example: 550 something of their own",
        "The SMTP server refused the recipient: there is none",
        "The SMTP server refused the sender: 553 5.7.1 Sender address rejected: not owned by user",
        "The SMTP server refused name or password: 535 5.7.8 authentication failed",
        "No connection to mail.example:465: timed out",
        "There is no inbox to send from. Add one under Settings, Inboxes.",
    ],
)
def test_everything_else_that_stops_mail_is_a_fault(error: str) -> None:
    unsent(1, error)
    (finding,) = doctor.mail()
    assert not finding.is_good
    assert "1 message could not be sent" in finding.text


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


def test_a_restored_copy_is_no_trouble_but_a_task() -> None:
    make.inbox()
    standstill.begin("2026-11-27T21:00:00+00:00", by=make.BY)
    (found,) = doctor.fetch()
    assert (found.is_good, found.is_task) == (True, True)
    assert "zabota resume" in found.text
    standstill.end(by=make.BY)


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


def test_programs_that_do_not_answer_wait_for_a_person() -> None:
    assert list(doctor.webhooks()) == []
    for name, is_active, reason in (("A", True, ""), ("B", False, "week"), ("C", False, "hand")):
        hook, _secret = webhook("https://hooks.example/", "tickets.made", name=name)
        Webhook.objects.filter(pk=hook.pk).update(
            is_active=is_active, off_reason=reason, failing_since=clock.now()
        )
    webhook("https://hooks.example/", "tickets.made", name="D")
    found = list(doctor.webhooks())
    assert [finding.is_task and finding.is_good for finding in found] == [True, True]
    assert "A" in found[0].text
    assert "B" in found[1].text
