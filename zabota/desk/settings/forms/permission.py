"""The application that was registered at Google or Microsoft for a mailbox."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zabota.channels.models import Permission
from zabota.channels.providers import PROVIDERS, TENANT
from zabota.lib import crypto


class PermissionForm(forms.ModelForm):  # type: ignore[type-arg]
    """Client ID, secret and tenant. The secret is only ever taken, never shown."""

    client_secret = forms.CharField(
        label=gettext_lazy("Client secret"),
        max_length=1000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = Permission
        fields = ["client_id", "tenant"]
        widgets: ClassVar[dict[str, Any]] = {
            "client_id": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "tenant": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        }

    field_order = ("client_id", "client_secret", "tenant")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        secret = self.fields["client_secret"]
        if self.instance.client_secret_encrypted:
            secret.help_text = _("A secret is stored. Empty: it stays.")
        else:
            secret.required = True
        if not PROVIDERS[self.instance.provider].has_tenant:
            del self.fields["tenant"]
        else:
            self.fields["tenant"].help_text = _(
                "Directory (tenant) ID of your company. Empty: any company."
            )

    def clean_tenant(self) -> str:
        """It becomes part of an address."""
        given = str(self.cleaned_data["tenant"]).strip()
        if given and not TENANT.fullmatch(given):
            raise ValidationError(_("Letters, digits, dots and hyphens only."))
        return given

    def fill(self) -> tuple[list[str], list[str]]:
        """Put the secret into the instance: changed names, and the columns to store."""
        changed = list(self.changed_data)
        if self.cleaned_data.get("client_secret"):
            self.instance.client_secret_encrypted = crypto.encrypt(
                self.cleaned_data["client_secret"]
            )
        names = {"client_secret": "client_secret_encrypted"}
        return changed, [names.get(name, name) for name in changed]
