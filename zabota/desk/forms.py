from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from zabota.desk import zones
from zabota.staff.models import Agent


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an agent may change about himself."""

    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))

    class Meta:
        model = Agent
        fields = (
            "surname first_name patronymic language time_zone theme density letter_keys "
            "undo_seconds mail_notices"
        ).split()
        labels = {
            "surname": gettext_lazy("Surname"),
            "first_name": gettext_lazy("First name"),
            "patronymic": gettext_lazy("Patronymic"),
            "language": gettext_lazy("Language"),
            "theme": gettext_lazy("Theme"),
            "density": gettext_lazy("List density"),
            "letter_keys": gettext_lazy("Single-letter keys"),
            "undo_seconds": gettext_lazy("Seconds to take an answer back"),
            "mail_notices": gettext_lazy("Mail me about my tickets"),
        }
        help_texts = {
            "first_name": gettext_lazy("Clients read your full name under your answers."),
            "undo_seconds": gettext_lazy("0 to 30; with 0 an answer leaves at once."),
            "letter_keys": gettext_lazy("R for a reply, J and K for the next ticket and so on."),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        own = self.instance.time_zone
        offered = dict(zones.choices())
        offered.setdefault(own, zones.label(own))
        field = self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(offered.items())
