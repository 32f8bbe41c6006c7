"""A mailbox: its address, where its mail goes, and both of its servers."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zabota.channels import permission
from zabota.channels.contract import PASSWORD
from zabota.channels.models import Inbox
from zabota.channels.pace import WINDOWS
from zabota.channels.providers import PROVIDERS
from zabota.desk import zones
from zabota.desk.settings.forms.structure import queues_to_choose
from zabota.desk.settings.presets import PRESETS

ENCRYPTION = [
    ("tls", gettext_lazy("TLS from the start")),
    ("starttls", gettext_lazy("STARTTLS")),
    ("none", gettext_lazy("none (only inside one's own network)")),
]
SERVERS = (
    "imap_host", "imap_port", "imap_tls", "imap_user", "smtp_host", "smtp_port", "smtp_tls",
    "smtp_user",
)  # fmt: skip
LIMITS = tuple(WINDOWS)
CONFIG = (*SERVERS, "auth", "sent_copy", *LIMITS)


def _port(usual: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=gettext_lazy("Port"), min_value=1, max_value=65535, initial=usual
    )


def _limit(label: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, max_value=1_000_000, required=False)


def _plain(**attributes: str) -> forms.TextInput:
    usual = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    return forms.TextInput(attrs=usual | attributes)


class InboxForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new inbox, or changes to one. The password is only ever taken, never shown."""

    preset = forms.ChoiceField(label=gettext_lazy("Mail provider"), required=False)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("Of clients who have no time zone of their own."),
    )
    auth = forms.ChoiceField(
        label=gettext_lazy("Sign-in"),
        help_text=gettext_lazy(
            "Through a provider (OAuth2): no password is stored; you connect the mailbox after "
            "saving."
        ),
    )
    imap_host = forms.CharField(label=gettext_lazy("Server"), max_length=253, widget=_plain())
    imap_port = _port(993)
    imap_tls = forms.ChoiceField(label=gettext_lazy("Encryption"), choices=ENCRYPTION)
    imap_user = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=254,
        required=False,
        widget=_plain(),
        help_text=gettext_lazy("Empty: the mail address."),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=1000,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    smtp_host = forms.CharField(label=gettext_lazy("Server"), max_length=253, widget=_plain())
    smtp_port = _port(465)
    smtp_tls = forms.ChoiceField(label=gettext_lazy("Encryption"), choices=ENCRYPTION)
    smtp_user = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=254,
        required=False,
        widget=_plain(),
        help_text=gettext_lazy("Empty: the server wants no name and password."),
    )
    sent_copy = forms.BooleanField(
        label=gettext_lazy("Put a copy of each answer into the folder of sent mail"),
        required=False,
        help_text=gettext_lazy(
            "Switch off where the provider does that itself (Gmail, Microsoft)."
        ),
    )

    per_minute = _limit(gettext_lazy("Mails a minute"))
    per_hour = _limit(gettext_lazy("Mails an hour"))
    per_day = _limit(gettext_lazy("Mails a day"))

    class Meta:
        model = Inbox
        fields = [
            "name", "address", "sender_name", "queue", "language", "plus_addresses", "is_active",
        ]  # fmt: skip
        help_texts: ClassVar[dict[str, Any]] = {
            "name": gettext_lazy("For agents, such as “Support”."),
            "sender_name": gettext_lazy("Clients see it beside the address."),
            "queue": gettext_lazy("Where new mail waits unless a topic leads elsewhere."),
            "language": gettext_lazy("Of clients whose language is not known."),
        }
        error_messages = {"address": {"unique": gettext_lazy("Another inbox has this address.")}}

    def __init__(self, *args: Any, **options: Any) -> None:
        inbox = options.get("instance") or Inbox()
        known = {name: inbox.config[name] for name in CONFIG if name in inbox.config}
        options["initial"] = known | {"time_zone": inbox.time_zone} | (options.get("initial") or {})
        super().__init__(*args, **options)
        ways = [(name, one.title) for name, one in PROVIDERS.items()]
        self._choose("auth", [(PASSWORD, _("by name and password")), *ways])
        self.fields["auth"].initial = inbox.config.get("auth") or PASSWORD
        self.fields["auth"].required = False
        titles = ((key, preset.title) for key, preset in PRESETS.items())
        self._choose("preset", [("", _("another one")), *titles])
        offered = dict(zones.choices())
        offered.setdefault(inbox.time_zone, zones.label(inbox.time_zone))
        self._choose("time_zone", list(offered.items()))
        queue = self.fields["queue"]
        assert isinstance(queue, forms.ModelChoiceField)
        queue.queryset = queues_to_choose(inbox.queue_id)
        password = self.fields["password"]
        if inbox.secret_encrypted:
            password.help_text = _("A password is stored. Empty: it stays.")
        else:
            password.help_text = _("Only for the sign-in by name and password.")
        if inbox.pk is None:
            # A new inbox is switched on by itself once its connection works.
            del self.fields["is_active"]

    def _choose(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean_address(self) -> str:
        """Addresses are kept in lower case."""
        return str(self.cleaned_data["address"]).strip().lower()

    def clean(self) -> dict[str, Any]:
        """A stored password is never handed to a server it was not typed for."""
        given = super().clean() or self.cleaned_data
        given["imap_user"] = given.get("imap_user") or given.get("address", "")
        auth = given["auth"] = given.get("auth") or PASSWORD
        moved = set(self.settings_changed()) & {*SERVERS, "auth"}
        row = permission.of(self.instance) if self.instance.pk else None
        if row is not None and row.connected_at and moved:
            self.add_error("auth", _("The mailbox is connected: disconnect it before this change."))
        if auth != PASSWORD or given.get("password"):
            return given
        if self.instance.secret_encrypted and moved:
            self.add_error("password", _("The connection was changed: type the password again."))
        elif not self.instance.secret_encrypted and (self.instance.pk is None or moved):
            self.add_error("password", self.fields["password"].error_messages["required"])
        return given

    def settings_changed(self) -> list[str]:
        """Names of the changed fields, as the history shows them."""
        return [name for name in self.changed_data if name != "preset" and not self._is_same(name)]

    def _is_same(self, name: str) -> bool:
        # Cleaned values: another spelling of the same address is no change.
        before = self.instance.config if name in SERVERS else self.initial
        if name == "auth":
            before = {"auth": self.instance.config.get("auth") or PASSWORD}
        return name in self.cleaned_data and self.cleaned_data[name] == before.get(name)

    def probe(self) -> Inbox | None:
        """An unsaved inbox with the typed connection; None when that part has errors."""
        if any(name in self.errors for name in (*SERVERS, "auth", "password", "address")):
            return None
        inbox: Inbox = copy(self.instance)
        inbox.address = self.cleaned_data["address"]
        self._fill(inbox)
        return inbox

    def fill(self) -> tuple[list[str], list[str]]:
        """Put everything typed into the instance: changed names, and the columns to store."""
        changed = self.settings_changed()
        self._fill(self.instance)
        self.instance.time_zone = self.cleaned_data["time_zone"]
        columns = {"config" if name in CONFIG else name for name in changed} - {"password"}
        if {"password", "auth"} & set(changed):
            columns.add("secret_encrypted")
        return changed, sorted(columns)

    def _fill(self, inbox: Inbox) -> None:
        inbox.config = inbox.config | {name: self.cleaned_data[name] for name in CONFIG}
        if self.cleaned_data["auth"] != PASSWORD:
            inbox.secret_encrypted = ""
        elif self.cleaned_data.get("password"):
            inbox.set_secret(self.cleaned_data["password"])

    @property
    def sections(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """Heading, explanation and fields of each part of the page, in its order."""
        parts = (
            (_("The address"), "", ("name", "address", "sender_name", "queue", "language",
                                    "time_zone", "plus_addresses", "is_active")),
            (_("Incoming mail (IMAP)"), _("Mails stay on the server as they are, unread ones too."),
             ("imap_host", "imap_port", "imap_tls", "auth", "imap_user", "password")),
            (_("Outgoing mail (SMTP)"), _("The same password or permission is used."),
             ("smtp_host", "smtp_port", "smtp_tls", "smtp_user", "sent_copy")),
            (_("Sending limits"),
             _("What your mail provider allows. Empty: no limit. What is over it waits its turn."),
             LIMITS),
        )  # fmt: skip
        return [
            (title, text, [self[name] for name in names if name in self.fields])
            for title, text, names in parts
        ]


class FoldersForm(forms.Form):
    """Which folders of the mailbox are read."""

    folders = forms.MultipleChoiceField(
        label=gettext_lazy("Folders to read"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one folder.")},
    )

    def __init__(self, *args: Any, offered: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["folders"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(name, name) for name in offered]


class ImportForm(forms.Form):
    """Which part of the past is taken in."""

    folder = forms.ChoiceField(label=gettext_lazy("Folder"))
    since = forms.DateField(
        label=gettext_lazy("From this day on"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, offered: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["folder"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in offered]
