"""Real mail servers on loopback for tests: pymap (IMAP) as a process, aiosmtpd in a thread."""

from __future__ import annotations

import imaplib
import socket
import ssl
import subprocess
import sys
import time
from asyncio import Transport
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.certificates import Signed
from zabota.channels.contract import NoPermission

USER, PASSWORD = "demouser", "demopass"
START_TIMEOUT = 15.0


def free_port() -> int:
    """A TCP port on loopback that nobody uses now."""
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class FakeInbox:
    """The settings of an inbox (`contract.InboxSettings`) without a database."""

    address: str = "help@company.example"
    config: dict[str, str | int | bool] = field(default_factory=dict)
    password: str = PASSWORD

    def secret(self) -> str:
        """The password in clear."""
        return self.password

    def token(self) -> str:
        """No provider's token opens it."""
        raise NoPermission("The mailbox is not connected to its provider yet.")

    def token_refused(self) -> None:
        """Nothing to forget."""


class ImapServer:
    """One mailbox in memory. UIDVALIDITY is new at every start; UIDs begin at 101.

    With a certificate it offers STARTTLS and takes no password before it.
    """

    def __init__(self, port: int = 0, signed: Signed | None = None) -> None:
        self.host, self.port = "127.0.0.1", port or free_port()
        self._signed = signed
        self._process: subprocess.Popen[bytes] | None = None

    def config(self) -> dict[str, str | int | bool]:
        """The keys an inbox needs to read from here."""
        return {
            "imap_host": self.host,
            "imap_port": self.port,
            "imap_tls": "none",
            "imap_user": USER,
        }

    def start(self) -> Self:
        """Start, and wait until logging in works; raises RuntimeError after 15 s."""
        program = str(Path(sys.executable).with_name("pymap"))
        self._process = subprocess.Popen(
            [program, "--host", self.host, "--port", str(self.port), *self._tls(), "dict"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            try:
                self.client().logout()
                return self
            except (OSError, imaplib.IMAP4.error):
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
        self.stop()
        raise RuntimeError("pymap did not start")

    def _tls(self) -> list[str]:
        if self._signed is None:
            return ["--no-tls"]
        return ["--cert", str(self._signed.certificate), "--key", str(self._signed.key)]

    def stop(self) -> None:
        """Stop at once; all mail is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self) -> imaplib.IMAP4:
        """A logged-in connection of another mail program."""
        client = imaplib.IMAP4(self.host, self.port, timeout=10)
        if self._signed is not None:
            client.starttls(ssl._create_unverified_context())
        client.login(USER, PASSWORD)
        return client

    def append(
        self, raw: bytes, folder: str = "INBOX", moment: datetime | None = None, flags: str = ""
    ) -> None:
        """Deliver `raw` into `folder`, dated `moment` (aware, now by default)."""
        client = self.client()
        stamp = imaplib.Time2Internaldate(moment or datetime.now(UTC))
        typ, data = client.append(folder, flags, stamp, raw)
        client.logout()
        assert typ == "OK", data

    def create(self, folder: str) -> None:
        """Make a folder (name in modified UTF-7)."""
        client = self.client()
        typ, data = client.create(folder)
        client.logout()
        assert typ == "OK", data

    def messages(self, folder: str = "INBOX") -> list[tuple[str, bytes]]:
        """Flags and raw bytes of every message of `folder`."""
        client = self.client()
        client.select(folder, readonly=True)
        typ, data = client.fetch("1:*", "(FLAGS BODY.PEEK[])") if self._any(client) else ("OK", [])
        client.logout()
        assert typ == "OK", data
        return [(item[0].decode(), item[1]) for item in data if isinstance(item, tuple)]

    def _any(self, client: imaplib.IMAP4) -> bool:
        _, found = client.search(None, "ALL")
        return bool(found and found[0])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


@dataclass(frozen=True)
class Taken:
    """A mail the SMTP server took."""

    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes


Script = Callable[[str], str]


class SmtpServer:
    """Collects mails in `taken`. Its answers are scripted before or between mails.

    `sender`, `recipient` and `data` map the address (for `data` the first recipient) to an answer
    like "451 later"; "" means yes. `drop_after_data` = n: the next n times the mail is taken and
    the connection cut before the answer; `lose_after_data` cuts
    as well, but nothing was taken. With a certificate it demands STARTTLS before anything else.
    """

    def __init__(
        self, port: int = 0, user: str = "", password: str = "", signed: Signed | None = None
    ) -> None:
        self.host, self.port = "127.0.0.1", port or free_port()
        self.taken: list[Taken] = []
        self.sender: Script = lambda address: ""
        self.recipient: Script = lambda address: ""
        self.data: Script = lambda address: ""
        self.drop_after_data = 0
        self.lose_after_data = 0
        self._login = (user, password)
        self._signed = signed
        self._controller: Controller | None = None

    def config(self) -> dict[str, str | int | bool]:
        """The keys an inbox needs to send through here."""
        return {
            "smtp_host": self.host,
            "smtp_port": self.port,
            "smtp_tls": "none",
            "smtp_user": self._login[0],
        }

    def start(self) -> Self:
        """Listen."""
        options: dict[str, Any] = {}
        if self._login[0]:
            options = {
                "authenticator": self._authenticate,
                "auth_required": True,
                "auth_require_tls": self._signed is not None,
            }
        if self._signed is not None:
            options |= {"tls_context": self._signed.context(), "require_starttls": True}
        self._controller = Controller(
            self, hostname=self.host, port=self.port, enable_SMTPUTF8=True, **options
        )
        self._controller.start()
        return self

    def stop(self) -> None:
        """Stop listening; `taken` stays."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        given = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self._login, handled=False)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer MAIL FROM."""
        if answer := self.sender(address):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer RCPT TO."""
        if answer := self.recipient(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the mail, or behave as scripted."""
        assert isinstance(server.transport, Transport)
        if self.lose_after_data:
            self.lose_after_data -= 1
            server.transport.abort()
            return "421 gone"
        if answer := self.data(envelope.rcpt_tos[0]):
            return answer
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        self.taken.append(Taken(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw))
        if self.drop_after_data:
            self.drop_after_data -= 1
            server.transport.abort()
        return "250 taken"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
