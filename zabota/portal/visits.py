"""Browsers whose owner has proved his mail address; the cookie's token is stored hashed."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from zabota.customers.models import Contact
from zabota.events.chores import chore
from zabota.lib import clock
from zabota.portal.models import ClientSession
from zabota.tickets.models import Participant, Ticket
from zabota.tickets.tracking import digest

COOKIE = "zabota_client"
LIFE = timedelta(days=90)


def begin(response: HttpResponse, contact: Contact, address: str) -> None:
    """This browser is the contact's from now on."""
    token = secrets.token_urlsafe(32)
    ClientSession.objects.create(
        contact=contact,
        address=address,
        token_hash=digest(token),
        expires_at=clock.now() + LIFE,
    )
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LIFE.total_seconds()),
        httponly=True,
        secure=settings.SECURE,
        samesite="Lax",
    )


def current(request: HttpRequest) -> ClientSession | None:
    """Whose browser asks; None when nobody has proved anything in it."""
    token = request.COOKIES.get(COOKIE, "")
    if not token:
        return None
    rows = ClientSession.objects.filter(token_hash=digest(token), expires_at__gt=clock.now())
    return rows.select_related("contact").first()


def participant(request: HttpRequest, ticket: Ticket) -> ClientSession | None:
    """The session of one who takes part in the ticket; None for all others."""
    visit = current(request)
    if visit is None:
        return None
    if visit.contact_id == ticket.contact_id or may_see_account(visit.contact, ticket):
        return visit
    takes_part = Participant.objects.filter(ticket=ticket, address=visit.address).exists()
    return visit if takes_part else None


def may_see_account(contact: Contact, ticket: Ticket) -> bool:
    """Whether he may read the ticket because it is one of the account he manages."""
    return (
        contact.manages_account
        and contact.account_id is not None
        and contact.account_id == ticket.account_id
    )


def end(request: HttpRequest, response: HttpResponse) -> None:
    """This browser is nobody's any more."""
    token = request.COOKIES.get(COOKIE, "")
    ClientSession.objects.filter(token_hash=digest(token)).delete()
    response.delete_cookie(COOKIE, samesite="Lax")


@chore
def forget() -> None:
    """Sessions that have ended are deleted."""
    ClientSession.objects.filter(expires_at__lt=clock.now()).delete()
