"""The page of a ticket for whoever holds its link: reading; writing once the address is proved."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from zabota.automation import triage
from zabota.channels.blobs import path_of
from zabota.channels.models import Inbox
from zabota.events.actor import contact as the_contact
from zabota.events.actor import system
from zabota.lib.signing import file_link
from zabota.portal import confirming, limits, standing, visits
from zabota.portal.door import by_link
from zabota.portal.forms import MessageForm
from zabota.portal.views.rating import names
from zabota.tickets import actions, posting, tracking
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import Attachment, Direction, Rating, Status, TrackingLink
from zabota.tickets.uploading import MOST_FILES, uploads


@by_link(receipts=True)
def page(request: HttpRequest, link: TrackingLink) -> HttpResponse:
    """State, expected time, conversation, files; the receipt of the form knows only the first."""
    if link.is_receipt:
        return _receipt(request, link)
    form = MessageForm(initial={"key": secrets.token_hex(16)})
    return _show(request, link, form)


@by_link("POST")
def message(request: HttpRequest, link: TrackingLink) -> HttpResponse:
    """Add a message; a browser nobody knows is asked to prove its address first."""
    visit = visits.participant(request, link.ticket)
    form = MessageForm(request.POST, known=visit is not None)
    if not form.is_valid():
        return _show(request, link, form, status=422)
    given = form.cleaned_data
    try:
        files = uploads(request.FILES.getlist("files"))
    except NotPossible as refusal:
        form.add_error(None, str(refusal))
        return _show(request, link, form, status=422)
    if visit is None:
        if not _may_mail(request, given["address"]):
            form.add_error(None, _("Too many letters were asked for. Try again in an hour."))
            return _show(request, link, form, status=429)
        language = (translation.get_language() or "ru")[:2]
        confirming.ask_to_confirm(
            link.ticket, given["address"], given["text"], files, key=given["key"], language=language
        )
        content = {"address": given["address"], "link": link}
        return render(request, "portal/confirm_sent.html", content)
    posted = posting.Posted(given["key"], visit.address, given["text"], files=files)
    try:
        added = posting.add_to(link.ticket, posted)
    except Inbox.DoesNotExist:
        form.add_error(None, _("We cannot take messages just now. Please write us a mail."))
        return _show(request, link, form, status=503)
    triage.take(added.pk, silent=False, by=the_contact(visit.contact_id))
    return redirect("portal:ticket", _token(request))


@by_link("POST")
def solved(request: HttpRequest, link: TrackingLink) -> HttpResponse:
    """The client says that the solution holds."""
    who = link.ticket.contact_id
    by = the_contact(who) if who else system("portal")
    actions.confirm_solution(link.ticket, by=by)
    return redirect("portal:ticket", _token(request))


@by_link()
def file(request: HttpRequest, link: TrackingLink, file: int) -> HttpResponse:
    """A file of a public message, by a link of a minute."""
    found = Attachment.objects.filter(
        pk=file,
        message__ticket=link.ticket,
        message__direction__in=[Direction.IN, Direction.OUT],
        message__robot="",
    ).first()
    if found is None or not standing.is_given(found) or not path_of(found.sha256).is_file():
        raise Http404
    return HttpResponseRedirect(file_link(found.sha256, found.name, found.content_type))


def _receipt(request: HttpRequest, link: TrackingLink) -> HttpResponse:
    """State and time for whoever sent the form; all of it when his browser is known."""
    ticket = link.ticket
    visit = visits.participant(request, ticket)
    if visit is not None:
        return redirect("portal:ticket", tracking.token_for(ticket.pk, visit.address))
    timezone.activate(triage.zone_of(ticket))
    content = {"ticket": ticket, "standing": standing.standing(ticket)}
    return render(request, "portal/receipt.html", content)


def _may_mail(request: HttpRequest, address: str) -> bool:
    network = limits.network(request.META.get("REMOTE_ADDR", ""))
    return limits.allow(limits.MAILS_FROM_NETWORK, network) and limits.allow(
        limits.MAILS_TO_ADDRESS, address
    )


def _token(request: HttpRequest) -> str:
    assert request.resolver_match is not None
    return str(request.resolver_match.kwargs["token"])


def _show(
    request: HttpRequest, link: TrackingLink, form: MessageForm, status: int = 200
) -> HttpResponse:
    ticket = link.ticket
    visit = visits.participant(request, ticket)
    if visit is not None:
        form.fields.pop("address", None)
    timezone.activate(triage.zone_of(ticket))
    marks = Rating.objects.filter(ticket=ticket, address=link.address)
    content = {
        "ticket": ticket,
        "token": _token(request),
        "standing": standing.standing(ticket),
        "messages": standing.messages(ticket),
        "is_confirmed": actions.is_confirmed(ticket),
        "may_rate": ticket.status in {Status.SOLVED, Status.CLOSED}
        and actions.may_be_rated(ticket),
        "mark": marks.values_list("mark", flat=True).first(),
        "names": names(),
        "visit": visit,
        "form": form,
        "most_files": MOST_FILES,
        "most_mb": settings.MAX_UPLOAD_MB,
    }
    return render(request, "portal/ticket.html", content, status=status)
