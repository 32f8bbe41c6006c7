"""A request by the form: one ticket, treated at once, so that number and time can be told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.core import signing
from django.db import transaction

from zabota.automation import triage, urgency
from zabota.events.actor import contact as the_contact
from zabota.events.log import record
from zabota.staff.models import Consent, Topic
from zabota.tickets.actions.answer import Upload
from zabota.tickets.events import ConsentGiven
from zabota.tickets.models import Message
from zabota.tickets.posting import Posted, open_with

SALT = "zabota.request"
QUICKEST = 3  # seconds; nobody fills the form faster
LONGEST = 24 * 3600


@dataclass(frozen=True)
class Request:
    """What was asked; `answers` are (question, answer) in the client's words."""

    topic: Topic
    address: str
    name: str
    subject: str
    text: str
    language: str
    answers: Sequence[tuple[str, str]] = ()
    loses_money: bool = False
    consent: Consent | None = None
    files: Sequence[Upload] = ()


class TooQuick(Exception):
    """The form came back faster than a person fills it."""


class TooOld(Exception):
    """The mark is not ours or of another day; the form must be drawn anew."""


def mark(key: str) -> str:
    """What a drawn form carries: its key and when it was drawn, signed."""
    return signing.dumps(key, salt=SALT)


def key_of(mark: str) -> str:
    """The key of a form that was sent; raises TooQuick and TooOld."""
    try:
        key = str(signing.loads(mark, salt=SALT, max_age=LONGEST))
    except signing.BadSignature:
        raise TooOld from None
    try:
        signing.loads(mark, salt=SALT, max_age=QUICKEST)
    except signing.SignatureExpired:
        return key
    raise TooQuick


@transaction.atomic
def send(request: Request, key: str) -> Message:
    """Take the request in; the same form with the same words makes one ticket.

    Raises Inbox.DoesNotExist while no mailbox can answer.
    """
    told = "\n".join(
        f"{question} {answer}" if question.endswith(("?", ":")) else f"{question}: {answer}"
        for question, answer in request.answers
    )
    posted = Posted(
        key=_content_key(request, key),
        address=request.address,
        text="\n\n".join(part for part in (request.text, told) if part),
        name=request.name,
        subject=request.subject,
        language=request.language,
        files=request.files,
        more={
            "topic": request.topic.pk,
            "answers": [list(pair) for pair in request.answers],
            "loses_money": request.loses_money,
            "consent": request.consent.version if request.consent else None,
        },
    )
    message = open_with(posted, request.topic)
    if message.triaged_at is not None:
        return message
    ticket = message.ticket
    by = the_contact(message.contact_id or 0)
    if request.consent is not None:
        fact = ConsentGiven(
            ticket=ticket.pk, version=request.consent.version, language=request.language
        )
        record(fact, stream=ticket.stream, by=by)
    if request.loses_money:
        urgency.told(ticket, message.pk, by=by)
    triage.take(message.pk, silent=False, by=by)
    return message


def _content_key(request: Request, key: str) -> str:
    parts = [key, request.topic.pk, request.address, request.subject, request.text]
    parts += [request.answers, request.loses_money]
    return hashlib.sha256(repr(parts).encode()).hexdigest()
