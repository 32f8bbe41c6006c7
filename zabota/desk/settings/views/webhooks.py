"""Webhooks: the list, the form of one, its secret, a test, and the switch."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zabota.desk.settings import calls, history, pages
from zabota.desk.settings.access import administrators, viewer
from zabota.desk.settings.forms.programs import workers
from zabota.desk.settings.forms.webhooks import SecretForm, WebhookForm
from zabota.desk.settings.views.page import sent, show
from zabota.notify import actions
from zabota.notify.models import DeliveryState, Webhook
from zabota.tickets.locking import NotPossible

SHOWN = 5


@administrators
@require_GET
def webhooks(request: HttpRequest) -> HttpResponse:
    """All webhooks and how they are."""
    rows = list(Webhook.objects.select_related("agent").order_by("-is_active", "name", "pk"))
    return show(
        request,
        "webhooks",
        pages.WEBHOOKS,
        rows=[calls.state_of(row) for row in rows],
        has_agent=workers().exists(),
        lines=history.of("webhook", [row.pk for row in rows]),
    )


@administrators
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The form of a webhook; without `pk` of a new one, whose secret stands on the page that
    answers and nowhere else."""
    row = get_object_or_404(Webhook, pk=pk) if pk else None
    form = WebhookForm(sent(request), instance=row)
    if request.method == "POST" and form.is_valid():
        secret = actions.save_webhook(form.instance, form.changed_data, by=viewer(request).actor)
        if secret:
            return _secret(request, form.instance, secret)
        messages.success(request, _("Saved: %(name)s.") % {"name": form.instance.name})
        return redirect("desk:settings:webhook", form.instance.pk)
    return _show(request, row, form)


@administrators
@require_POST
def secret(request: HttpRequest, pk: int) -> HttpResponse:
    """A new secret, shown once."""
    row = get_object_or_404(Webhook, pk=pk)
    form = SecretForm(request.POST)
    if not form.is_valid():
        return _show(request, row, WebhookForm(instance=row), secret_form=form)
    hours = form.cleaned_data["hours"]
    made = actions.rotate_secret(row, hours=hours, by=viewer(request).actor)
    row.refresh_from_db()
    return _secret(request, row, made)


@administrators
@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Call the address now and say what happened."""
    row = get_object_or_404(Webhook, pk=pk)
    try:
        done = actions.test(row, by=viewer(request).actor)
    except NotPossible as refusal:
        messages.error(request, str(refusal))
        return redirect("desk:settings:webhook", pk)
    if done.state == DeliveryState.DELIVERED:
        values = {"status": done.status, "took": done.took}
        messages.success(request, _("It works: answer %(status)d in %(took)d ms.") % values)
    else:
        messages.error(request, _tell(done.status, calls.words(done.error, done.detail)))
    return redirect("desk:settings:webhook", pk)


@administrators
@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Off, or on: then with what was missed, or from now on."""
    row = get_object_or_404(Webhook, pk=pk)
    by, wanted = viewer(request).actor, request.POST.get("to", "")
    if wanted == "off":
        actions.switch_off(row, by=by)
        messages.success(request, _("The webhook is switched off: it hears nothing."))
    elif wanted in {"on", "replay"}:
        count = actions.switch_on(row, replay=wanted == "replay", by=by)
        text = _("The webhook is switched on.")
        if count:
            more = ngettext(
                "%(num)d delivery is sent now.", "%(num)d deliveries are sent now.", count
            )
            text = f"{text} {more % {'num': count}}"
        messages.success(request, text)
    return redirect("desk:settings:webhook", pk)


def _tell(status: int | None, text: str) -> str:
    return f"{text} ({status})" if status else text


def _secret(request: HttpRequest, row: Webhook, secret: str) -> HttpResponse:
    answer = show(request, "webhook_secret", pages.WEBHOOKS, webhook=row, secret=secret)
    answer["Cache-Control"] = "no-store"
    return answer


def _show(
    request: HttpRequest,
    row: Webhook | None,
    form: WebhookForm,
    *,
    secret_form: SecretForm | None = None,
) -> HttpResponse:
    # A form may have half-filled its instance: what is told comes from the stored row.
    stored = Webhook.objects.select_related("agent").get(pk=row.pk) if row else None
    refused = form.errors or (secret_form is not None and secret_form.errors)
    return show(
        request,
        "webhook",
        pages.WEBHOOKS,
        status=422 if refused else 200,
        webhook=stored,
        form=form,
        secret_form=secret_form or SecretForm(),
        has_agent=stored is not None or workers().exists(),
        lines=history.of("webhook", [stored.pk]) if stored else [],
        **_about(stored),
    )


def _about(row: Webhook | None) -> dict[str, Any]:
    if row is None:
        return {"state": None, "counts": {}, "recent": [], "again": 0}
    found = row.deliveries.order_by().values_list("state").annotate(n=Count("pk"))
    counts = dict(found)
    return {
        "state": calls.state_of(row),
        "counts": {label: counts[key] for key, label in DeliveryState.choices if key in counts},
        "missed": counts.get(DeliveryState.MISSED, 0),
        "again": sum(counts.get(one, 0) for one in actions.AGAIN),
        "recent": [calls.line(one) for one in row.deliveries.order_by("-pk")[:SHOWN]],
    }
