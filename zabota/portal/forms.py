"""What clients may type."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zabota.lib.text import clean
from zabota.tickets.actions import MAX_REPLY


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
