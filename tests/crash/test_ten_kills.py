"""Ten kills of the crash run, and that its counting finds what it looks for."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import make, prepared
from tests.crash import count
from tests.crash.house import Kill
from tests.crash.people import Clients, Form, Letter, Post, Refused
from tests.mailserver import ImapServer
from zabota.channels.events import Sent
from zabota.channels.models import Outgoing, OutgoingState
from zabota.events.models import Event

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 240.0  # seconds; it needs 30 to 40 on a quiet machine
TOKEN = f"mail-{'a' * 32}"


@pytest.mark.xdist_group("processes")
def test_ten_kills_lose_and_double_nothing() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "tests.crash", "--short", "--over", str(prepared.source())]
    with subprocess.Popen(
        command, cwd=ROOT, env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        try:
            said, told = run.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            # It must stop its own `zabota up`: no SIGKILL.
            run.send_signal(signal.SIGINT)
            said, told = run.communicate(timeout=60)
    assert run.returncode == 0, f"{said}\n{told[-3000:]}"
    verdict = said.strip().splitlines()[-1]
    assert verdict.startswith("crash: passed: 10 kills"), verdict


def letter(message_id: str, at: float, text: str = "") -> Letter:
    return Letter(at, message_id, ("p@romashka.example",), 1, "", text)


def sent(at: float | None) -> Outgoing:
    """A row of the outbox that was noted as sent at this moment."""
    row = Outgoing.objects.create(
        key="k", recipient="p@romashka.example", message_id="m@x", envelope={}
    )
    if at is not None:
        Outgoing.objects.update(state=OutgoingState.SENT)
        Event.objects.create(
            kind=Sent.kind,
            stream="outgoing:1",
            actor="system:outbox",
            facts={"outgoing": row.pk, "attempts": 1},
            at=datetime.fromtimestamp(at, UTC),
        )
    return row


@pytest.mark.django_db
def test_a_second_delivery_needs_a_death_before_the_note() -> None:
    now = time.time()
    twice = [letter("m@x", now), letter("m@x", now + 9)]
    sent(now + 9.1)
    assert count.doubled(twice, [Kill(now + 0.1, "worker")]) == count.Doubles(1, [])
    assert "no worker died" in count.doubled(twice, []).unexplained[0]
    assert "no worker died" in count.doubled(twice, [Kill(now + 5, "worker")]).unexplained[0]
    assert "no worker died" in count.doubled(twice, [Kill(now, "fetch")]).unexplained[0]
    assert count.doubled([letter("m@x", now)], []) == count.Doubles(0, [])


@pytest.mark.django_db
def test_a_delivery_after_the_note_is_never_excused() -> None:
    now = time.time()
    sent(now + 0.05)
    twice = [letter("m@x", now), letter("m@x", now + 9)]
    found = count.doubled(twice, [Kill(now + 0.1, "worker")])
    assert "after it was noted" in found.unexplained[0]


@pytest.mark.django_db
def test_a_lost_doubled_or_misplaced_mail_is_found() -> None:
    message = make.incoming(f"Нет кода. {TOKEN}")
    clients = Clients(ImapServer(), Post(), random.Random(1), {TOKEN: 0})
    assert list(count._wrong_places({TOKEN: message.ticket_id}, {TOKEN: [message.ticket_id]})) == []

    def told(**expected: int) -> str:
        clients.expected = {name.replace("_", "-"): ticket for name, ticket in expected.items()}
        return "\n".join(count.complaints(clients, {}, [])[0])

    name = TOKEN.replace("-", "_")
    assert "went to ticket" in told(**{name: message.ticket_id + 1})
    assert "stands in 0 messages" in told(**{name: 0, f"mail_{'b' * 32}": 0})
    assert "was acknowledged 0 times" in told(**{name: 0})
    assert "left behind" in told(**{name: 0}), "its jobs wait"
    make.incoming(f"Нет кода. {TOKEN}")
    assert "stands in 2 messages" in told(**{name: 0})


def test_the_form_of_a_page_is_found() -> None:
    page = (
        '<form action="/t/1/take/"><input type="hidden" name="no"></form>'
        '<form action="/t/1/reply/"><input type="hidden" name="token" value="x">'
        '<textarea name="body"></textarea></form>'
    )
    form = Form(page, "/reply/")
    assert (form.action, form.fields, form.area) == ("/t/1/reply/", {"token": "x"}, "body")
    with pytest.raises(Refused):
        Form(page, "/note/")
