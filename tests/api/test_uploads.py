"""Uploads that no message names: deleted after two days, with their bytes, and nothing else is."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import JSONField

from tests import make
from tests.api.program import Program, integration
from zabota.api import consumers, uploads
from zabota.api.models import KEPT, SPARE, Waiting
from zabota.channels import blobs, unused
from zabota.lib import clock
from zabota.portal.confirming import ask_to_confirm
from zabota.tickets import actions
from zabota.tickets.actions.answer import Upload
from zabota.tickets.models import Attachment, Message, Ticket

CONTENT = b"12 400"
LATER = KEPT + 2 * SPARE


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Path) -> Path:
    settings.BLOB_DIR = tmp_path / "blobs"
    return tmp_path / "blobs"


@pytest.fixture
def crm(db: None) -> Program:
    return Program(integration())


def uploaded(crm: Program, content: bytes = CONTENT) -> Waiting:
    answer = crm.upload("счёт.txt", content)
    return Waiting.objects.get(pk=answer.json()["id"])


def swept(after: timedelta = LATER) -> None:
    with clock.at(clock.now() + after):
        consumers.forget_uploads()


def is_kept(row: Waiting) -> tuple[bool, bool]:
    """Whether the record and the bytes are there."""
    return Waiting.objects.filter(pk=row.pk).exists(), blobs.path_of(row.sha256).exists()


def test_after_two_days_record_and_bytes_go(crm: Program) -> None:
    row = uploaded(crm)
    swept(KEPT - SPARE)
    assert is_kept(row) == (True, True)
    swept()
    assert is_kept(row) == (False, False)


def test_after_two_days_no_message_may_name_it(crm: Program) -> None:
    row, ticket = uploaded(crm), make.ticket(queue=make.queue())
    body = {"text": "Готово", "attachments": [row.pk]}
    with clock.at(row.at + KEPT + timedelta(seconds=1)):
        answer = crm.post(f"/tickets/{ticket.pk}/note", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "attachments"
    with clock.at(row.at + KEPT - timedelta(minutes=1)):
        assert crm.post(f"/tickets/{ticket.pk}/note", body).status_code == 201
    swept()
    assert blobs.get(row.sha256) == CONTENT


def test_bytes_that_anything_else_names_stay(crm: Program) -> None:
    ticket, agent = make.ticket(queue=make.queue()), make.agent("Ольга Щербакова")
    named = [uploaded(crm, f"{number}".encode()) for number in range(4)]
    files = [Upload(row.name, row.content_type, row.size, row.sha256, True) for row in named]
    Attachment.objects.create(
        message=Message.objects.all()[0], name="a", size=1, sha256=named[0].sha256
    )
    actions.hold_reply(ticket, "Готово", agent=agent, by=agent.actor, seconds=10, files=files[1:2])
    ask_to_confirm(ticket, make.PETR[0], "Да", files[2:3], key="k", language="ru")
    raw = make.inbox().raw_messages.first()
    assert raw is not None
    raw.sha256 = named[3].sha256
    raw.save()
    assert asdict(files[1])["sha256"] == named[1].sha256
    swept()
    assert [is_kept(row) for row in named] == [(False, True)] * 4


def test_bytes_of_a_later_upload_stay_till_its_own_end(crm: Program) -> None:
    first = uploaded(crm)
    Waiting.objects.filter(pk=first.pk).update(at=first.at - timedelta(days=1))
    second = uploaded(crm)
    swept(KEPT - timedelta(hours=12))
    assert (is_kept(first), is_kept(second)) == ((False, True), (True, True))
    swept()
    assert is_kept(second) == (False, False)


def test_many_of_the_same_and_of_others_go_together(
    crm: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "AT_ONCE", 3)
    rows = [uploaded(crm, str(number % 4).encode()) for number in range(10)]
    swept()
    assert {is_kept(row) for row in rows} == {(False, False)}


def test_what_was_refused_goes_too(crm: Program) -> None:
    key = {"Idempotency_Key": "u1"}
    assert crm.upload("счёт.txt", CONTENT, **key).status_code == 201
    assert crm.upload("счёт.txt", b"13 400", **key).status_code == 422
    refused = Waiting.objects.order_by("-id")[0]
    assert blobs.get(refused.sha256) == b"13 400"
    body = {"text": "Готово", "attachments": [refused.pk]}
    ticket = make.ticket(queue=make.queue())
    assert crm.post(f"/tickets/{ticket.pk}/note", body).status_code == 422
    swept(timedelta(days=1, hours=1))
    assert is_kept(refused) == (False, False)
    assert Waiting.objects.count() == 1


def test_bytes_that_were_stored_again_a_moment_ago_stay(
    crm: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail with the same file: its bytes are stored, its row is not yet committed."""
    row, is_named = uploaded(crm), unused.is_named

    def and_then_it_comes(sha256: str) -> bool:
        named = is_named(sha256)
        blobs.put([CONTENT])
        stamp = clock.now().timestamp()
        os.utime(blobs.path_of(sha256), (stamp, stamp))
        return named

    with monkeypatch.context() as patched:
        patched.setattr(unused, "is_named", and_then_it_comes)
        swept()
    assert is_kept(row) == (True, True)
    # Nothing came of the mail.
    swept(LATER + timedelta(days=2))
    assert is_kept(row) == (False, False)


def test_a_sweep_that_is_killed_is_done_again(
    crm: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, drop = uploaded(crm), unused.drop

    def killed(sha256: str) -> bool:
        drop(sha256)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(unused, "drop", killed)
        with pytest.raises(KeyboardInterrupt):
            swept()
    assert is_kept(row) == (True, False)
    swept()
    assert is_kept(row) == (False, False)


def test_while_the_store_is_copied_all_stays(crm: Program) -> None:
    row = uploaded(crm)
    with blobs.kept():
        swept()
    assert is_kept(row) == (True, True)


def test_every_field_that_names_bytes_is_asked() -> None:
    """An outgoing mail names the files of its message, which stay with it."""
    fields = [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.name == "sha256" or (field.name == "files" and isinstance(field, JSONField))
    ]
    assert len(fields) >= 5
    assert unused.named_by() == {*fields}


@contextmanager
def elsewhere(work: Any) -> Iterator[threading.Thread]:
    """The work in a thread with a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ends", ["sent", "refused"])
def test_a_message_that_names_it_in_the_same_moment_keeps_it(ends: str) -> None:
    crm = Program(integration())
    row, ticket = uploaded(crm), make.ticket(queue=make.queue())
    named, go_on = threading.Event(), threading.Event()

    def answer() -> None:
        with transaction.atomic():
            files = uploads.taken(crm.token, [row.pk])
            named.set()
            assert go_on.wait(10)
            agent = crm.token.agent
            found = Ticket.objects.get(pk=ticket.pk)
            actions.add_note(found, "Готово", agent=agent, by=agent.actor, files=files)
            if ends == "refused":
                transaction.set_rollback(True)

    with elsewhere(answer):
        assert named.wait(10)
        swept()
        assert blobs.path_of(row.sha256).exists()
        go_on.set()
    assert Attachment.objects.filter(sha256=row.sha256).exists() == (ends == "sent")
    swept()
    assert is_kept(row) == (False, ends == "sent")


@pytest.mark.django_db(transaction=True)
def test_a_second_sweep_leaves_it_to_the_first() -> None:
    crm = Program(integration())
    row = uploaded(crm)
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(consumers._TURN)
            begun.set()
            assert go_on.wait(10)

    with elsewhere(hold):
        assert begun.wait(10)
        swept()
        assert is_kept(row) == (True, True)
        go_on.set()
    swept()
    assert is_kept(row) == (False, False)
