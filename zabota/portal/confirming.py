"""One-time links by mail: what a stranger's browser wants waits until the address answers."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from zabota.automation import triage
from zabota.customers.actions import identify
from zabota.customers.models import Contact, Identity
from zabota.events.actor import contact as the_contact
from zabota.events.actor import system
from zabota.events.chores import chore
from zabota.events.log import record
from zabota.lib import clock
from zabota.lib.text import one_line
from zabota.portal.events import AddressConfirmed, ConfirmationSent
from zabota.portal.models import Confirmation
from zabota.tickets.actions.answer import Upload
from zabota.tickets.models import Message, Ticket
from zabota.tickets.posting import Posted, add_to
from zabota.tickets.tracking import digest

LIFE = timedelta(hours=48)
SIGN_IN_LIFE = timedelta(minutes=30)
KEPT = timedelta(days=7)
PORTAL = system("portal")


def ask_to_confirm(
    ticket: Ticket, address: str, text: str, files: Sequence[Upload], *, key: str, language: str
) -> None:
    """Keep the message and send its link to the address; the same key, one mail."""
    token = secrets.token_urlsafe(32)
    row = Confirmation(
        purpose=Confirmation.MESSAGE,
        address=address,
        ticket=ticket,
        text=text,
        files=[asdict(file) for file in files],
        language=language,
        key=key,
        token_hash=digest(token),
        expires_at=clock.now() + LIFE,
    )
    try:
        with transaction.atomic():
            row.save()
            fact = ConfirmationSent(confirmation=row.pk, purpose=row.purpose, ticket=ticket.pk)
            record(fact, stream=f"confirmation:{row.pk}", by=PORTAL)
            _mail(row, token)
    except IntegrityError:
        # The same form a second time: its mail is on the way.
        return


def ask_to_sign_in(address: str, language: str) -> None:
    """Send a link to somebody we know; to others nothing, and whoever asks is told the same."""
    if not Identity.objects.filter(kind="mail", value=address).exists():
        return
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        row = Confirmation.objects.create(
            purpose=Confirmation.SIGN_IN,
            address=address,
            language=language,
            key=secrets.token_hex(16),
            token_hash=digest(token),
            expires_at=clock.now() + SIGN_IN_LIFE,
        )
        fact = ConfirmationSent(confirmation=row.pk, purpose=row.purpose, ticket=None)
        record(fact, stream=f"confirmation:{row.pk}", by=PORTAL)
        _mail_sign_in(row, token)


def sign_in(row: Confirmation) -> Contact | None:
    """Whose address the link proves; None when another request was quicker."""
    with transaction.atomic():
        now = clock.now()
        if not Confirmation.objects.filter(pk=row.pk, used_at=None).update(used_at=now):
            return None
        contact = identify("mail", row.address, name="", by=PORTAL, language=row.language)
        fact = AddressConfirmed(confirmation=row.pk, purpose=row.purpose, contact=contact.pk)
        record(fact, stream=f"confirmation:{row.pk}", by=the_contact(contact.pk))
    return contact


def find(token: str) -> Confirmation | None:
    """What waits for this link; None when it is unknown, used or out of date."""
    waiting = Confirmation.objects.filter(
        token_hash=digest(token), used_at=None, expires_at__gt=clock.now()
    )
    return waiting.select_related("ticket__queue", "ticket__contact", "ticket__inbox").first()


def add_message(row: Confirmation) -> tuple[Contact, Message] | None:
    """The confirmed message enters its ticket; None when another request was quicker."""
    assert row.ticket is not None
    with transaction.atomic():
        now = clock.now()
        if not Confirmation.objects.filter(pk=row.pk, used_at=None).update(used_at=now):
            return None
        contact = identify("mail", row.address, name="", by=PORTAL, language=row.language)
        files = [Upload(**file) for file in row.files]
        posted = Posted(row.key, row.address, row.text, language=row.language, files=files)
        message = add_to(row.ticket, posted)
        fact = AddressConfirmed(confirmation=row.pk, purpose=row.purpose, contact=contact.pk)
        by = the_contact(contact.pk)
        record(fact, stream=f"confirmation:{row.pk}", by=by)
        triage.take(message.pk, silent=False, by=by)
    return contact, message


def _mail_sign_in(row: Confirmation, token: str) -> None:
    link = settings.ZABOTA_URL + reverse("portal:confirm", args=[token])
    with translation.override(row.language):
        subject = _("Your requests: sign in")
        body = _(
            "Hello!\n\nOpen this link within 30 minutes and press the button to see your "
            "requests:\n\n%(link)s\n\nIt works once. If you did not ask for it, do nothing."
        ) % {"link": link}
    EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [row.address]).send()


def _mail(row: Confirmation, token: str) -> None:
    assert row.ticket is not None
    link = settings.ZABOTA_URL + reverse("portal:confirm", args=[token])
    with translation.override(row.language):
        subject = _("Confirm your message on request #%(number)d") % {"number": row.ticket.pk}
        body = _(
            "Hello!\n\nSomebody, most likely you, wrote a message on the page of request "
            "“%(subject)s” (#%(number)d) and named this address.\n\n"
            "Open this link within 48 hours and press the button, and the message is added:\n\n"
            "%(link)s\n\nIf it was not you, do nothing: nothing will be added."
        ) % {
            "number": row.ticket.pk,
            "subject": one_line(row.ticket.subject) or _("(no subject)"),
            "link": link,
        }
    EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [row.address]).send()


@chore
def forget() -> None:
    """What nobody confirmed is deleted, with what was written, a week later."""
    Confirmation.objects.filter(expires_at__lt=clock.now() - KEPT).delete()
