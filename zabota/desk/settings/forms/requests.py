"""The request form: its switch and consent text, and the fields that a topic asks for."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zabota.lib.text import clean
from zabota.staff.asking import Field, Kind

MOST_FIELDS = 30


class RequestFormForm(forms.Form):
    """Open or closed, and what is agreed to."""

    is_on = forms.BooleanField(label=gettext_lazy("The form is open"), required=False)
    text_ru = forms.CharField(
        label=gettext_lazy("Consent in Russian"),
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy(
            "Who sends the form agrees to this text; without a text nothing is asked. A changed "
            "text is a new version; which one a client agreed to stands in his ticket's history."
        ),
    )
    text_en = forms.CharField(
        label=gettext_lazy("Consent in English"),
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def texts(self) -> tuple[str, str]:
        """Both texts as they are kept."""
        given = (self.cleaned_data["text_ru"], self.cleaned_data["text_en"])
        return tuple(clean(one).replace("\r\n", "\n").strip() for one in given)  # type: ignore[return-value]


class FieldForm(forms.Form):
    """One question to the client."""

    label_ru = forms.CharField(
        label=gettext_lazy("Question in Russian"), max_length=120, required=False
    )
    label_en = forms.CharField(
        label=gettext_lazy("Question in English"), max_length=120, required=False
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=Kind.choices)
    required = forms.BooleanField(label=gettext_lazy("must be answered"), required=False)
    help_ru = forms.CharField(label=gettext_lazy("Hint in Russian"), max_length=300, required=False)
    help_en = forms.CharField(label=gettext_lazy("Hint in English"), max_length=300, required=False)
    pattern = forms.CharField(
        label=gettext_lazy("Check"),
        max_length=200,
        required=False,
        help_text=gettext_lazy(
            "A regular expression for the whole answer, such as \\d{4}-\\d{6}. Empty: no check."
        ),
    )
    choices = forms.CharField(
        label=gettext_lazy("Choices"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One a line: Russian | English."),
    )

    def clean_pattern(self) -> str:
        """A check that can be made at all."""
        pattern = str(self.cleaned_data["pattern"])
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError):
            raise forms.ValidationError(_("This is no regular expression.")) from None
        return pattern

    def clean(self) -> dict[str, Any]:
        """A question has words, a choice has choices."""
        given = super().clean() or self.cleaned_data
        if not (given.get("label_ru") or given.get("label_en")):
            self.add_error("label_ru", _("Write the question in at least one language."))
        if given.get("kind") == Kind.CHOICE and len(self.pairs()) < 2:
            self.add_error("choices", _("Write at least two choices."))
        return given

    def pairs(self) -> list[tuple[str, str]]:
        """(Russian, English) of each choice."""
        found = []
        for line in str(self.cleaned_data.get("choices") or "").splitlines():
            russian, _bar, english = (part.strip() for part in clean(line).partition("|"))
            if russian or english:
                found.append((russian, english))
        return found

    def field(self) -> dict[str, Any]:
        """As the topic keeps it."""
        given = {name: self.cleaned_data[name] for name in Field.__dataclass_fields__}
        return Field(**given | {"choices": self.pairs()}).as_json()


Fields = forms.formset_factory(
    FieldForm, extra=1, can_delete=True, can_order=True, max_num=MOST_FIELDS, validate_max=True
)


def initial(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A topic's fields as the forms show them."""
    return [
        one | {"choices": "\n".join(" | ".join(filter(None, pair)) for pair in one["choices"])}
        for one in fields
    ]


def chosen(forms_: Any) -> list[dict[str, Any]]:
    """The fields that were sent, in their order."""
    kept = [form for form in forms_.forms if form.has_changed() or form.initial]
    kept = [form for form in kept if not form.cleaned_data.get("DELETE")]
    kept.sort(key=lambda form: form.cleaned_data.get("ORDER") or MOST_FIELDS + 1)
    return [form.field() for form in kept]
