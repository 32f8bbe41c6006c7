"""What a webhook was told: the log, one delivery, and sending again."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from zabota.desk.settings import calls, pages
from zabota.desk.settings.access import administrators, viewer
from zabota.desk.settings.forms.webhooks import LogForm
from zabota.desk.settings.views.page import show
from zabota.notify import actions
from zabota.notify.models import DeliveryState, Webhook, WebhookDelivery
from zabota.tickets.locking import NotPossible

PAGE = 50


@administrators
@require_GET
def deliveries(request: HttpRequest, pk: int) -> HttpResponse:
    """The log of two weeks, newest first, page by page."""
    hook = get_object_or_404(Webhook, pk=pk)
    form = LogForm(request.GET)
    chosen = form.chosen()
    rows = hook.deliveries.filter(**chosen).order_by("-pk")
    if before := form.cleaned_data.get("before"):
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE + 1])
    older = ""
    if len(found) > PAGE:
        older = "?" + urlencode(chosen | {"before": found[PAGE - 1].pk})
    return show(
        request,
        "webhook_deliveries",
        pages.WEBHOOKS,
        webhook=hook,
        form=form,
        is_filtered=bool(chosen),
        rows=[calls.line(row) for row in found[:PAGE]],
        older=older,
        again=hook.deliveries.filter(state__in=actions.AGAIN).count(),
    )


@administrators
@require_GET
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """What was sent last, and what was answered."""
    row = get_object_or_404(WebhookDelivery.objects.select_related("webhook"), pk=pk)
    is_final = row.state != DeliveryState.WAITING
    return show(
        request,
        "webhook_delivery",
        pages.WEBHOOKS,
        one=calls.line(row),
        delivery=row,
        webhook=row.webhook,
        body=_indented(row.body),
        may_replay=is_final and row.event is not None,
    )


@administrators
@require_POST
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Send one again."""
    row = get_object_or_404(WebhookDelivery.objects.select_related("webhook"), pk=pk)
    try:
        actions.replay(row, by=viewer(request).actor)
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The delivery is sent again."))
    return redirect("desk:settings:webhook_delivery", pk)


@administrators
@require_POST
def replay_all(request: HttpRequest, pk: int) -> HttpResponse:
    """Send again all that was given up or missed."""
    hook = get_object_or_404(Webhook, pk=pk)
    try:
        count = actions.replay_all(hook, by=viewer(request).actor)
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        text = ngettext("%(num)d delivery is sent now.", "%(num)d deliveries are sent now.", count)
        messages.success(request, text % {"num": count})
    return redirect("desk:settings:webhook_deliveries", pk)


def _indented(body: str) -> str:
    """JSON as a person reads it."""
    return json.dumps(json.loads(body), ensure_ascii=False, indent=2) if body else ""
