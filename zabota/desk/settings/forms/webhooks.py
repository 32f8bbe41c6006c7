"""A webhook: whom it tells, what, and of which queues."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zabota.desk.settings.forms.programs import workers
from zabota.lib import calling
from zabota.notify import hearing
from zabota.notify.actions import OVERLAPS
from zabota.notify.models import DeliveryState, Webhook
from zabota.staff import policy
from zabota.staff.models import Agent, Level, Queue, Role

STANDARD = ("tickets.made", "tickets.message_received", "tickets.solved")


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new webhook, or changes to one. The secret is never here."""

    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("The program is told when"),
        choices=[(title, [(one.kind, one.words) for one in group])
                 for title, group in hearing.GROUPS],
        widget=forms.CheckboxSelectMultiple,
        initial=STANDARD,
    )  # fmt: skip
    queues = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Only of these queues"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Webhook
        fields: ClassVar[list[str]] = ["name", "address", "agent", "kinds", "queues"]
        labels = {"name": gettext_lazy("What it is for"), "address": gettext_lazy("Address")}
        help_texts = {
            "address": gettext_lazy("Where the program listens. It begins with https://…"),
            "agent": gettext_lazy(
                "An agent of the role integration. The program hears of the queues that he sees."
            ),
        }
        widgets = {"address": forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        agent = self.fields["agent"]
        assert isinstance(agent, forms.ModelChoiceField)
        agent.empty_label = None
        mine = Q(pk=self.instance.agent_id) if self.instance.pk else Q(pk__in=workers())
        agent.queryset = Agent.objects.filter(Q(pk__in=workers()) | mine).order_by("surname")
        queues = self.fields["queues"]
        assert isinstance(queues, forms.TypedMultipleChoiceField)
        rows = Queue.objects.filter(Q(is_active=True) | Q(pk__in=self.instance.queues or []))
        queues.choices = [
            (row.pk, str(row)) for row in rows.order_by("department_id", "line", "id")
        ]

    def clean_address(self) -> str:
        """Whole, without a user's name; where it leads is looked at when it is called."""
        address = str(self.cleaned_data["address"]).strip()
        try:
            calling.target_of(address)
        except calling.Failed:
            raise forms.ValidationError(
                _("Write the whole address, https://…, without spaces, user name and password.")
            ) from None
        return address

    def clean(self) -> dict[str, Any]:
        """What is chosen can be heard."""
        given = super().clean() or self.cleaned_data
        agent, chosen = given.get("agent"), given.get("queues") or []
        if agent and agent.role == Role.INTEGRATION and chosen:
            seen = policy.queues_at(agent, Level.SEE)
            foreign = [label for pk, label in self.fields["queues"].choices  # type: ignore[attr-defined]
                       if pk in set(chosen) - seen]  # fmt: skip
            if foreign:
                text = _("%(agent)s does not see: %(queues)s. Give him the right there first.")
                names = {"agent": agent.full_name, "queues": ", ".join(foreign)}
                self.add_error("queues", text % names)
        return given

    @property
    def groups(self) -> list[tuple[Any, list[Any]]]:
        """The checkboxes of the facts, group by group."""
        boxes = list(self["kinds"].subwidgets)
        found = []
        for title, group in hearing.GROUPS:
            found.append((title, boxes[: len(group)]))
            boxes = boxes[len(group) :]
        return found


class SecretForm(forms.Form):
    """How long the former secret signs too."""

    hours = forms.TypedChoiceField(
        label=gettext_lazy("The former secret stays in force for"),
        coerce=int,
        choices=[
            (OVERLAPS[0], gettext_lazy("a day")),
            (OVERLAPS[1], gettext_lazy("a week")),
            (OVERLAPS[2], gettext_lazy("no time: it has become known")),
        ],
    )


class LogForm(forms.Form):
    """What of the log of deliveries is shown."""

    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("What for"), required=False)
    ticket = forms.IntegerField(
        label=gettext_lazy("Ticket"), required=False, min_value=1, max_value=2**63 - 1
    )
    before = forms.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        state, kind = self.fields["state"], self.fields["kind"]
        assert isinstance(state, forms.ChoiceField)
        assert isinstance(kind, forms.ChoiceField)
        state.choices = [("", _("all")), *DeliveryState.choices]
        known = [(one.kind, one.words) for one in hearing.KNOWN.values()]
        kind.choices = [("", _("all")), *known, (hearing.TEST, _("test"))]

    def chosen(self) -> dict[str, Any]:
        """The conditions; a wrong one counts as none."""
        self.is_valid()
        return {
            name: value
            for name in ("state", "kind", "ticket")
            if (value := self.cleaned_data.get(name))
        }
