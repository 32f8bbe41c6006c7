"""The access table of the programs' door: every operation of its document to every caller."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests import make
from tests.api.program import Program, integration
from tests.api.rows import OPERATIONS, WHO
from zabota.api.urls import document
from zabota.staff.models import Level, Scope
from zabota.tickets.models import Attachment, Ticket

pytestmark = pytest.mark.django_db
METHODS = ("get", "put", "post", "patch", "delete")
# Sent where the example of the document names what a test does not have.
BODIES: dict[str, Any] = {"PATCH /tickets/{number}": {"urgency": 2}}


def operations() -> dict[str, Any]:
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}": operation
        for path, found in document()["paths"].items()
        for method, operation in found.items()
        if method in METHODS
    }


def program(who: str) -> Program | None:
    if who == "nobody":
        return None
    levels = {"see": Level.SEE, "reply": Level.REPLY}
    queue = make.billing() if who == "another queue" else make.queue()
    agent = integration(queue, level=levels.get(who, Level.CLOSE))
    return Program(agent, [Scope.IMPORT] if who == "without scope" else list(Scope))


def asked(name: str, operation: Any, who: str) -> int:
    """The status of one request, with the document's own example as its body."""
    make.account()
    message = make.incoming(files=(make.file("счёт.txt"),), to=make.inbox())
    ticket, file = message.ticket, Attachment.objects.get(message=message)
    method, path = name.split()
    number = ticket.contact_id if "contacts" in path else make.account().pk
    number = ticket.pk if "tickets" in path else number
    path = path.replace("{number}", str(number)).replace("{file}", str(file.pk))
    caller = program(who)
    headers = caller.headers if caller else {}
    if path == "/attachments":
        form = {"file": SimpleUploadedFile("счёт.txt", b"12 400", "text/plain")}
        return int(Client().post("/api/v1/attachments", form, headers=headers).status_code)
    body = BODIES.get(name)
    if body is None and "requestBody" in operation:
        body = dict(operation["requestBody"]["content"]["application/json"]["example"])
        if "queue" in body or "topic" in body:
            body = body | {"topic": None, "queue": make.queue().pk}
        if "account" in body:
            body["account"] = make.account().pk
    send = getattr(Client(), method.lower())
    options = {"data": body, "content_type": "application/json"} if body is not None else {}
    return int(send(f"/api/v1{path}", headers=headers, **options).status_code)


def test_every_operation_of_the_document_has_a_row() -> None:
    assert set(operations()) == set(OPERATIONS)
    assert Ticket.objects.count() == 0


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("name", OPERATIONS)
def test_access(name: str, who: str) -> None:
    expected = OPERATIONS[name].split()[WHO.index(who)]
    assert asked(name, operations()[name], who) == int(expected)
