"""Encryption to real servers: it works, bad certificates are refused, and nothing goes plainly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import make
from tests.certificates import Authority, Signed
from tests.mailserver import PASSWORD, USER, FakeInbox, ImapServer, SmtpServer
from tests.tlsproxy import Scripted, TlsProxy
from zabota.channels.contract import Address, Envelope, PermanentError, TemporaryError
from zabota.channels.kinds.mail import KIND
from zabota.channels.kinds.mail.fetch import ImapMailbox
from zabota.channels.wording import told

MODES = ("tls", "starttls")
ENVELOPE = Envelope(
    message_id="m1@company.example",
    mail_from="help@company.example",
    sender=Address("help@company.example", "Забота"),
    to=(Address("olga@client.example"),),
    cc=(),
    subject="Привет",
    text="Зашифровано в пути",
    html="",
    date=datetime(2026, 11, 22, 7, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def good(authority: Authority) -> Signed:
    return authority.sign("localhost", "127.0.0.1")


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process trusts the throw-away authority, as a machine trusts those of its system."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))


class Servers:
    """Both servers behind one certificate, in one mode; `inbox` reaches them."""

    def __init__(self, signed: Signed, mode: str) -> None:
        self.signed, self.mode = signed, mode
        self._stack = ExitStack()

    def __enter__(self) -> Servers:
        offered = self.signed if self.mode == "starttls" else None
        enter = self._stack.enter_context
        self.imap = enter(ImapServer(signed=offered))
        self.smtp = enter(SmtpServer(user=USER, password=PASSWORD, signed=offered))
        self.ports = (self.imap.port, self.smtp.port)
        if self.mode == "tls":
            context = self.signed.context()
            first, second = (enter(TlsProxy(port, context)) for port in self.ports)
            self.ports = (first.port, second.port)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.close()

    def config(self) -> dict[str, str | int | bool]:
        return {
            "imap_host": "127.0.0.1", "imap_port": self.ports[0], "imap_tls": self.mode,
            "imap_user": USER, "smtp_host": "127.0.0.1", "smtp_port": self.ports[1],
            "smtp_tls": self.mode, "smtp_user": USER,
        }  # fmt: skip

    def inbox(self) -> FakeInbox:
        return FakeInbox(config=self.config())


@pytest.fixture(params=MODES)
def servers(request: pytest.FixtureRequest, good: Signed) -> Iterator[Servers]:
    with Servers(good, request.param) as running:
        yield running


@pytest.mark.usefixtures("trusted")
def test_mail_is_fetched_and_sent_encrypted(servers: Servers) -> None:
    mail = make.mail("Здравствуйте")
    servers.imap.append(mail)
    box = ImapMailbox(servers.inbox())
    try:
        box.select("INBOX")
        (uid,) = box.uids_after(0)
        found = box.fetch(uid, 100_000)
        assert found is not None
        assert found.raw.replace(b"\r\n", b"\n") == mail
        assert type(box._box.client.sock).__name__ == "SSLSocket"
    finally:
        box.close()
    KIND.send(servers.inbox(), ENVELOPE)
    (taken,) = servers.smtp.taken
    assert taken.recipients == ("olga@client.example",)


def refused(authority: Authority, folder: Path, how: str) -> Signed:
    if how == "issuer":
        return Authority(folder, "Another authority").sign("127.0.0.1")
    if how == "name":
        return authority.sign("mail.other.example")
    return authority.sign("127.0.0.1", lasts=timedelta(days=-1))


WHY = {
    "issuer": (
        "его не подписал никто из тех, кому доверяет этот компьютер",
        "nobody whom this machine trusts has signed it",
    ),
    "name": ("он выдан на другое имя", "it is made out to another name"),
    "age": (
        "срок его действия истёк или часы здесь идут неверно",
        "it has expired, or the clock here is wrong",
    ),
}


@pytest.mark.django_db
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", list(WHY))
def test_a_certificate_that_is_not_valid_is_refused_in_words(
    authority: Authority, folder: Path, how: str, mode: str
) -> None:
    with Servers(refused(authority, folder, how), mode) as servers:
        with pytest.raises(PermanentError) as fetching:
            ImapMailbox(servers.inbox())
        with pytest.raises(PermanentError) as sending:
            KIND.send(servers.inbox(), ENVELOPE)
        for language, why in zip(("ru", "en"), WHY[how], strict=True):
            chief = make.administrator()
            type(chief).objects.filter(pk=chief.pk).update(language=language)
            form = servers.config() | {
                "name": "Support", "address": "help@company.example", "queue": make.queue().pk,
                "language": "en", "time_zone": "Europe/Moscow", "password": PASSWORD,
            }  # fmt: skip
            client = make.browser(type(chief).objects.get(pk=chief.pk))
            page = client.post("/settings/inboxes/new/check/", form).content.decode()
            assert len(re.findall(re.escape(why), page)) == 2, "incoming and outgoing"
        assert servers.smtp.taken == []
    for error in (fetching, sending):
        assert told(str(error.value), lambda text: text).words == (
            f"The certificate of 127.0.0.1 is not valid: {WHY[how][1]}"
        )


def answers_of(protocol: str, offers: bool, tls_answer: str) -> Scripted:
    """A server that says it has STARTTLS (or not), and then answers the command so."""

    def imap(line: str) -> str:
        tag, _, command = line.partition(" ")
        if command.upper() == "CAPABILITY":
            named = "IMAP4rev1 STARTTLS" if offers else "IMAP4rev1"
            return f"* CAPABILITY {named}\r\n{tag} OK done\r\n"
        if command.upper() == "STARTTLS":
            return f"{tag} {tls_answer}\r\n"
        return f"{tag} OK welcome\r\n"

    def smtp(line: str) -> str:
        if line.upper().startswith("EHLO"):
            return "250-mail\r\n250-AUTH PLAIN LOGIN\r\n" + (
                "250 STARTTLS\r\n" if offers else "250 HELP\r\n"
            )
        if line.upper() == "STARTTLS":
            return f"{'220 go' if tls_answer.startswith('OK') else '454 not now'}\r\n"
        return "235 welcome\r\n" if line.upper().startswith("AUTH") else "250 OK\r\n"

    if protocol == "imap":
        return Scripted("* OK ready\r\n", imap)
    return Scripted("220 ready\r\n", smtp)


def use(protocol: str, inbox: FakeInbox) -> None:
    if protocol == "imap":
        ImapMailbox(inbox, 3.0)
    else:
        KIND.send(inbox, ENVELOPE)


@pytest.mark.parametrize("protocol", ["imap", "smtp"])
@pytest.mark.parametrize(
    ("mode", "offers", "answer"),
    [
        ("starttls", False, "NO"),  # stripped on the way, or never there
        ("starttls", True, "NO not now"),
        ("starttls", True, "OK begin"),  # and then plain words instead of TLS
        ("tls", True, "OK begin"),  # a plain server at the port of TLS
    ],
)
def test_nothing_goes_plainly_where_encryption_is_set(
    protocol: str, mode: str, offers: bool, answer: str
) -> None:
    with answers_of(protocol, offers, answer) as server:
        inbox = FakeInbox(
            config={
                f"{protocol}_host": "127.0.0.1", f"{protocol}_port": server.port,
                f"{protocol}_tls": mode, f"{protocol}_user": USER,
            },
            password="very-secret-word",
        )  # fmt: skip
        with pytest.raises((PermanentError, TemporaryError)):
            use(protocol, inbox)
    commands = server.heard.upper()
    for plain in (b"LOGIN", b"AUTH", b"MAIL FROM", b"VERY-SECRET", USER.upper().encode()):
        assert plain not in commands


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ("imap", "No connection to 127.0.0.1:{port}: it does not offer encryption (STARTTLS)"),
        (
            "smtp",
            "The SMTP server does not offer what is set: it does not offer encryption (STARTTLS)",
        ),
    ],
)
def test_a_server_without_starttls_is_told_in_words(protocol: str, words: str) -> None:
    with answers_of(protocol, False, "NO") as server:
        config: dict[str, str | int | bool] = {
            f"{protocol}_host": "127.0.0.1", f"{protocol}_port": server.port,
            f"{protocol}_tls": "starttls", f"{protocol}_user": USER,
        }  # fmt: skip
        with pytest.raises((PermanentError, TemporaryError)) as caught:
            use(protocol, FakeInbox(config=config))
    said = told(str(caught.value), lambda text: text).words
    assert said == words.format(port=server.port)
