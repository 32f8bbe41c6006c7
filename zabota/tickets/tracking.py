"""Links by which clients see their ticket without a password: made, found, outdated."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.urls import reverse

from zabota.lib import clock
from zabota.lib.rows import ask
from zabota.lib.signing import page_mark, page_token
from zabota.tickets.models import Ticket, TrackingLink

RECEIPT = ""  # the address of a link that proves none
ENDS_AFTER = timedelta(days=180)  # after the ticket was closed

# One statement: the link that stands is kept, whoever asks for it.
_KEEP = """
INSERT INTO tickets_trackinglink (ticket_id, address, key, token_hash, created_at)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (ticket_id, address) WHERE revoked_at IS NULL
DO UPDATE SET address = EXCLUDED.address RETURNING key
"""


def key_for(ticket_id: int, address: str) -> str:
    """The key of the participant's link, made when he has none that is in force."""
    key = secrets.token_hex(16)
    values = [ticket_id, address[:320], key, digest(page_token(key)), clock.now()]
    return str(ask(_KEEP, values)[0])


def url_in_mail(ticket_id: int, address: str) -> str:
    """The participant's link as the outbox keeps it: complete only when the mail leaves."""
    return settings.ZABOTA_URL + reverse(
        "portal:ticket", args=[page_mark(key_for(ticket_id, address))]
    )


def token_for(ticket_id: int, address: str) -> str:
    """The token of the participant's link, for the browser that has just proved who sits there."""
    return page_token(key_for(ticket_id, address))


def receipt_for(ticket_id: int) -> str:
    """The token of the page after the form: whoever filled it in sees state and time alone, for
    nothing has proved yet that the address he named is his."""
    return page_token(key_for(ticket_id, RECEIPT))


def find(token: str) -> TrackingLink | None:
    """The link that this token opens; None when it is unknown, revoked or out of date."""
    link = (
        TrackingLink.objects.filter(token_hash=digest(token), revoked_at=None)
        .select_related("ticket__contact", "ticket__owner", "ticket__queue", "ticket__inbox")
        .first()
    )
    return None if link is None or is_over(link.ticket) else link


def is_over(ticket: Ticket) -> bool:
    """Whether the ticket was closed so long ago that its links have ended."""
    return ticket.closed_at is not None and clock.now() >= ticket.closed_at + ENDS_AFTER


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
