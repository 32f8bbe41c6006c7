"""The result of trying a mailbox, and a stored error of the fetch process, in plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from zabota.channels import answers
from zabota.channels.kinds.mail.check import Report, Step
from zabota.channels.models import Inbox

DONE = {
    ("imap", "connect"): gettext_lazy("The incoming server answers."),
    ("imap", "tls"): gettext_lazy(
        "The connection to it is encrypted and its certificate is valid."
    ),
    ("imap", "login"): gettext_lazy("It accepts the name and password."),
    ("smtp", "connect"): gettext_lazy("The outgoing server answers."),
    ("smtp", "tls"): gettext_lazy(
        "The connection to it is encrypted and its certificate is valid."
    ),
    ("smtp", "login"): gettext_lazy("It accepts the name and password for sending."),
}
TROUBLE = {
    "dns": gettext_lazy("There is no server with this name. Check the spelling."),
    "refused": gettext_lazy("The server refuses connections at this port. Check the port."),
    "timeout": gettext_lazy(
        "The server did not answer in time. Check name, port and the firewall."
    ),
    "network": gettext_lazy(
        "The server cannot be reached from here. Check name, port and network."
    ),
    "broken": gettext_lazy(
        "Something answers there, but not as a mail server should. Check the port."
    ),
    "certificate": gettext_lazy(
        "The server's certificate is not valid, so it may not be the real one."
    ),
    "tls": gettext_lazy("No encryption at this port. Choose another encryption or another port."),
    "not_offered": gettext_lazy(
        "The server does not offer what is set. Choose another encryption."
    ),
    "login": gettext_lazy("The server does not accept the name or password."),
    "permission": gettext_lazy(
        "The mailbox is not connected to its provider, or the permission was lost: connect it."
    ),
    "provider": gettext_lazy("The provider cannot be asked for the permission now."),
    "token": gettext_lazy(
        "The server does not take the permission for this mailbox. Is it the right account?"
    ),
    "later": gettext_lazy(
        "The server does not let us in at the moment. Try again in some minutes."
    ),
    "refused_command": gettext_lazy("The server let us in but does not show its folders."),
    "key": gettext_lazy("The stored password cannot be read any more. Type it again."),
}
# What the fetch process and the outbox write down, see channels/kinds/mail.
STORED = (
    (r"gives no permission|not connected to its provider", "permission"),
    (r"for the permission|renews the permission", "provider"),
    (r"refused the access token", "token"),
    (r"refused the name or password", "login"),
    (r"does not let us in now", "later"),
    (r"certificate", "certificate"),
    (r"STARTTLS|TLS not supported", "not_offered"),
    (r"secret key", "key"),
    (r"Name or service not known|nodename|name resolution|getaddrinfo", "dns"),
    (r"refused\b", "refused"),
    (r"timed out|timeout", "timeout"),
    (r"No connection to|connection broke|closed the connection", "network"),
)


@dataclass(frozen=True)
class Line:
    """One line of the result; `tone`: ok, warn or late."""

    tone: str
    text: str
    detail: str = ""


def lines(report: Report, inbox: Inbox) -> list[Line]:
    """The result step by step, with a warning where a password travels readable."""
    found = [_line(step, len(report.folders)) for step in report.steps]
    for protocol in ("imap", "smtp"):
        if str(inbox.config.get(f"{protocol}_tls")) == "none" and not _failed(report, protocol):
            found.append(Line("warn", _readable(protocol)))
    return found


def plain(error: str) -> str:
    """A stored technical error in words; '' for none."""
    for pattern, trouble in STORED:
        if error and re.search(pattern, error, re.IGNORECASE):
            return _words(trouble, error)
    return _("The mailbox could not be read.") if error else ""


def _line(step: Step, folders: int) -> Line:
    if step.trouble:
        where = _("Incoming mail") if step.protocol == "imap" else _("Outgoing mail")
        return Line("late", f"{where}: {_words(step.trouble, step.detail)}", step.detail)
    if step.name == "folders":
        text = ngettext("It has %(num)d folder.", "It has %(num)d folders.", folders)
        return Line("ok", text % {"num": folders})
    return Line("ok", str(DONE[step.protocol, step.name]))


def _words(trouble: str, detail: str) -> str:
    """What is wrong; of a certificate also why, for what to do depends on it."""
    why = answers.class_of(detail) if trouble == "certificate" else None
    if why is None:
        return str(TROUBLE[trouble])
    text = _("The server's certificate is not valid: %(why)s. It may not be the real server.")
    return text % {"why": _(why.words)}


def _failed(report: Report, protocol: str) -> bool:
    return any(step.protocol == protocol and step.trouble for step in report.steps)


def _readable(protocol: str) -> str:
    if protocol == "imap":
        return _("Incoming mail is not encrypted: password and mails can be read on the way.")
    return _("Outgoing mail is not encrypted: password and mails can be read on the way.")
