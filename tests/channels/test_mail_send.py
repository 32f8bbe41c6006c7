from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.mailserver import FakeInbox, SmtpServer, free_port
from zabota.channels.contract import (
    Address,
    Envelope,
    OutgoingFile,
    PermanentError,
    Receipt,
    TemporaryError,
    UncertainError,
)
from zabota.channels.kinds.mail import KIND
from zabota.channels.kinds.mail.mime import parse

OLGA, BOSS = Address("olga@client.example", "Ольга"), Address("boss@client.example")
ENVELOPE = Envelope(
    message_id="m1@company.example",
    mail_from="help+t1@company.example",
    sender=Address("help@company.example", "Забота"),
    to=(OLGA,),
    cc=(BOSS,),
    subject="Привет",
    text="Первая\n.\n..две точки\nпоследняя",
    html="",
    date=datetime(2026, 11, 22, 7, tzinfo=UTC),
)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


def inbox_of(server: SmtpServer) -> FakeInbox:
    return FakeInbox(config=server.config())


def test_mail_arrives_whole(server: SmtpServer) -> None:
    assert KIND.send(inbox_of(server), ENVELOPE) == Receipt()
    (taken,) = server.taken
    assert taken.mail_from == "help+t1@company.example"
    assert taken.recipients == ("olga@client.example", "boss@client.example")
    message = parse(taken.raw)
    assert message.text == ENVELOPE.text
    assert message.message_id == ENVELOPE.message_id


@pytest.mark.parametrize(
    ("answer", "error"), [("451 later", TemporaryError), ("550 unknown", PermanentError)]
)
@pytest.mark.parametrize("step", ["sender", "recipient", "data"])
def test_answers_are_told_apart(
    server: SmtpServer, step: str, answer: str, error: type[Exception]
) -> None:
    setattr(server, step, lambda address: answer)
    with pytest.raises(error, match=answer) as caught:
        KIND.send(inbox_of(server), ENVELOPE)
    assert not isinstance(caught.value, UncertainError)
    assert server.taken == []
    setattr(server, step, lambda address: "")
    assert KIND.send(inbox_of(server), ENVELOPE) == Receipt()


def test_partly_refused_recipients_are_reported(server: SmtpServer) -> None:
    server.recipient = lambda address: "550 no such user" if address == BOSS.email else ""
    receipt = KIND.send(inbox_of(server), ENVELOPE)
    assert receipt.refused == ((BOSS.email, "550 no such user"),)
    assert server.taken[0].recipients == (OLGA.email,)


def test_refused_addressee_stops_the_mail_to_the_copies(server: SmtpServer) -> None:
    server.recipient = lambda address: "550 no such user" if address == OLGA.email else ""
    with pytest.raises(PermanentError, match=r"olga@client\.example: 550"):
        KIND.send(inbox_of(server), ENVELOPE)
    assert server.taken == []


@pytest.mark.parametrize("step", ["drop_after_data", "lose_after_data"])
def test_broken_after_data_is_uncertain(server: SmtpServer, step: str) -> None:
    setattr(server, step, 1)
    with pytest.raises(UncertainError):
        KIND.send(inbox_of(server), ENVELOPE)
    assert len(server.taken) == (step == "drop_after_data")
    KIND.send(inbox_of(server), ENVELOPE)
    ids = {parse(taken.raw).message_id for taken in server.taken}
    assert ids == {ENVELOPE.message_id}


def test_nobody_listens_is_temporary() -> None:
    inbox = FakeInbox(config={"smtp_host": "127.0.0.1", "smtp_port": free_port()})
    with pytest.raises(TemporaryError, match="No connection") as caught:
        KIND.send(inbox, ENVELOPE)
    assert not isinstance(caught.value, UncertainError)


def test_no_server_set_is_permanent() -> None:
    with pytest.raises(PermanentError, match="No SMTP server"):
        type(KIND).send(KIND, FakeInbox(), ENVELOPE)


def test_password_is_used_and_a_wrong_one_is_permanent() -> None:
    with SmtpServer(user="help", password="right") as server:
        KIND.send(FakeInbox(config=server.config(), password="right"), ENVELOPE)
        with pytest.raises(PermanentError, match="name or password"):
            KIND.send(FakeInbox(config=server.config(), password="wrong"), ENVELOPE)
        with pytest.raises(PermanentError):
            KIND.send(FakeInbox(config=server.config() | {"smtp_user": ""}), ENVELOPE)
        assert len(server.taken) == 1


def test_starttls_wanted_but_not_offered_is_permanent(server: SmtpServer) -> None:
    inbox = FakeInbox(config=server.config() | {"smtp_tls": "starttls"})
    with pytest.raises(PermanentError):
        KIND.send(inbox, ENVELOPE)
    assert server.taken == []


def test_smtputf8_only_when_needed(server: SmtpServer) -> None:
    KIND.send(inbox_of(server), replace(ENVELOPE, to=(Address("ольга@client.example"),)))
    assert server.taken[0].recipients[0] == "ольга@client.example"
    assert parse(server.taken[0].raw).to[0].email == "ольга@client.example"
    KIND.send(inbox_of(server), replace(ENVELOPE, to=(Address("olga@почта.рф"),)))
    assert server.taken[1].recipients[0].startswith("olga@xn--")
    assert server.taken[1].raw.isascii()


def test_missing_file_is_permanent(server: SmtpServer) -> None:
    lost = OutgoingFile("a.pdf", "application/pdf", "0" * 64)
    with pytest.raises(PermanentError, match="gone"):
        KIND.send(inbox_of(server), replace(ENVELOPE, files=(lost,)))
    assert server.taken == []


def test_lines_of_dots_arrive(server: SmtpServer) -> None:
    text = "one\n.\n..two\n.three"
    KIND.send(inbox_of(server), replace(ENVELOPE, text=text))
    assert b"\r\n..two\r\n" in server.taken[0].raw
    assert parse(server.taken[0].raw).text == text


def test_an_inbox_with_a_cyrillic_domain_sends(server: SmtpServer) -> None:
    inbox = replace(inbox_of(server), address="help@почта.рф")
    envelope = replace(
        ENVELOPE, mail_from=inbox.address, sender=Address(inbox.address), in_reply_to="1@почта.рф"
    )
    assert KIND.send(inbox, envelope) == Receipt()
    assert server.taken[0].mail_from == "help@xn--80a1acny.xn--p1ai"
