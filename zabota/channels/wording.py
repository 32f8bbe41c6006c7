"""What channels write down in technical English, in the reader's words.

Repairs, signs of robots and errors of servers are stored as facts, whoever will read them; the
screens translate them here. What a server itself said is put in words where its class is known
(answers.py), and stands as it said it beside them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from django.utils.translation import gettext, gettext_noop

from zabota.channels import answers

# The first that fits wins: what is narrower stands above what is wider.
SENTENCES = (
    # Signs of a robot, see kinds/mail/robots.py
    gettext_noop("From is a no-reply address"),
    gettext_noop("From is %(name)s"),
    gettext_noop("Return-Path is <>"),
    gettext_noop("null Return-Path or Auto-Submitted, with the subject of a bounce"),
    gettext_noop("subject and words of a bounce"),
    gettext_noop("a delivery status stands in it"),
    gettext_noop("a feedback report"),
    gettext_noop("subject of an automatic reply"),
    gettext_noop("%(name)s is present"),
    # Repairs, see kinds/mail/mime.py, parts.py, charsets.py and headers.py
    gettext_noop("no Message-ID"),
    gettext_noop("no Date"),
    gettext_noop("absurd Date: %(given)s"),
    gettext_noop("Date not understood: %(given)s"),
    gettext_noop("no sender address"),
    gettext_noop("no address in From: taken from %(name)s"),
    gettext_noop("body longer than %(count)s characters: the rest is only in the original"),
    gettext_noop("more than %(count)s nested parts: the inner ones are one file"),
    gettext_noop("more than %(count)s parts: the rest is only in the original"),
    gettext_noop("%(kind)s without usable boundary: read as text"),
    gettext_noop("unknown transfer encoding %(name)s: taken as it is"),
    gettext_noop("attachment %(number)s has %(size)s bytes, more than %(limit)s: not kept"),
    gettext_noop("files taken out of winmail.dat"),
    gettext_noop("charset %(name)s is wrong"),
    gettext_noop("charset %(name)s is unknown"),
    gettext_noop("no charset declared"),
    gettext_noop("byte order mark"),
    gettext_noop("read as %(name)s with replacements"),
    gettext_noop("read as %(name)s by its statistics"),
    gettext_noop("read as %(name)s"),
    # Why a message waits in quarantine
    gettext_noop("No sender: the mail has neither From nor Reply-To nor Sender."),
    gettext_noop("Zabota met an error of its own in this mail: %(error)s"),
    # Errors of the outbox and of kinds/mail/send.py
    gettext_noop("There is no inbox to send from. Add one under Settings, Inboxes."),
    gettext_noop("The inbox %(address)s is switched off."),
    gettext_noop("An error of our own stopped the sending: %(error)s"),
    gettext_noop("No SMTP server is set for this inbox."),
    gettext_noop("The server does not take addresses with letters beyond ASCII."),
    gettext_noop("The SMTP server does not offer what is set: %(answer)s"),
    gettext_noop("The SMTP server refused the recipient: %(answer)s"),
    gettext_noop("The SMTP server refused the sender: %(answer)s"),
    gettext_noop("The SMTP server refused the message: %(answer)s"),
    gettext_noop("The SMTP server refused the connection: %(answer)s"),
    gettext_noop("The SMTP server refused name or password: %(answer)s"),
    gettext_noop("The connection broke after the message was handed over; it may have been taken."),
    gettext_noop("The receiver's server answered %(answer)s"),
    # The permission of a provider, see permission.py and providers.py
    gettext_noop("The mailbox is not connected to its provider yet."),
    gettext_noop("Another process renews the permission of the mailbox."),
    gettext_noop("%(host)s gives no permission for the mailbox: %(answer)s"),
    gettext_noop("%(host)s cannot be asked for the permission: %(answer)s"),
    gettext_noop("The SMTP server refused the access token: %(answer)s"),
    gettext_noop("%(host)s refused the access token of %(user)s: %(answer)s"),
    # Errors of the fetch process and of kinds/mail/fetch.py
    gettext_noop("No IMAP server is set for this inbox."),
    gettext_noop(
        "A stored secret cannot be read: the secret key is not the one it was stored with. "
        "Restore keys/secret in the data folder (or ZABOTA_SECRET_KEY), or enter it anew."
    ),
    gettext_noop("The IMAP server closed the connection."),
    gettext_noop("The IMAP server answered %(answer)s"),
    gettext_noop("The IMAP connection broke: %(answer)s"),
    gettext_noop("Message %(number)s of %(folder)s could not be read; trying again."),
    gettext_noop("The certificate of %(host)s is not valid: %(answer)s"),
    gettext_noop("No connection to %(host)s: %(answer)s"),
    gettext_noop("%(host)s does not let us in now: %(answer)s"),
    gettext_noop("%(host)s refused the name or password of %(user)s: %(answer)s"),
)
_GAP = re.compile(r"%\((\w+)\)s")
# What kinds/mail/send.py says when the server was reached and takes mail, but not this one.
_REFUSED = ("The SMTP server refused the recipient: ", "The SMTP server refused the message: ")
# An answer that was stored without a sentence of ours before it.
_BARE = re.compile(r"\d{3}[ -].+", re.DOTALL)


@dataclass(frozen=True)
class Told:
    """`words` for the reader; `original`: what the server said, '' when it is part of `words`."""

    words: str
    original: str = ""


def told(stored: str, translate: Callable[[str], str] = gettext) -> Told:
    """`stored` in the language of `translate`, with the server's own answer apart from it."""
    for pattern, sentence in _patterns():
        if found := pattern.fullmatch(stored):
            gaps = found.groupdict()
            words = _answer_in_words(gaps.get("answer", ""), translate)
            original = gaps["answer"] if words else ""
            return Told(
                translate(sentence) % (gaps | ({"answer": words} if words else {})), original
            )
    if _BARE.fullmatch(stored) or answers.ADDRESSED.fullmatch(stored):
        words = _answer_in_words(stored, translate)
        return Told(words, stored) if words else Told(stored)
    return Told(_in_halves(stored, translate))


def is_theirs(stored: str) -> bool:
    """Whether the receiving side alone is the reason: one address, one mailbox, one mail."""
    if not stored.startswith(_REFUSED):
        return False
    said = stored.split(": ", 1)[1]
    known = [answers.class_of(part) for part in answers.parts(said)]
    return all(one is not None and one.is_theirs for one in known)


def _answer_in_words(answer: str, translate: Callable[[str], str]) -> str:
    """'' when a part of the answer belongs to no known class."""
    said = []
    for part in answers.parts(answer) if answer else []:
        addressed = answers.ADDRESSED.fullmatch(part)
        known = answers.class_of(addressed[2] if addressed else part)
        if known is None:
            return ""
        words = translate(known.words)
        said.append(f"{addressed[1]}: {words}" if addressed else words)
    return "; ".join(said)


def in_words(stored: str, translate: Callable[[str], str] = gettext) -> str:
    """`stored` in the language of `translate`, a server's own answer in brackets; unchanged when
    nobody has words for it."""
    found = told(stored, translate)
    return f"{found.words} ({found.original})" if found.original else found.words


def _in_halves(stored: str, translate: Callable[[str], str]) -> str:
    for cut in re.finditer(": ", stored):
        parts = [stored[: cut.start()], stored[cut.end() :]]
        if all(_is_known(part) for part in parts):
            return ": ".join(in_words(part, translate) for part in parts)
    return translate(stored) if stored else ""


def _is_known(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern, _sentence in _patterns())


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each sentence as an expression whose gaps are named groups. A host takes its port in."""
    return tuple((_pattern(sentence), sentence) for sentence in SENTENCES)


def _pattern(sentence: str) -> re.Pattern[str]:
    pieces = _GAP.split(sentence)
    for place in range(1, len(pieces), 2):
        text = r"\S+" if pieces[place] in {"host", "number", "count", "size", "limit"} else ".+?"
        pieces[place] = f"(?P<{pieces[place]}>{text})"
    for place in range(0, len(pieces), 2):
        pieces[place] = re.escape(pieces[place])
    return re.compile("".join(pieces), re.DOTALL)
