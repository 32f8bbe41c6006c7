"""Requests with an Idempotency-Key."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tests import make
from tests.api.program import Program, integration, new_ticket
from zabota.api import consumers
from zabota.api.models import KEPT, Answered, Waiting
from zabota.lib import clock
from zabota.tickets.models import Message, Ticket

KEY = {"Idempotency_Key": "order-4471"}


@pytest.mark.django_db
def test_the_same_request_is_done_once_and_answered_alike() -> None:
    crm = Program(integration())
    body = new_ticket()
    first = crm.post("/tickets", body, **KEY)
    # The order of fields makes no other request.
    again = crm.post("/tickets", dict(reversed(body.items())), **KEY)
    assert (again.status_code, again.json()) == (201, first.json())
    assert Ticket.objects.count() == 1
    other = crm.post("/tickets", body | {"subject": "Другое"}, **KEY)
    assert other.json()["type"] == "urn:zabota:problem:key-reused"
    elsewhere = crm.post(f"/tickets/{first.json()['number']}/note", {"text": "Да"}, **KEY)
    assert elsewhere.status_code == 422
    # Keys are each program's own.
    assert Program(crm.token.agent).post("/tickets", body, **KEY).status_code == 201
    assert Ticket.objects.count() == 2
    assert not Message.objects.filter(direction="note").exists()


@pytest.mark.django_db
def test_a_refusal_is_not_kept() -> None:
    crm = Program(integration())
    closed = make.ticket(queue=make.queue())
    Ticket.objects.filter(pk=closed.pk).update(status="closed")
    path = f"/tickets/{closed.pk}/reply"
    assert crm.post(path, {"text": "Да"}, **KEY).status_code == 422
    Ticket.objects.filter(pk=closed.pk).update(status="open")
    answer = crm.post(path, {"text": "Да"}, **KEY)
    assert answer.status_code == 201
    assert crm.post(path, {"text": "Да"}, **KEY).json() == answer.json()
    assert Message.objects.filter(ticket=closed, direction="out").count() == 1


@pytest.mark.django_db
def test_an_upload_is_the_same_by_its_content() -> None:
    crm = Program(integration())
    first = crm.upload("счёт.txt", b"12 400", **KEY).json()
    assert crm.upload("счёт.txt", b"12 400", **KEY).json() == first
    assert crm.upload("счёт.txt", b"13 400", **KEY).status_code == 422
    # The bytes of the refused one wait for nothing.
    assert Waiting.objects.filter(at__gt=clock.now() - KEPT).count() == 1


@pytest.mark.django_db
def test_keys_have_a_length_and_an_end() -> None:
    crm = Program(integration())
    long = {"Idempotency_Key": "k" * 201}
    assert crm.post("/tickets", new_ticket(), **long).status_code == 400
    crm.post("/tickets", new_ticket(), **KEY)
    with clock.at(clock.now() + timedelta(days=3)):
        consumers.forget_answers()
    assert not Answered.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_worked_on_the_second_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from zabota.api.views import tickets

    crm = Program(integration())
    begun, go_on = threading.Event(), threading.Event()
    create = tickets._create
    found: dict[str, Any] = {}

    def slow(*given: Any) -> Any:
        begun.set()
        assert go_on.wait(10)
        return create(*given)

    def first() -> None:
        try:
            found["first"] = crm.post("/tickets", new_ticket(queue=queue), **KEY)
        finally:
            connection.close()

    queue = make.queue().pk
    monkeypatch.setattr(tickets, "_create", slow)
    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(10)
    second = crm.post("/tickets", new_ticket(), **KEY)
    go_on.set()
    thread.join()
    assert second.status_code == 409
    assert second["Retry-After"] == "1"
    assert found["first"].status_code == 201
    assert crm.post("/tickets", new_ticket(), **KEY).json() == found["first"].json()
    assert Ticket.objects.count() == 1
