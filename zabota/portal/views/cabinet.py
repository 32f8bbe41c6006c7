"""The cabinet: a client's own requests, and those of his account when he manages it."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from zabota.customers.actions import set_wishes
from zabota.customers.models import Contact
from zabota.events.actor import contact as the_contact
from zabota.portal import confirming, limits, standing, visits
from zabota.portal.door import public
from zabota.portal.forms import SignInForm
from zabota.tickets import tracking
from zabota.tickets.models import Ticket, TicketType

SHOWN = 100


@public("GET", "HEAD", "POST")
def page(request: HttpRequest) -> HttpResponse:
    """The requests of whom the browser knows; else it asks for an address and sends a link."""
    visit = visits.current(request)
    if visit is not None:
        rows = seen_by(visit.contact).select_related("owner", "contact")
        found = [(row, standing.state(row)[0]) for row in rows.order_by("-id")[:SHOWN]]
        saved = request.GET.get("saved") == "1"
        return render(request, "portal/my.html", {"visit": visit, "rows": found, "saved": saved})
    form = SignInForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return render(request, "portal/my_sign_in.html", {"form": form}, status=status)
    address = form.cleaned_data["address"]
    network = limits.network(request.META.get("REMOTE_ADDR", ""))
    allowed = limits.allow(limits.MAILS_FROM_NETWORK, network)
    if not (allowed and limits.allow(limits.SIGN_INS_TO_ADDRESS, address)):
        form.add_error(None, _("Too many letters were asked for. Try again in an hour."))
        return render(request, "portal/my_sign_in.html", {"form": form}, status=429)
    confirming.ask_to_sign_in(address, (translation.get_language() or "ru")[:2])
    return render(request, "portal/my_sent.html", {"address": address})


@public("POST")
def open_ticket(request: HttpRequest) -> HttpResponse:
    """To the page of one of his requests; a post, because it may make his link."""
    visit, number = visits.current(request), request.POST.get("ticket", "")
    if visit is None:
        return redirect("portal:my")
    is_number = number.isascii() and number.isdigit() and len(number) <= 18
    row = seen_by(visit.contact).filter(pk=int(number)).first() if is_number else None
    if row is None or tracking.is_over(row):
        raise Http404
    response = redirect("portal:ticket", tracking.token_for(row.pk, visit.address))
    response["Referrer-Policy"] = "no-referrer"
    return response


@public("POST")
def wishes(request: HttpRequest) -> HttpResponse:
    """Which automatic letters he wants."""
    visit, given = visits.current(request), request.POST.getlist("wants")
    if visit is not None:
        set_wishes(
            visit.contact,
            receipts="receipts" in given,
            marks="marks" in given,
            by=the_contact(visit.contact_id),
        )
    return redirect(reverse("portal:my") + "?saved=1")


@public("POST")
def leave(request: HttpRequest) -> HttpResponse:
    """The browser forgets who uses it."""
    response = redirect("portal:my")
    visits.end(request, response)
    return response


def seen_by(contact: Contact) -> QuerySet[Ticket]:
    """His own requests, and all of the account that he manages; never our work behind them."""
    whose = Q(contact=contact) | Q(contact__merged_into=contact)
    if contact.manages_account and contact.account_id is not None:
        whose |= Q(account_id=contact.account_id)
    return Ticket.objects.filter(whose, quarantined=None, is_robot=False).exclude(
        type=TicketType.RECOVERY
    )
