"""Connecting a mailbox of Google or Microsoft: the registered application, the way to the provider
and back, and the end of it.

The way back is a GET, as OAuth2 has it, and so it changes nothing: the administrator finishes it by
a button. State and verifier lie in his session and are good once.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from zabota.channels import permission, providers
from zabota.channels.contract import PermanentError, TemporaryError
from zabota.channels.models import Inbox, Permission
from zabota.channels.providers import PROVIDERS
from zabota.desk.settings import connection, history, pages
from zabota.desk.settings.access import administrators, viewer
from zabota.desk.settings.forms.permission import PermissionForm
from zabota.desk.settings.views.inboxes import begin
from zabota.desk.settings.views.page import sent, show
from zabota.lib import clock
from zabota.lib.crypto import WrongKey
from zabota.staff.actions import save_setting

WAY = "mailbox_permission"
WAY_SECONDS = 900.0  # between leaving for the provider and coming back


@administrators
@sensitive_post_parameters("client_secret")
@require_http_methods(["GET", "POST"])
def application(request: HttpRequest, pk: int) -> HttpResponse:
    """The registered application of an inbox, and whether it is connected."""
    inbox = get_object_or_404(Inbox, pk=pk)
    row = _row(inbox)
    form = PermissionForm(sent(request), instance=row) if row else None
    if request.method == "POST" and form is not None and form.is_valid():
        _save(request, inbox, form)
        return redirect("desk:settings:permission", pk)
    return show(
        request,
        "permission",
        pages.INBOXES,
        status=422 if form is not None and form.errors else 200,
        inbox=inbox,
        form=form,
        row=permission.of(inbox),
        provider=PROVIDERS[row.provider] if row else None,
        trouble=connection.plain(row.last_error) if row else "",
        back=permission.back_url(settings.ZABOTA_URL),
        lines=_history(pk, row),
    )


@administrators
@require_POST
def connect(request: HttpRequest, pk: int) -> HttpResponse:
    """A page that leads to the provider: a form may not lead there itself (form-action of the
    content policy holds for redirects too, and providers redirect further)."""
    inbox = get_object_or_404(Inbox, pk=pk)
    row = permission.of(inbox)
    if row is None:
        return redirect("desk:settings:permission", pk)
    state, verifier = secrets.token_urlsafe(32), providers.new_verifier()
    request.session[WAY] = {
        "state": state,
        "verifier": verifier,
        "inbox": pk,
        "until": clock.now().timestamp() + WAY_SECONDS,
    }
    try:
        client = permission.client_of(row)
    except WrongKey as error:
        messages.error(request, connection.plain(str(error)))
        return redirect("desk:settings:permission", pk)
    target = providers.permission_url(
        client,
        state=state,
        verifier=verifier,
        back=permission.back_url(settings.ZABOTA_URL),
        address=str(inbox.config.get("imap_user") or inbox.address),
    )
    return show(
        request, "leaving", pages.INBOXES, inbox=inbox, target=target, provider=client.provider
    )


@administrators
@require_http_methods(["GET", "POST"])
def returned(request: HttpRequest) -> HttpResponse:
    """Back from the provider: GET shows whose mailbox will be connected, POST connects it."""
    given = request.POST if request.method == "POST" else request.GET
    way, code = _way(request, given.get("state", "")), given.get("code", "")
    inbox = Inbox.objects.filter(pk=way["inbox"]).first() if way else None
    row = permission.of(inbox) if inbox else None
    if way is None or inbox is None or row is None or not code:
        said = connection.plain(_denial(row, given.get("error", ""))) if row else ""
        return show(request, "returned", pages.INBOXES, inbox=inbox, said=said, code="", state="")
    if request.method != "POST":
        state = way["state"]
        return show(
            request, "returned", pages.INBOXES, inbox=inbox, said="", code=code, state=state
        )
    del request.session[WAY]
    _finish(request, row, code, way["verifier"])
    return redirect("desk:settings:permission", inbox.pk)


@administrators
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """The tokens are forgotten."""
    inbox = get_object_or_404(Inbox, pk=pk)
    row = permission.of(inbox)
    if row is not None:
        permission.disconnect(row, by=viewer(request).actor)
        messages.success(request, _("%(name)s is disconnected.") % {"name": inbox.name})
    return redirect("desk:settings:permission", pk)


def _row(inbox: Inbox) -> Permission | None:
    """The stored permission, or one to be filled in; None for an inbox with a password."""
    name = str(inbox.config.get("auth") or "")
    if name not in PROVIDERS:
        return None
    return permission.of(inbox) or Permission(inbox=inbox, provider=name)


def _history(pk: int, row: Permission | None) -> list[history.Line]:
    lines = history.of("inbox", [pk]) + history.of("permission", [row.pk] if row else [])
    return sorted(lines, key=lambda line: line.at, reverse=True)[: history.SHOWN]


def _save(request: HttpRequest, inbox: Inbox, form: PermissionForm) -> None:
    changed, columns = form.fill()
    row: Permission = form.instance
    if row._state.adding:
        # One of another provider, which the inbox used before.
        Permission.objects.filter(inbox=inbox).delete()
    save_setting(row, changed, by=viewer(request).actor, columns=columns)
    messages.success(request, _("Saved: %(name)s.") % {"name": inbox.name})


def _way(request: HttpRequest, state: str) -> dict[str, Any] | None:
    """What was kept when he left, if this is his own way back and not too late."""
    way = request.session.get(WAY)
    if not way or not secrets.compare_digest(way["state"].encode(), state.encode()):
        return None
    return way if clock.now().timestamp() < way["until"] else None


def _denial(row: Permission, error: str) -> str:
    title = PROVIDERS[row.provider].title
    return f"{title} gives no permission for the mailbox: {error[:100] or 'no code'}"


def _finish(request: HttpRequest, row: Permission, code: str, verifier: str) -> None:
    back = permission.back_url(settings.ZABOTA_URL)
    try:
        permission.connect(row, code=code, verifier=verifier, back=back, by=viewer(request).actor)
    except (TemporaryError, PermanentError, WrongKey) as error:
        messages.error(request, connection.plain(str(error)))
        return
    inbox = Inbox.objects.get(pk=row.inbox_id)
    messages.success(request, _("%(name)s is connected.") % {"name": inbox.name})
    if not inbox.is_active and inbox.last_ok_at is None:
        begin(request, inbox)
