"""The companies we serve."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zabota.customers.models import Account
from zabota.desk import zones
from zabota.staff.models import Language

DOMAIN = re.compile(r"(?!-)[^\s@/:,;]{1,63}(\.[^\s@/:,;.]{1,63})+")


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name, language and zone of a client."""

    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)

    class Meta:
        model = Account
        fields = ["name", "language", "time_zone"]
        help_texts = {"language": gettext_lazy("Empty: the language of the inbox they write to.")}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        zone, language = self.fields["time_zone"], self.fields["language"]
        assert isinstance(zone, forms.ChoiceField)
        assert isinstance(language, forms.ChoiceField)
        offered = {"": _("as the inbox")} | dict(zones.choices())
        if own := self.instance.time_zone:
            offered.setdefault(own, zones.label(own))
        zone.choices = list(offered.items())
        language.choices = [("", _("as the inbox")), *Language.choices]


class DomainForm(forms.Form):
    """A mail domain to confirm."""

    domain = forms.CharField(
        label=gettext_lazy("Mail domain"),
        max_length=253,
        widget=forms.TextInput(attrs={"placeholder": "example.com", "autocomplete": "off"}),
        help_text=gettext_lazy("Contacts with this domain and without a client join this one."),
    )

    def clean_domain(self) -> str:
        """The domain alone, in lower case, whatever stood before the @."""
        domain = str(self.cleaned_data["domain"]).strip().lower().rpartition("@")[2].rstrip(".")
        if not DOMAIN.fullmatch(domain):
            raise forms.ValidationError(_("Write a domain such as example.com."))
        return domain
