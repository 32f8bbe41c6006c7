"""The page of a mark: opening it only shows the mark; a person's first move, or a button, posts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from zabota.events.actor import contact as the_contact
from zabota.events.actor import system
from zabota.portal.door import by_link
from zabota.tickets import actions
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import BEST, Rating, TrackingLink


@by_link("GET", "HEAD", "POST")
def page(request: HttpRequest, link: TrackingLink, mark: int) -> HttpResponse:
    """GET shows the form with this mark chosen; POST keeps mark and comment."""
    if request.method != "POST":
        return show(request, link, mark)
    said = request.POST.get("mark", "")
    chosen = int(said) if said.isascii() and said.isdigit() and len(said) < 3 else 0
    ticket = link.ticket
    by = the_contact(ticket.contact_id) if ticket.contact_id else system("portal")
    comment = request.POST.get("comment")
    try:
        actions.rate(ticket, link.address, chosen, comment=comment, by=by)
    except NotPossible as refusal:
        return show(request, link, mark, error=str(refusal))
    assert request.resolver_match is not None
    token = request.resolver_match.kwargs["token"]
    return redirect("portal:rate", token, chosen)


def show(request: HttpRequest, link: TrackingLink, mark: int, error: str = "") -> HttpResponse:
    """The form of a mark, with what was said before."""
    kept = Rating.objects.filter(ticket=link.ticket, address=link.address).first()
    may = actions.may_be_rated(link.ticket)
    assert request.resolver_match is not None
    content = {
        "ticket": link.ticket,
        "token": request.resolver_match.kwargs["token"],
        "kept": kept,
        "mark": mark if 1 <= mark <= BEST else 0,
        "names": names(),
        "error": error or ("" if may else _("This request cannot be rated yet.")),
        "may": may,
    }
    return render(request, "portal/rate.html", content, status=422 if error or not may else 200)


def names() -> list[tuple[int, str]]:
    """The marks in words, worst first."""
    return [
        (1, _("very bad")),
        (2, _("bad")),
        (3, _("so-so")),
        (4, _("good")),
        (5, _("excellent")),
    ]
