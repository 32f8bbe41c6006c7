"""Django's mail backend over the outbox: sign-in links and system mail leave by the same door."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from email.utils import parseaddr

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils.html import escape

from zabota.channels import outbox
from zabota.channels.contract import Address, Envelope
from zabota.channels.models import Inbox
from zabota.events.actor import system


class OutboxBackend(BaseEmailBackend):
    """Puts each mail into the outbox; sending and retries are the worker's."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Queue all messages; returns how many."""
        inbox = Inbox.objects.filter(is_active=True).order_by("id").first()
        with transaction.atomic():
            for mail in email_messages:
                outbox.enqueue(
                    _envelope(mail, inbox),
                    key=f"{outbox.SYSTEM}{uuid.uuid4()}",
                    inbox=inbox,
                    by=system("mail"),
                )
        return len(email_messages)


def _envelope(mail: EmailMessage, inbox: Inbox | None) -> Envelope:
    address = inbox.address if inbox else parseaddr(mail.from_email)[1]
    body = str(mail.body)
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in body.split("\n\n"))
    return Envelope(
        message_id=outbox.new_message_id(address, "system"),
        mail_from=address,
        sender=Address(address, inbox.sender_name if inbox else ""),
        to=tuple(Address(email=parseaddr(to)[1].lower()) for to in mail.to),
        cc=(),
        subject=str(mail.subject),
        text=body,
        html=paragraphs,
        automatic=True,
    )
