"""The request form: choose a topic, fill its form, arrive at the page of the new ticket."""

from __future__ import annotations

import secrets
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _

from zabota.channels.models import Inbox
from zabota.portal import limits, requesting
from zabota.portal.door import public
from zabota.portal.forms import RequestForm
from zabota.staff import asking
from zabota.staff.models import Topic
from zabota.tickets import tracking
from zabota.tickets.actions.answer import Upload
from zabota.tickets.locking import NotPossible
from zabota.tickets.uploading import MOST_FILES, uploads


@public()
def topics(request: HttpRequest) -> HttpResponse:
    """What the request is about: the tree of topics."""
    found = _offered()
    if not found:
        return _closed(request)
    parts: dict[int, list[Topic]] = {}
    for one in found:
        if one.parent_id is not None:
            parts.setdefault(one.parent_id, []).append(one)
    tree = [(one, parts.get(one.pk, [])) for one in found if one.parent_id is None]
    return render(request, "portal/topics.html", {"tree": tree})


@public("GET", "HEAD", "POST")
def form(request: HttpRequest, topic: int) -> HttpResponse:
    """The form of one topic."""
    found = {one.pk: one for one in _offered()}
    if topic not in found or any(one.parent_id == topic for one in found.values()):
        return _closed(request) if not found else redirect("portal:request")
    chosen, consent = found[topic], asking.consent()
    language = (translation.get_language() or "ru")[:2]
    if request.method != "POST":
        first: dict[str, Any] = {
            "mark": requesting.mark(secrets.token_hex(16)),
            "loses_money": "no",
        }
        first |= {"consent_version": consent.version if consent else ""}
        return _show(request, chosen, RequestForm(chosen, consent, language, initial=first))
    given = RequestForm(chosen, consent, language, request.POST)
    status = _take(request, chosen, given)
    return status if isinstance(status, HttpResponse) else _show(request, chosen, given, status)


def _take(request: HttpRequest, topic: Topic, form: RequestForm) -> HttpResponse | int:
    """The way to the new ticket's page, or the status of the form that comes back."""
    if not form.is_valid():
        return 422
    try:
        key = requesting.key_of(form.cleaned_data["mark"])
        files = uploads(request.FILES.getlist("files"))
    except requesting.TooQuick:
        form.add_error(None, _("That was very quick. Please press the button once more."))
        return 422
    except requesting.TooOld:
        form.add_error(None, _("The form lay open for too long. Please press the button again."))
        _renew(form)
        return 422
    except NotPossible as refusal:
        form.add_error(None, str(refusal))
        return 422
    asked = _request(topic, form, files)
    if not _may_ask(request, asked.address):
        form.add_error(None, _("Too many requests came from here. Try again in an hour."))
        return 429
    try:
        message = requesting.send(asked, key)
    except Inbox.DoesNotExist:
        form.add_error(None, _("We cannot take requests just now. Please try again later."))
        return 503
    token = tracking.receipt_for(message.ticket_id)
    response = redirect("portal:ticket", token)
    response["Referrer-Policy"] = "no-referrer"
    return response


def _request(topic: Topic, form: RequestForm, files: list[Upload]) -> requesting.Request:
    given = form.cleaned_data
    return requesting.Request(
        topic=topic,
        address=given["address"],
        name=given["name"],
        subject=given["subject"],
        text=given["text"],
        language=form.language,
        answers=form.answers(),
        loses_money=given["loses_money"] == "yes",
        consent=form.in_force,
        files=files,
    )


def _renew(form: RequestForm) -> None:
    fresh = cast(QueryDict, form.data).copy()
    fresh["mark"] = requesting.mark(secrets.token_hex(16))
    form.data = fresh


def _may_ask(request: HttpRequest, address: str) -> bool:
    network = limits.network(request.META.get("REMOTE_ADDR", ""))
    return limits.allow(limits.REQUESTS_FROM_NETWORK, network) and limits.allow(
        limits.REQUESTS_OF_ADDRESS, address
    )


def _offered() -> list[Topic]:
    return asking.public_topics() if asking.form_settings().is_on else []


def _closed(request: HttpRequest) -> HttpResponse:
    box = Inbox.objects.filter(is_active=True).order_by("id").first()
    content = {"address": box.address if box else ""}
    return render(request, "portal/closed.html", content, status=404)


def _show(request: HttpRequest, topic: Topic, form: RequestForm, status: int = 200) -> HttpResponse:
    content = {
        "topic": topic,
        "form": form,
        "consent": form.in_force.text_in(form.language) if form.in_force else "",
        "most_files": MOST_FILES,
        "most_mb": settings.MAX_UPLOAD_MB,
    }
    return render(request, "portal/request.html", content, status=status)
