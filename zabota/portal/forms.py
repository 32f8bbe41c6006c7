"""What clients may type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zabota.lib.text import clean, one_line
from zabota.portal import typos
from zabota.staff.asking import Field, Kind, fields_of
from zabota.staff.models import Consent, Topic
from zabota.tickets.actions import MAX_REPLY
from zabota.tickets.deliver import is_ours


class MessageForm(forms.Form):
    """One more message; `known` browsers need not name their address."""

    text = forms.CharField(
        label=_("Your message"),
        max_length=MAX_REPLY,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": _("Write what we should know.")},
    )
    address = forms.EmailField(
        label=_("Your mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("We send you a link to confirm that it is you; then the message is added."),
    )
    key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)

    def __init__(self, *args: Any, known: bool = False, **options: Any) -> None:
        options.setdefault("prefix", None)
        super().__init__(*args, **options)
        if known:
            del self.fields["address"]

    def clean_text(self) -> str:
        """Without control characters."""
        text = clean(self.cleaned_data["text"]).replace("\r\n", "\n").strip()
        if not text:
            raise forms.ValidationError(_("Write what we should know."))
        return text

    def clean_address(self) -> str:
        """As addresses are kept."""
        return str(self.cleaned_data["address"]).strip().lower()


class SignInForm(forms.Form):
    """Who wants to see his requests."""

    address = forms.EmailField(
        label=_("Your mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def clean_address(self) -> str:
        """As addresses are kept."""
        return str(self.cleaned_data["address"]).strip().lower()


class PlainNumberField(forms.DecimalField):
    """A number or sum as people write it: 1 234,56."""

    def to_python(self, value: Any) -> Any:
        """Spaces and the currency sign do not count, a comma is a point."""
        text = re.sub(r"[\s\u00a0\u202f₽$€]", "", str(value or "")).replace(",", ".")
        return super().to_python(text)


PHONE = RegexValidator(
    r"^\+?[\d\s()\-.]{5,24}$", _("Write the number in figures, for instance +7 900 123-45-67.")
)


class RequestForm(forms.Form):
    """The request form of one topic: who, what, the topic's own questions, consent."""

    name = forms.CharField(
        label=_("Your name"), max_length=200, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )  # fmt: skip
    address = forms.EmailField(
        label=_("Your mail address"), max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("We answer to it; no password is needed."),
    )  # fmt: skip
    address_is_right = forms.BooleanField(label=_("The address is right"), required=False)
    subject = forms.CharField(label=_("What is it about, in a few words"), max_length=200)
    text = forms.CharField(
        label=_("What happened?"), max_length=MAX_REPLY, widget=forms.Textarea(attrs={"rows": 6})
    )
    loses_money = forms.ChoiceField(
        label=_("Are you losing money right now through our fault?"),
        choices=[("no", _("no")), ("yes", _("yes, right now"))],
        widget=forms.RadioSelect,
        initial="no",
    )
    consent = forms.BooleanField(
        label=_("I agree"), error_messages={"required": _("Without your consent we cannot answer.")}
    )
    # No person sees it.
    website = forms.CharField(label=_("Leave this empty"), required=False)
    mark = forms.CharField(widget=forms.HiddenInput, max_length=300, required=False)
    consent_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, topic: Topic, consent: Consent | None, language: str, *args: Any, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.questions = fields_of(topic)
        self.language = language
        self.suggestion = ""
        self.in_force = consent
        if consent is None:
            del self.fields["consent"]
        for place, question in enumerate(self.questions):
            self.fields[f"q{place}"] = made(question, language)

    @property
    def asked(self) -> list[forms.BoundField]:
        """The topic's own questions."""
        return [self[f"q{place}"] for place in range(len(self.questions))]

    def answers(self) -> Sequence[tuple[str, str]]:
        """(question, answer) of those that were answered."""
        given = [self.cleaned_data.get(f"q{place}") for place in range(len(self.questions))]
        return [
            (question.label(self.language), str(answer))
            for question, answer in zip(self.questions, given, strict=True)
            if answer not in (None, "")
        ]

    def clean_name(self) -> str:
        """In one line, without control characters."""
        return one_line(clean(self.cleaned_data["name"]))

    def clean_subject(self) -> str:
        """In one line, without control characters."""
        return one_line(clean(self.cleaned_data["subject"])) or self._missing()

    def clean_text(self) -> str:
        """Without control characters."""
        text = clean(self.cleaned_data["text"]).replace("\r\n", "\n").strip()
        return text or self._missing()

    def clean_address(self) -> str:
        """As addresses are kept; never one of our own."""
        address = str(self.cleaned_data["address"]).strip().lower()
        if is_ours(address):
            raise forms.ValidationError(gettext("This is our own address. Write yours."))
        return address

    def clean_website(self) -> str:
        """Only robots fill it."""
        if self.cleaned_data["website"]:
            raise forms.ValidationError(gettext("Leave this field empty."))
        return ""

    def clean(self) -> dict[str, Any]:
        """A slip in the address is shown once; the text agreed to is the one in force."""
        given = super().clean() or self.cleaned_data
        address = given.get("address", "")
        if address and not given.get("address_is_right"):
            self.suggestion = typos.meant(address)
            if self.suggestion:
                words = gettext("Did you mean %(address)s?") % {"address": self.suggestion}
                self.add_error("address", words)
        if self.in_force and given.get("consent_version") != self.in_force.version:
            self.add_error("consent", gettext("The text has changed. Please read it again."))
        return given

    def _missing(self) -> str:
        raise forms.ValidationError(gettext("This field is required."))


def made(question: Field, language: str) -> forms.Field:
    """The control of one question of a topic."""
    common: dict[str, Any] = {
        "label": question.label(language),
        "help_text": question.help(language),
        "required": question.required,
    }
    checks: list[Any] = []
    if question.pattern:
        words = _("This does not look right. Compare it with the example or with your papers.")
        checks = [RegexValidator(rf"\A(?:{question.pattern})\Z", words)]
    kind = question.kind
    if kind == Kind.CHOICE:
        offered = [(one, one) for one in question.answers(language)]
        return forms.ChoiceField(choices=[("", "—"), *offered], **common)
    if kind == Kind.DATE:
        return forms.DateField(
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **common
        )
    if kind == Kind.NUMBER:
        return PlainNumberField(
            max_digits=18, widget=forms.TextInput(attrs={"inputmode": "decimal"}), **common
        )
    if kind == Kind.MONEY:
        return PlainNumberField(
            max_digits=15, decimal_places=2, min_value=Decimal("0.01"),
            widget=forms.TextInput(attrs={"inputmode": "decimal"}), **common,
        )  # fmt: skip
    if kind == Kind.MAIL:
        return forms.EmailField(max_length=254, validators=checks, **common)
    if kind == Kind.PHONE:
        widget = forms.TextInput(attrs={"type": "tel"})
        return forms.CharField(max_length=25, validators=[PHONE, *checks], widget=widget, **common)
    long = kind == Kind.LONG
    return forms.CharField(
        max_length=5000 if long else 200,
        widget=forms.Textarea(attrs={"rows": 4}) if long else forms.TextInput(),
        validators=checks,
        **common,
    )
