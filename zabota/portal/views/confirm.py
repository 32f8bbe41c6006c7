"""The link of a confirmation mail: opening it changes nothing, its button does."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from zabota.channels.models import Inbox
from zabota.portal import confirming, visits
from zabota.portal.door import over, secret_path
from zabota.portal.models import Confirmation
from zabota.tickets import tracking


@secret_path("GET", "HEAD", "POST")
def page(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what will be added, POST adds it and knows the browser from then on."""
    row = confirming.find(token)
    if row is not None and row.purpose == Confirmation.SIGN_IN:
        return _sign_in(request, row)
    if row is None or row.ticket is None or tracking.is_over(row.ticket):
        return over(request)
    if request.method != "POST":
        return render(request, "portal/confirm.html", {"row": row, "error": ""})
    try:
        done = confirming.add_message(row)
    except Inbox.DoesNotExist:
        error = _("We cannot take messages just now. Please write us a mail.")
        return render(request, "portal/confirm.html", {"row": row, "error": error}, status=503)
    if done is None:
        return over(request)
    contact, message = done
    mine = tracking.token_for(message.ticket_id, row.address)
    response = redirect("portal:ticket", mine)
    visits.begin(response, contact, row.address)
    return response


def _sign_in(request: HttpRequest, row: Confirmation) -> HttpResponse:
    if request.method != "POST":
        return render(request, "portal/sign_in.html", {"row": row})
    contact = confirming.sign_in(row)
    if contact is None:
        return over(request)
    response = redirect("portal:my")
    visits.begin(response, contact, row.address)
    return response
