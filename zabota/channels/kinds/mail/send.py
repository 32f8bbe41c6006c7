"""One mail to an SMTP server, with every failure told apart: later, never, or nobody knows."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from zabota.channels.contract import (
    Envelope,
    InboxSettings,
    PermanentError,
    Receipt,
    TemporaryError,
    UncertainError,
    Unreachable,
)
from zabota.channels.kinds.mail import xoauth2
from zabota.channels.kinds.mail.compose import needs_utf8

TIMEOUT = 30.0  # seconds to connect and for each answer
# RFC 5321 §4.5.3.2.6 grants the server ten minutes after the final dot; cutting it short makes
# a doubt out of every slow virus scan.
DATA_TIMEOUT = 300.0
_DOT = re.compile(rb"(?m)^\.")
_LINE_END = re.compile(rb"\r\n|\r|\n")


def send(inbox: InboxSettings, envelope: Envelope, mail: bytes) -> Receipt:
    """Hand `mail` to the SMTP server of `inbox`; tells which recipients were refused.

    Raises Unreachable (no connection, or the server lets nobody in now), TemporaryError (network,
    4xx), PermanentError (5xx, wrong password, bad certificate, every addressee refused) or
    UncertainError (connection lost after the whole mail was handed over).
    """
    with connection(inbox) as smtp:
        options = ["SMTPUTF8", "BODY=8BITMIME"] if needs_utf8(envelope) else []
        if options and not smtp.has_extn("smtputf8"):
            raise PermanentError("The server does not take addresses with letters beyond ASCII.")
        _check(smtp.mail(_ascii_domain(envelope.mail_from), options), "the sender")
        refused = _recipients(smtp, envelope)
        _check(smtp.docmd("DATA"), "the message", wanted=354)
        _hand_over(smtp, mail)
        return Receipt(refused=tuple(refused.items()))


@contextmanager
def connection(inbox: InboxSettings, timeout: float = TIMEOUT) -> Iterator[smtplib.SMTP]:
    """A greeted and logged-in connection; network errors before become Unreachable, those after
    TemporaryError."""
    config = inbox.config
    host, port = str(config.get("smtp_host") or ""), int(config.get("smtp_port") or 0)
    mode = str(config.get("smtp_tls") or "none")
    if not host:
        raise PermanentError("No SMTP server is set for this inbox.")
    name = _ascii_domain(inbox.address).rpartition("@")[2] or "localhost"
    user = str(config.get("smtp_user") or "")
    token = inbox.token() if user and xoauth2.is_used(inbox) else ""
    smtp: smtplib.SMTP | None = None
    later: type[TemporaryError] = Unreachable
    try:
        if mode == "tls":
            context = ssl.create_default_context()
            smtp = smtplib.SMTP_SSL(host, port, name, timeout=timeout, context=context)
        else:
            smtp = smtplib.SMTP(host, port, name, timeout=timeout)
        _introduce(smtp, inbox, mode, user, token)
        later = TemporaryError
        yield smtp
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
    except smtplib.SMTPAuthenticationError as error:
        if token:
            # The next try has another token; the mail itself is all right.
            inbox.token_refused()
            said = f"{error.smtp_code} {_text(error.smtp_error)}"
            raise TemporaryError(f"The SMTP server refused the access token: {said}") from error
        _refuse(error.smtp_code, error.smtp_error, "name or password", error, later)
    except smtplib.SMTPResponseException as error:
        _refuse(error.smtp_code, error.smtp_error, "the connection", error, later)
    except smtplib.SMTPNotSupportedError as error:
        raise PermanentError(f"The SMTP server does not offer what is set: {error}") from error
    except ssl.SSLCertVerificationError as error:
        raise PermanentError(
            f"The certificate of {host} is not valid: {error.verify_message}"
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise later(f"No connection to {host}:{port}: {error}") from error
    finally:
        if smtp is not None:
            smtp.close()


def _introduce(smtp: smtplib.SMTP, inbox: InboxSettings, mode: str, user: str, token: str) -> None:
    smtp.ehlo_or_helo_if_needed()
    if mode == "starttls":
        smtp.starttls(context=ssl.create_default_context())
        smtp.ehlo()
    if token:
        smtp.auth("XOAUTH2", xoauth2.Answers(user, token).smtp)
    elif user:
        smtp.login(user, inbox.secret())


def _text(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:300]


def _refuse(
    code: int,
    answer: bytes | str,
    what: str,
    cause: BaseException | None = None,
    later: type[TemporaryError] = TemporaryError,
) -> None:
    kind = PermanentError if 500 <= code <= 599 else later
    raise kind(f"The SMTP server refused {what}: {code} {_text(answer)}") from cause


def _check(answer: tuple[int, bytes], what: str, wanted: int = 250) -> None:
    code, text = answer
    if code != wanted:
        _refuse(code, text, what)


def _recipients(smtp: smtplib.SMTP, envelope: Envelope) -> dict[str, str]:
    """Name the recipients; what was refused. Raises when no addressee (To) is left."""
    refused: dict[str, str] = {}
    codes: list[int] = []
    for address in dict.fromkeys(person.email for person in (*envelope.to, *envelope.cc)):
        code, answer = smtp.rcpt(_ascii_domain(address))
        if code not in (250, 251):
            refused[address] = f"{code} {_text(answer)}"
            codes.append(code)
    addressees = envelope.to or envelope.cc
    if not addressees or all(person.email in refused for person in addressees):
        with suppress(smtplib.SMTPException, OSError):
            smtp.rset()
        said = "; ".join(f"{address}: {reason}" for address, reason in refused.items())
        kind = TemporaryError if any(code < 500 for code in codes) else PermanentError
        raise kind(f"The SMTP server refused the recipient: {said or 'there is none'}")
    return refused


def _ascii_domain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    with suppress(UnicodeError):
        domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    return local + at + domain


def _hand_over(smtp: smtplib.SMTP, mail: bytes) -> None:
    """Send the mail itself. Until the final dot is out, nothing was taken; after it, who knows."""
    data = _DOT.sub(b"..", _LINE_END.sub(b"\r\n", mail))
    data += b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n"
    smtp.send(data)
    if isinstance(smtp.sock, socket.socket):
        smtp.sock.settimeout(DATA_TIMEOUT)
    try:
        answer = smtp.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise UncertainError(
            "The connection broke after the message was handed over; it may have been taken."
        ) from error
    _check(answer, "the message")
