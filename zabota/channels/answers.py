"""What a mail server, or the network before it, said: the class of it, in the reader's words.

Texts come first, because many servers give one code to everything: 5.7.1 is spam, a wrong sender
and, at Yandex, an unknown user. Then the codes of RFC 3463 (and of the registry it founded) and
those of IMAP (RFC 5530).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from django.utils.translation import gettext_noop


@dataclass(frozen=True)
class Answer:
    """A class of answers. `texts` are expressions; `codes` are enhanced status codes without their
    first digit ("1.1" for 4.1.1 and 5.1.1), or with it, or IMAP codes. `is_theirs`: the address or
    mailbox written to is the reason, nothing on our side."""

    name: str
    words: str
    texts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    is_theirs: bool = False


# The first that fits wins: what is narrower stands above what is wider.
ANSWERS = (
    Answer(
        "consent",
        gettext_noop("the permission has ended or was taken back: connect the mailbox anew"),
        (r"\b(invalid_grant|interaction_required|consent_required|access_denied)\b",),
    ),
    Answer(
        "application",
        gettext_noop(
            "it does not know the application: check client ID and secret (the secret may have "
            "ended)"
        ),
        (r"\b(invalid_client|unauthorized_client)\b",),
    ),
    Answer(
        "app_password",
        gettext_noop("it wants an app password, made in the settings of the mail provider"),
        (r"app(lication)?[- ]specific password", r"app(lication)? password"),
        ("5.7.9",),
    ),
    Answer(
        "programs_off",
        gettext_noop("mail programs may not use this mailbox: allow IMAP and SMTP in its settings"),
        (
            r"SmtpClientAuthentication is disabled",
            r"does not have access rights to this service",
            r"(imap|smtp|pop3?)( access)? is (disabled|not enabled|turned off)",
            r"log in (via|with) your web browser",
        ),
        ("5.7.139",),
    ),
    Answer(
        "tls_needed",
        gettext_noop("it wants an encrypted connection (TLS)"),
        (
            r"(must|should) (issue|use|start).{0,20}(STARTTLS|TLS|SSL)",
            r"(STARTTLS|TLS|SSL|encryption) (is )?(required|needed)",
            r"plaintext authentication (is )?disallowed",
        ),
        ("5.7.10", "5.7.11", "PRIVACYREQUIRED"),
    ),
    Answer(
        "login",
        gettext_noop("the name or password is wrong"),
        (
            r"authentication (failed|failure|credentials invalid|unsuccessful)",
            r"invalid (login|credentials|user ?name|password)",
            r"(user ?name|login|password).{0,30}(not accepted|incorrect|invalid)",
            r"(bad|wrong|incorrect) (login|password|user ?name|credentials)",
            r"login (failed|failure|denied)",
        ),
        ("5.7.8", "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"),
    ),
    Answer(
        "connections",
        gettext_noop("there are too many connections at once"),
        (r"too many (\w+ )?(connections|sessions)", r"connection (limit|rate).{0,20}exceed"),
        ("7.28",),
    ),
    Answer(
        "grey",
        gettext_noop("it takes the mail at a later try only (greylisting)"),
        (r"gr[ae]y-?list", r"postgrey"),
        ("4.7.1",),
        is_theirs=True,
    ),
    Answer(
        "relay",
        gettext_noop("it does not forward our mail: check server, name and password for sending"),
        (
            r"relay(ing)? (access )?(denied|not (permitted|allowed)|prohibited)",
            r"unable to relay",
            r"not permitted to relay",
            r"authentication (is )?required",
        ),
        ("5.7.0",),
    ),
    Answer(
        "sender",
        gettext_noop("this account may not send from this address"),
        (
            r"not owned by (the )?(auth|user)",
            r"sender address rejected",
            r"(sender|from).{0,40}(not allowed|not authori[sz]ed|mismatch)",
            r"SendAsDenied",
        ),
        ("1.7", "1.8", "5.7.60"),
    ),
    Answer(
        "domain_trust",
        gettext_noop("it does not trust the sender's domain: check SPF, DKIM and DMARC"),
        (r"\b(SPF|DKIM|DMARC)\b", r"unauthenticated (e?mail|sender)"),
        ("7.20", "7.23", "7.25", "7.26", "7.27", "7.29", "7.30", "7.515"),
    ),
    Answer(
        "limit",
        gettext_noop("the limit of sending is reached"),
        (
            r"(sending|message|recipient|hourly|daily|rate).{0,30}(limit|quota).{0,20}exceed",
            r"exceed\w*.{0,40}(sending|hourly|daily|rate).{0,20}(limit|quota)",
            r"too many (messages|recipients|mails)",
            r"sending rate",
        ),
        ("4.5", "5.3"),
    ),
    Answer(
        "unknown",
        gettext_noop("there is no such address"),
        (
            r"(user|recipient|mailbox|address|account|addressee) (is )?(unknown|not found)",
            r"(user|recipient|mailbox|address|account).{0,30}(does not|doesn't|not) exist",
            r"(unknown|no such|invalid) (\w+ )?(user|recipient|mailbox|address|account|person)",
            r"RecipientNotFound",
            r"is not a (known|valid) (user|recipient)",
        ),
        ("1.1", "1.3", "1.6", "1.10", "5.4.1"),
        is_theirs=True,
    ),
    Answer(
        "closed",
        gettext_noop("the mailbox is closed"),
        (
            r"(mailbox|account|user|address).{0,20}(disabled|terminated|inactive|suspended|blocked)",
            r"is no longer (active|available|valid)",
        ),
        ("2.1",),
        is_theirs=True,
    ),
    Answer(
        "full",
        gettext_noop("the mailbox is full"),
        (
            r"(mailbox|inbox|mail ?box|user|account).{0,30}(is )?(full|over ?quota|out of storage)",
            r"over ?quota",
            r"quota (is )?exceeded",
            r"exceed\w*.{0,30}(storage|mailbox).{0,20}(quota|limit|allocation)",
        ),
        ("2.2", "OVERQUOTA"),
        is_theirs=True,
    ),
    Answer(
        "large",
        gettext_noop("the message is too large"),
        (
            r"(message|mail|size).{0,30}(too (large|big)|exceed\w*.{0,40}size)",
            r"(message )?size (exceeds|limit)",
        ),
        ("2.3", "3.4"),
        is_theirs=True,
    ),
    Answer(
        "domain",
        gettext_noop("no mail server takes mail for this domain"),
        (
            r"domain.{0,20}(not found|does not exist|doesn't exist|not accept)",
            r"host( or domain)? name not found",
            r"null MX",
        ),
        ("1.2", "4.4", "1.10", "7.27"),
        is_theirs=True,
    ),
    Answer(
        "storage",
        gettext_noop("the server has no space left"),
        (r"insufficient (system|disk) (storage|space)", r"no space left"),
        ("3.1",),
    ),
    Answer(
        "policy",
        gettext_noop("its rules forbid the mail, for instance as spam"),
        (
            r"\bspam\b",
            r"unsolicited",
            r"black ?list|block ?list|blocked using",
            r"(by|of|to) (\w+ )?(policy|reputation)",
            r"virus",
            r"(message|content|mail) (was )?rejected",
        ),
        ("7.1", "7.7", "7.512", "7.606", "6.0"),
        is_theirs=True,
    ),
    Answer(
        "in_use",
        gettext_noop("another program holds the mailbox"),
        (),
        ("INUSE",),
    ),
    Answer(
        "no_folder",
        gettext_noop("there is no such folder"),
        (r"(unknown mailbox|mailbox doesn't exist|no such mailbox|folder not found)",),
        ("NONEXISTENT", "TRYCREATE"),
    ),
    Answer(
        "busy",
        gettext_noop("the server is busy or being serviced"),
        (
            r"(service|server|temporarily) (is )?(not available|unavailable|busy)",
            r"try again later",
            r"temporary (\w+ )?failure(?! in name)",
        ),
        ("3.0", "3.2", "4.2", "4.3.5", "UNAVAILABLE", "SERVERBUG", "LIMIT"),
    ),
    # The network and TLS, in the words of Python, OpenSSL and the C library.
    Answer(
        "refused",
        gettext_noop("nothing answers at this port"),
        (r"connection refused",),
    ),
    Answer(
        "silent",
        gettext_noop("the server did not answer in time"),
        (r"timed? ?out",),
    ),
    Answer(
        "no_host",
        gettext_noop("there is no server of this name, or names cannot be looked up now"),
        (
            r"name or service not known",
            r"nodename nor servname",
            r"name resolution",
            r"no address associated",
            r"getaddrinfo",
        ),
    ),
    Answer(
        "no_way",
        gettext_noop("the network has no way to the server"),
        (r"no route to host", r"(network|host) is (unreachable|down)"),
    ),
    Answer(
        "not_offered",
        gettext_noop("it does not offer encryption (STARTTLS)"),
        (
            r"STARTTLS extension not supported",
            r"TLS not supported",
            r"STARTTLS.{0,20}not (supported|available|offered)",
        ),
    ),
    Answer(
        "no_tls",
        gettext_noop("no encrypted connection can be made at this port"),
        (r"WRONG_VERSION_NUMBER", r"\bSSL: (?!CERTIFICATE)\w+", r"handshake", r"EOF occurred"),
    ),
    Answer(
        "certificate_name",
        gettext_noop("it is made out to another name"),
        (r"hostname mismatch", r"(hostname|IP address).{0,80}(doesn't match|not valid for)"),
    ),
    Answer(
        "certificate_age",
        gettext_noop("it has expired, or the clock here is wrong"),
        (r"certificate has expired", r"not yet valid"),
    ),
    Answer(
        "certificate_issuer",
        gettext_noop("nobody whom this machine trusts has signed it"),
        (r"self[- ]signed certificate", r"unable to get (local )?issuer", r"unable to verify"),
    ),
    Answer(
        "broken",
        gettext_noop("the connection broke"),
        (
            r"connection (was )?(reset|aborted|closed|lost)",
            r"(unexpectedly|socket error|broken pipe)",
            r"\bEOF\b",
        ),
    ),
)
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3}\.\d{1,3})(?![\d.])")
_IMAP = re.compile(r"\[([A-Z]{4,})\b")
# Codes of IMAP that leave no doubt, whatever is written behind them.
_PLAIN = frozenset({"INUSE", "NONEXISTENT", "OVERQUOTA", "PRIVACYREQUIRED", "UNAVAILABLE"})
# Who is refused, in an answer to RCPT: "address: 550 …".
ADDRESSED = re.compile(r"([^\s:;]+@[^\s:;]+): (\d{3}\b.*)", re.DOTALL)
_NEXT = re.compile(r"; (?=[^\s:;]+@[^\s:;]+: \d{3}\b)")


def class_of(answer: str) -> Answer | None:
    """The class of one answer; None when it is none of the known."""
    status, imap = _STATUS.search(answer), _IMAP.search(answer)
    if imap and imap[1] in _PLAIN:
        return _codes()[imap[1]]
    for known, pattern in _texts():
        if pattern.search(answer):
            return known
    codes = [f"{status[1]}.{status[2]}", status[2]] if status else []
    for code in [*codes, *([imap[1]] if imap else [])]:
        if code in _codes():
            return _codes()[code]
    return None


def parts(answer: str) -> list[str]:
    """An answer about several recipients, one by one."""
    return _NEXT.split(answer)


@cache
def _texts() -> tuple[tuple[Answer, re.Pattern[str]], ...]:
    return tuple(
        (one, re.compile("|".join(one.texts), re.IGNORECASE)) for one in ANSWERS if one.texts
    )


@cache
def _codes() -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    for one in ANSWERS:
        for code in one.codes:
            found.setdefault(code, one)
    return found
