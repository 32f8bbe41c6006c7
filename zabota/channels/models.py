from __future__ import annotations

import hashlib
from typing import ClassVar

from django.core.validators import validate_email
from django.db import models
from django.utils.translation import gettext_lazy as _

from zabota.channels.unused import names_blobs
from zabota.lib import clock, crypto
from zabota.staff.models import Language, Queue, check_zone

# How a mailbox is reached: nothing for a screen or a ticket.
HIDDEN = ("config", "secret_encrypted", "folders")


class Inbox(models.Model):
    """One configured mailbox (later: bot, widget, number)."""

    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(max_length=20, default="mail", editable=False)
    address = models.CharField(
        _("mail address"), max_length=254, unique=True, validators=[validate_email]
    )
    sender_name = models.CharField(_("sender name in mails"), max_length=120, blank=True)
    queue = models.ForeignKey(
        Queue, models.PROTECT, related_name="inboxes", verbose_name=_("queue")
    )
    language = models.CharField(_("language"), max_length=2, choices=Language, default=Language.RU)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Moscow", validators=[check_zone]
    )
    plus_addresses = models.BooleanField(
        _("answers may come to name+token@domain"),
        default=True,
        help_text=_("Switch off when the mail server refuses addresses with a plus sign."),
    )
    is_active = models.BooleanField(_("fetch and send"), default=True)
    config = models.JSONField(default=dict)
    secret_encrypted = models.TextField(blank=True, editable=False)
    folders = models.JSONField(default=list)
    starts_at = models.DateTimeField(default=clock.now, editable=False)
    # Mail that arrived earlier is taken in silently (set when a backup is restored).
    silent_before = models.DateTimeField(null=True, editable=False)
    last_pass_at = models.DateTimeField(null=True, editable=False)
    last_ok_at = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>"

    def secret(self) -> str:
        """The mailbox password in clear; raises crypto.WrongKey when the key file was changed."""
        return crypto.decrypt(self.secret_encrypted) if self.secret_encrypted else ""

    def set_secret(self, password: str) -> None:
        """Encrypt the password with the key outside the database; the caller saves."""
        self.secret_encrypted = crypto.encrypt(password)

    def token(self) -> str:
        """See `permission.token`."""
        from zabota.channels import permission  # it reads and writes this model

        return permission.token(self)

    def token_refused(self) -> None:
        """See `permission.token_refused`."""
        from zabota.channels import permission

        permission.token_refused(self)


class Permission(models.Model):
    """The right to read and send for a mailbox, given at its provider (OAuth2).

    Connected when `refresh_encrypted` is there; `lost_at`: the provider has taken it back.
    """

    inbox = models.OneToOneField(Inbox, models.CASCADE, related_name="permission")
    provider = models.CharField(max_length=20)
    tenant = models.CharField(_("directory (tenant)"), max_length=100, blank=True)
    client_id = models.CharField(_("client ID"), max_length=250)
    client_secret_encrypted = models.TextField(blank=True, editable=False)
    refresh_encrypted = models.TextField(blank=True, editable=False)
    access_encrypted = models.TextField(blank=True, editable=False)
    renew_at = models.DateTimeField(null=True, editable=False)
    connected_at = models.DateTimeField(null=True, editable=False)
    lost_at = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False)

    def __str__(self) -> str:
        return self.provider.capitalize()


class Folder(models.Model):
    """How far a folder of an inbox was read. `uidvalidity` 0: never looked at."""

    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="cursors")
    name = models.CharField(max_length=500)
    # Which mailbox the numbers belong to (`folders.mailbox_of`); UIDVALIDITY alone does not tell:
    # some servers say 1 for every mailbox.
    mailbox = models.CharField(max_length=12, blank=True)
    uidvalidity = models.BigIntegerField(default=0)
    last_uid = models.BigIntegerField(default=0)
    # Older UIDs belong to the time before this inbox was added; they wait for an import order.
    floor_uid = models.BigIntegerField(default=0)
    # UIDs below lay there already when the server renumbered the folder: known mail under other
    # numbers, taken in silently whenever it can be read.
    silent_below = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["inbox", "name"], name="one_cursor_per_folder")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.uidvalidity}:{self.last_uid}"


class RawState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    DONE = "done", _("taken in")
    DOUBLE = "double", _("already there")
    QUARANTINE = "quarantine", _("quarantine")
    DISCARDED = "discarded", _("discarded")


class RawMessage(models.Model):
    """A message as it came, kept before its sender is told anything."""

    inbox = models.ForeignKey(Inbox, models.PROTECT, related_name="raw_messages")
    # Where it lay: folder, UIDVALIDITY and UID for mail. The same place is never taken twice.
    place = models.CharField(max_length=600)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.BigIntegerField()
    received_at = models.DateTimeField(default=clock.now)
    arrived_at = models.DateTimeField()
    is_cut = models.BooleanField(default=False)
    # Taken in without acknowledgement, notices or clocks (imported, late, after a restore).
    is_silent = models.BooleanField(default=False)
    silent_reason = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=12, choices=RawState, default=RawState.WAITING)
    error = models.CharField(max_length=500, blank=True)
    discard_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["inbox", "arrived_at"], name="raw_by_arrival")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["inbox", "place"], name="one_raw_message_per_place")
        ]

    def __str__(self) -> str:
        return f"raw {self.pk} {self.place}"


names_blobs(RawMessage, "sha256")


class ServerCount(models.Model):
    """What stood on the server of one UTC day's mail when it was last counted, and how much of it
    could not be kept (see `balance`)."""

    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="counts")
    day = models.DateField()
    on_server = models.PositiveIntegerField()
    missing = models.PositiveIntegerField()
    counted_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["inbox", "day"], name="one_count_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.inbox_id} {self.day}: {self.on_server}"


class ImportRun(models.Model):
    """The past of a folder being taken in on an administrator's order."""

    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="imports")
    folder = models.CharField(max_length=500)
    since = models.DateField()
    mailbox = models.CharField(max_length=12, blank=True)
    uidvalidity = models.BigIntegerField()
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    last_uid = models.BigIntegerField(default=0)
    ordered_by = models.BigIntegerField()
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"import {self.folder} {self.done}/{self.total}"


class OutgoingState(models.TextChoices):
    QUEUED = "queued", _("waiting to be sent")
    SENDING = "sending", _("being sent")
    DELAYED = "delayed", _("delayed, will be tried again")
    AWAY = "away", _("waiting for the mail server")
    PACED = "paced", _("waiting because of the sending limit")
    SENT = "sent", _("sent")
    FAILED = "failed", _("not sent")
    # What the receiver's side tells later, by a mail of its own.
    HELD = "held", _("the receiver's server still tries to deliver it")
    RETURNED = "returned", _("returned by the receiver's server")


class Outgoing(models.Model):
    """One message of the outbox, complete and final. Sent at least once under one Message-ID."""

    key = models.CharField(max_length=120, unique=True)
    inbox = models.ForeignKey(Inbox, models.PROTECT, null=True, related_name="outgoing")
    recipient = models.CharField(max_length=320)
    message_id = models.CharField(max_length=250, unique=True)
    envelope = models.JSONField()
    state = models.CharField(max_length=10, choices=OutgoingState, default=OutgoingState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True)
    copied_at = models.DateTimeField(null=True)
    # When it left, or may leave, as the sending limits count (see `pace`); nothing without limits.
    inbox_slot = models.DateTimeField(null=True)
    domain_slot = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["inbox", "inbox_slot"],
                condition=models.Q(inbox_slot__isnull=False),
                name="outgoing_inbox_slot",
            ),
            models.Index(
                models.Func(
                    models.F("recipient"),
                    models.Value("@"),
                    models.Value(2),
                    function="split_part",
                ),
                "domain_slot",
                condition=models.Q(domain_slot__isnull=False),
                name="outgoing_domain_slot",
            ),
            models.Index(
                fields=["state"],
                condition=~models.Q(state="sent"),
                name="outgoing_not_sent",
            ),
        ]

    @property
    def stream(self) -> str:
        """Order is kept per recipient; the log must not hold his address, so its digest stands
        there."""
        return f"outgoing:{hashlib.sha256(self.recipient.encode()).hexdigest()[:24]}"

    def __str__(self) -> str:
        return f"outgoing {self.pk} {self.state}"


class Standstill(models.Model):
    """Its row says that this is a restored copy which neither fetches nor sends yet."""

    made_at = models.CharField(max_length=40)
    since = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"copy of {self.made_at}"
