"""The page behind a one-time link: a new agent, or the first administrator, chooses a password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from zabota.staff import invitations
from zabota.staff.models import Invitation, check_name


class InvitationForm(forms.Form):
    """Name and password; the first administrator gives his address too."""

    email = forms.EmailField(
        label=gettext_lazy("Mail address"),
        help_text=gettext_lazy("You sign in with it."),
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    surname = forms.CharField(
        label=gettext_lazy("Surname"),
        max_length=80,
        validators=[check_name],
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    first_name = forms.CharField(
        label=gettext_lazy("First name"),
        max_length=80,
        validators=[check_name],
        help_text=gettext_lazy("Clients read your full name under your answers."),
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        help_text=gettext_lazy("At least 10 characters; several words are easy to remember."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    repeated = forms.CharField(
        label=gettext_lazy("Password once more"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, invitation: Invitation, **options: Any) -> None:
        agent = invitation.agent
        if agent is not None:
            options["initial"] = {"surname": agent.surname, "first_name": agent.first_name}
        super().__init__(*args, **options)
        if agent is not None:
            del self.fields["email"]

    def clean(self) -> dict[str, Any]:
        """Both passwords must be equal."""
        given = super().clean() or self.cleaned_data
        if given.get("password") != given.get("repeated"):
            self.add_error("repeated", _("The passwords differ."))
        return given


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the form and changes nothing: mail scanners open every link."""
    invitation = invitations.find(token)
    if invitation is None:
        return render(request, "account/invitation_over.html", status=410)
    form = InvitationForm(request.POST or None, invitation=invitation)
    if request.method == "POST" and form.is_valid() and _accept(token, form):
        if request.user.is_authenticated:
            logout(request)
        messages.success(request, _("Your password is set. Sign in with it."))
        return redirect("account_login")
    content = {"form": form, "invited": invitation.agent}
    return render(request, "account/invitation.html", content)


def _accept(token: str, form: InvitationForm) -> bool:
    given = form.cleaned_data
    try:
        invitations.accept(
            token,
            given["password"],
            surname=given["surname"],
            first_name=given["first_name"],
            email=given.get("email", ""),
        )
    except ValidationError as error:
        _show(form, error)
        return False
    return True


def _show(form: InvitationForm, error: ValidationError) -> None:
    if not hasattr(error, "error_dict"):
        form.add_error("password", error)
        return
    for field, problems in error.error_dict.items():
        form.add_error(field if field in form.fields else None, problems)
