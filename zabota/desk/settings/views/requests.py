"""The request form of the clients: its switch, its consent, the fields of each topic."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from zabota.desk.settings import history, pages
from zabota.desk.settings.access import administrators, viewer
from zabota.desk.settings.forms.requests import Fields, RequestFormForm, chosen, initial
from zabota.desk.settings.views.page import sent, show
from zabota.staff import asking
from zabota.staff.actions import save_setting
from zabota.staff.models import Topic


@administrators
@require_http_methods(["GET", "POST"])
def form(request: HttpRequest) -> HttpResponse:
    """Open or closed, the consent text, the address to put on one's site."""
    row, consent = asking.form_settings(), asking.consent()
    now = {
        "is_on": row.is_on,
        "text_ru": consent.text_ru if consent else "",
        "text_en": consent.text_en if consent else "",
    }
    given = RequestFormForm(sent(request), initial=now)
    if request.method == "POST" and given.is_valid():
        by = viewer(request).actor
        with transaction.atomic():
            changed = ["is_on"] if row.is_on != given.cleaned_data["is_on"] else []
            row.is_on = given.cleaned_data["is_on"]
            save_setting(row, changed, by=by)
            asking.set_consent(*given.texts(), by=by)
        messages.success(request, _("Saved."))
        return redirect("desk:settings:request_form")
    return show(
        request,
        "request_form",
        pages.REQUEST_FORM,
        status=422 if given.errors else 200,
        form=given,
        address=settings.ZABOTA_URL + reverse("portal:request"),
        offered=asking.public_topics(),
        version=consent.version if consent else 0,
        lines=history.of("requestform", ["consent", row.pk or 0]),
    )


@administrators
@require_http_methods(["GET", "POST"])
def fields(request: HttpRequest, pk: int) -> HttpResponse:
    """What the request form asks for this topic."""
    topic = get_object_or_404(Topic, pk=pk)
    forms = Fields(sent(request), initial=initial(topic.fields), prefix="f")
    if request.method == "POST" and forms.is_valid():
        topic.fields = chosen(forms)
        save_setting(topic, ["fields"], by=viewer(request).actor)
        messages.success(request, _("Saved: %(name)s.") % {"name": topic})
        return redirect("desk:settings:topic_fields", pk)
    return show(
        request,
        "topic_fields",
        pages.TOPICS,
        status=422 if request.method == "POST" else 200,
        topic=topic,
        forms=forms,
        lines=history.of("topic", [pk]),
    )
