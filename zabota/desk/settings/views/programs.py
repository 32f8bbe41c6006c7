"""Tokens of programs: the list, a new one, shown once, and the end of one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zabota.desk.settings import history, pages
from zabota.desk.settings.access import administrators, viewer
from zabota.desk.settings.forms.programs import TokenForm, workers
from zabota.desk.settings.views.page import sent, show
from zabota.staff.models import Scope, Token
from zabota.staff.tokens import make_token, revoke_token


@administrators
@require_GET
def programs(request: HttpRequest) -> HttpResponse:
    """All tokens, those in force first."""
    rows = list(Token.objects.select_related("agent").order_by("-id"))
    rows.sort(key=lambda row: not row.is_valid)
    return show(
        request,
        "programs",
        pages.PROGRAMS,
        tokens=rows,
        labels=dict(Scope.choices),
        has_agent=workers().exists(),
        lines=history.of("token", [row.pk for row in rows]),
    )


@administrators
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new token; its secret is on the page that answers the form, and nowhere else."""
    form = TokenForm(sent(request), initial={"scopes": [Scope.TICKETS_READ, Scope.TICKETS_WRITE]})
    if request.method == "POST" and form.is_valid():
        token, secret = make_token(
            form.cleaned_data["agent"],
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            expires_at=form.expires_at(),
            by=viewer(request).actor,
        )
        return show(request, "token", pages.PROGRAMS, token=token, secret=secret)
    return show(
        request,
        "token_new",
        pages.PROGRAMS,
        status=422 if form.errors else 200,
        form=form,
        has_agent=workers().exists(),
    )


@administrators
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """The token lets nobody in any more."""
    token = get_object_or_404(Token, pk=pk)
    revoke_token(token, by=viewer(request).actor)
    messages.success(request, _("The token %(name)s is revoked.") % {"name": token.name})
    return redirect("desk:settings:programs")
