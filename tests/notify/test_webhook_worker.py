"""A real worker that is killed between the answer of a program and its note."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests import make
from tests.notify.program import webhook
from tests.receiver import Heard, receiving
from tests.site import WORKER, process
from zabota.notify.models import DeliveryState, WebhookDelivery
from zabota.tickets import actions as desk

# How soon a dead worker's jobs are really taken back, tests/events/test_worker.py measures.
SOON = (
    "from zabota.events import rescue; "
    "rescue.HEARTBEAT_SECONDS, rescue.STALLED_SECONDS = 0.5, 2; worker.run()"
)
SUCCESSOR = WORKER.replace("worker.run()", SOON)


@pytest.mark.xdist_group("site")
@pytest.mark.django_db(transaction=True)
def test_the_call_of_a_killed_worker_is_repeated_with_the_same_id() -> None:
    with receiving() as target:
        webhook(target, "tickets.note_added")
        ticket, vera = make.ticket(), make.agent()
        reach = {"ZABOTA_FETCH_NETWORKS": "127.0.0.0/8"}
        with process(WORKER, **reach) as worker:

            def die(heard: Heard) -> None:
                os.kill(worker.pid, signal.SIGKILL)
                worker.wait()

            target.on_call = die
            desk.add_note(ticket, "Заметка", agent=vera, by=vera.actor)
            worker.wait(60)
            target.on_call = None
        assert WebhookDelivery.objects.get().state == DeliveryState.WAITING
        with process(SUCCESSOR, **reach):
            deadline = time.monotonic() + 60
            while WebhookDelivery.objects.get().state != DeliveryState.DELIVERED:
                assert time.monotonic() < deadline, "the call was not repeated"
                time.sleep(0.1)
        first, second = target.heard
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert WebhookDelivery.objects.get().attempts == 1
