"""A new token of a program."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zabota.desk.settings.forms.agents import end_of
from zabota.lib import clock
from zabota.staff.models import Agent, Role, Scope


def workers() -> models.QuerySet[Agent]:
    """As whom programs may work, by name."""
    found = Agent.objects.filter(role=Role.INTEGRATION, is_active=True)
    return found.order_by("surname", "first_name")


class TokenForm(forms.Form):
    """What the token is for, as whom its program works, what it may, and until when."""

    name = forms.CharField(
        label=gettext_lazy("What it is for"),
        max_length=80,
        help_text=gettext_lazy("For instance “CRM” or “Forms of the site”."),
    )
    agent = forms.ModelChoiceField(
        label=gettext_lazy("Works as"),
        queryset=Agent.objects.none(),
        empty_label=None,
        help_text=gettext_lazy(
            "An agent of the role integration. His rights in the queues are the program's, and "
            "its answers to clients are signed with his name."
        ),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("The program may"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    last_day = forms.DateField(
        label=gettext_lazy("Last day of the token"),
        required=False,
        help_text=gettext_lazy("Empty: without an end."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        agent = self.fields["agent"]
        assert isinstance(agent, forms.ModelChoiceField)
        agent.queryset = workers()

    def clean_last_day(self) -> Any:
        """The end lies in the future."""
        day = self.cleaned_data["last_day"]
        if day and day < timezone.localdate(clock.now()):
            raise forms.ValidationError(_("This day is over."))
        return day

    def expires_at(self) -> datetime | None:
        """Midnight after the last day."""
        day = self.cleaned_data["last_day"]
        return end_of(day) if day else None
