"""`docs/how-to/webhooks.md` does what it says: its program, as printed, hears and checks us."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import make
from tests.drain import drain
from tests.notify.program import LOOPBACK, webhook
from tests.site import free_port
from zabota.lib import calling, clock
from zabota.notify import actions, outcomes, signatures
from zabota.notify.models import DeliveryState, WebhookDelivery
from zabota.tickets import actions as desk

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "webhooks.md"
[PROGRAM] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


@contextmanager
def running(file: Path, port: int, secret: str) -> Iterator[subprocess.Popen[str]]:
    file.write_text(PROGRAM, encoding="utf-8")
    environment = {"SECRET": secret, "PORT": str(port), "LANG": "C.UTF-8"}
    child = subprocess.Popen(
        [sys.executable, str(file)], env=environment, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield child
    finally:
        child.terminate()
        child.wait(10)


def test_the_printed_program_hears_us_and_nobody_else(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with LOOPBACK:
        hook, old = webhook(url, "tickets.note_added")
        new = actions.rotate_secret(hook, hours=24, by=make.BY)
        ticket, vera = make.ticket(), make.agent()
        with running(tmp_path / "receive.py", port, f"{new} {old}") as program:
            desk.add_note(ticket, "Заметка", agent=vera, by=vera.actor)
            drain()
            row = WebhookDelivery.objects.get()
            assert (row.state, row.status) == (DeliveryState.DELIVERED, 204)
            actions.replay(row, by=make.BY)
            drain()
            hook.refresh_from_db()
            assert actions.test(hook, by=make.BY).status == 204
            body = b"{}"
            headers = signatures.headers("event_1", clock.now(), body, [signatures.new_secret()])
            assert calling.call("POST", url, headers=headers, body=body).status == 401
            old_time = clock.now() - outcomes.LONGEST
            stale = signatures.headers("event_1", old_time, body, [new])
            assert calling.call("POST", url, headers=stale, body=body).status == 401
            assert calling.call("POST", url, headers={}, body=body).status == 400
            program.terminate()
            assert program.stdout
            said = program.stdout.read().splitlines()
    assert said == [f"tickets.note_added {ticket.pk}", "test None"], "a repetition is known"


def test_the_page_names_the_true_times() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    hours = [step.total_seconds() / 3600 for step in outcomes.BACKOFF]
    assert "1, 5 and 30 minutes, 2, 6 and 12 hours, then daily" in text
    assert hours == [1 / 60, 5 / 60, 0.5, 2, 6, 12, 24, 24, 24]
    assert 3.8 < sum(hours) / 24 < 4
    assert "four times within 36 minutes" in text
    assert outcomes.FEW == 4
    assert "within ten seconds" in text
    assert calling.SECONDS == 10
