"""Agents and what they may do in each queue."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zabota.desk import zones
from zabota.lib import clock
from zabota.staff.models import Agent, Grant, Level, Queue
from zabota.staff.policy import CEILING


class AgentForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new agent, or changes to one."""

    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    last_day = forms.DateField(
        label=gettext_lazy("Last day of the account"),
        required=False,
        help_text=gettext_lazy("For trainees and outside helpers; empty: without an end."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    class Meta:
        model = Agent
        fields = ["email", "surname", "first_name", "patronymic", "position", "role", "language"]
        help_texts = {
            "email": gettext_lazy("The agent signs in with it and gets notices there."),
            "first_name": gettext_lazy("Clients read first name and surname under each answer."),
        }
        error_messages = {"email": {"unique": gettext_lazy("Another agent has this address.")}}

    def __init__(self, *args: Any, **options: Any) -> None:
        agent = options.get("instance")
        given = {"time_zone": agent.time_zone if agent else str(timezone.get_current_timezone())}
        if agent and agent.expires_at:
            given["last_day"] = _last_day(agent.expires_at)
        options["initial"] = given | (options.get("initial") or {})
        super().__init__(*args, **options)
        offered = dict(zones.choices())
        offered.setdefault(given["time_zone"], zones.label(given["time_zone"]))
        zone = self.fields["time_zone"]
        assert isinstance(zone, forms.ChoiceField)
        zone.choices = list(offered.items())

    def clean_email(self) -> str:
        """Addresses are kept in lower case."""
        return str(self.cleaned_data["email"]).strip().lower()

    def clean_last_day(self) -> Any:
        """A new end lies in the future; an old one may stay."""
        day = self.cleaned_data["last_day"]
        if day and "last_day" in self.changed_data and day < timezone.localdate(clock.now()):
            raise forms.ValidationError(_("This day is over. To close the account, switch it off."))
        return day

    def changes(self) -> dict[str, Any]:
        """The changed columns of the agent with their new values."""
        given = {name: self.cleaned_data[name] for name in self.changed_data}
        if "last_day" in given:
            day = given.pop("last_day")
            given["expires_at"] = end_of(day) if day else None
        return given


class GrantsForm(forms.Form):
    """The level of one agent in each queue, up to what his role allows."""

    def __init__(self, *args: Any, agent: Agent, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ceiling = CEILING[agent.role]
        self.stored: dict[int, int] = dict(
            Grant.objects.filter(agent=agent).values_list("queue_id", "level")
        )
        queues = Queue.objects.select_related("department")
        self.queues = list(queues.order_by("department_id", "line", "id"))
        levels = [(int(level), level.label) for level in Level if level <= self.ceiling]
        for queue in self.queues:
            present = min(self.stored.get(queue.pk, 0), self.ceiling)
            self.fields[f"queue_{queue.pk}"] = forms.TypedChoiceField(
                label=str(queue),
                choices=[(0, _("no access")), *levels],
                coerce=int,
                initial=int(present),
            )

    def levels(self) -> dict[int, Level]:
        """The chosen levels by queue id. A grant above the ceiling of the present role is kept."""
        found = {}
        for queue in self.queues:
            level = self.cleaned_data[f"queue_{queue.pk}"]
            stored = self.stored.get(queue.pk, 0)
            if level == self.ceiling and stored > level:
                level = stored
            if level:
                found[queue.pk] = Level(level)
        return found

    def rows(self) -> list[tuple[Queue, forms.BoundField]]:
        """Each queue with its select."""
        return [(queue, self[f"queue_{queue.pk}"]) for queue in self.queues]


def end_of(day: Any) -> datetime:
    """Midnight after the day, in the zone of the one who types it."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def _last_day(end: datetime) -> Any:
    return timezone.localdate(end - timedelta(seconds=1))
