"""Trying the settings of an inbox: which steps work, and what is wrong with the first bad one."""

from __future__ import annotations

import imaplib
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDone
from dataclasses import dataclass

from zabota.channels.contract import (
    InboxSettings,
    NoPermission,
    PermanentError,
    TemporaryError,
)
from zabota.channels.kinds.mail import send, xoauth2
from zabota.channels.kinds.mail.fetch import ImapMailbox
from zabota.lib.crypto import WrongKey

TIMEOUT = 4.0  # seconds to connect and for each answer
WHOLE = 9.0  # seconds for everything: a person waits before the page
STAGES = {"connect": 0, "tls": 1, "login": 2, "folders": 3}


@dataclass(frozen=True)
class Step:
    """One step: `protocol` imap or smtp, `name` one of STAGES.

    `trouble` is '' when it worked; `detail` the technical words, in English.
    """

    protocol: str
    name: str
    trouble: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """What was tried, in order; a protocol ends at its first trouble. `folders`: the server's."""

    steps: tuple[Step, ...]
    folders: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Mail can be fetched and sent with these settings."""
        return not any(step.trouble for step in self.steps)


def check(inbox: InboxSettings) -> Report:
    """Connect to both servers at once and log in; sends and changes nothing; never raises.

    Takes WHOLE seconds at most; what is not answered until then counts as a time-out. (Before
    that, a provider may be asked for a token.)
    """
    inbox = _with_token(inbox)
    pool = ThreadPoolExecutor(max_workers=2)
    try:
        reading, sending = pool.submit(_imap, inbox), pool.submit(_smtp, inbox)
        deadline = time.monotonic() + WHOLE
        fetched = _outcome(reading, "imap", deadline)
        sent = _outcome(sending, "smtp", deadline)
        return Report(fetched.steps + sent.steps, fetched.folders)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def list_folders(inbox: InboxSettings) -> Report:
    """As `check`, for the IMAP server alone."""
    inbox = _with_token(inbox)
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        return _outcome(pool.submit(_imap, inbox), "imap", time.monotonic() + WHOLE)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class _Ready:
    """Settings with the token got beforehand: the threads that try must not use the database."""

    address: str
    config: dict[str, str | int | bool]
    secret: Callable[[], str]
    given: str
    error: Exception | None

    def token(self) -> str:
        if self.error is not None:
            raise self.error
        return self.given

    def token_refused(self) -> None:
        """Told afterwards by whoever fetches."""


def _with_token(inbox: InboxSettings) -> InboxSettings:
    if not xoauth2.is_used(inbox):
        return inbox
    given, error = "", None
    try:
        given = inbox.token()
    except (TemporaryError, WrongKey) as trouble:
        error = trouble
    return _Ready(inbox.address, inbox.config, inbox.secret, given, error)


def _outcome(future: Future[Report], protocol: str, deadline: float) -> Report:
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except NotDone:
        return Report((Step(protocol, "connect", "timeout"),))


def _imap(inbox: InboxSettings) -> Report:
    names: tuple[str, ...] = ()

    def work() -> None:
        nonlocal names
        mailbox = ImapMailbox(inbox, TIMEOUT)
        try:
            names = tuple(mailbox.folders())
        finally:
            mailbox.close()

    steps = _tried("imap", str(inbox.config.get("imap_tls") or "none"), ("folders",), work)
    return Report(steps, names)


def _smtp(inbox: InboxSettings) -> Report:
    def work() -> None:
        with send.connection(inbox, TIMEOUT) as smtp:
            smtp.noop()

    mode = str(inbox.config.get("smtp_tls") or "none")
    steps = _tried("smtp", mode, (), work)
    if not inbox.config.get("smtp_user"):
        steps = tuple(step for step in steps if step.name != "login")
    return Report(steps)


def _tried(
    protocol: str, mode: str, more: tuple[str, ...], work: Callable[[], None]
) -> tuple[Step, ...]:
    stages = ["connect", *(["tls"] if mode != "none" else []), "login", *more]
    try:
        work()
    except (TemporaryError, PermanentError, WrongKey, ValueError) as error:
        stage, trouble = _trouble(error)
        done = [Step(protocol, name) for name in stages if STAGES[name] < STAGES[stage]]
        return (*done, Step(protocol, stage, trouble, str(error)[:300]))
    return tuple(Step(protocol, name) for name in stages)


def _trouble(error: Exception) -> tuple[str, str]:
    """Stage and trouble of a failed connection, from the error beneath it."""
    cause = error.__cause__ or error
    table: tuple[tuple[type[BaseException], str, str], ...] = (
        (WrongKey, "login", "key"),
        (socket.gaierror, "connect", "dns"),
        (ConnectionRefusedError, "connect", "refused"),
        (TimeoutError, "connect", "timeout"),
        (ssl.SSLCertVerificationError, "tls", "certificate"),
        (ssl.SSLError, "tls", "tls"),
        (smtplib.SMTPNotSupportedError, "tls", "not_offered"),
        (smtplib.SMTPAuthenticationError, "login", "login"),
        (imaplib.IMAP4.abort, "connect", "broken"),
        (smtplib.SMTPException, "connect", "broken"),
        (OSError, "connect", "network"),
        (UnicodeError, "connect", "dns"),
        (ValueError, "tls", "tls"),  # STARTTLS at the port of TLS
    )
    text = str(error)
    if isinstance(error, NoPermission):
        return "connect", "permission"
    if "for the permission" in text:
        return "connect", "provider"
    if "refused the access token" in text:
        return "login", "token"
    if "TLS not supported" in text:
        return "tls", "not_offered"
    if "timed out" in text:
        # smtplib hides the time-out of the greeting in its own error.
        return "connect", "timeout"
    for kind, stage, trouble in table:
        if isinstance(cause, kind):
            return stage, trouble
    if text.startswith("The IMAP server"):
        return "folders", "refused_command"
    if isinstance(error, PermanentError) and "refused the name or password" in text:
        return "login", "login"
    return ("login", "later") if isinstance(error, TemporaryError) else ("connect", "network")
