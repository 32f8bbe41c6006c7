from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from zabota.channels.models import Inbox, Outgoing, RawMessage
from zabota.channels.unused import names_blobs
from zabota.customers.models import Contact
from zabota.lib import clock
from zabota.staff.models import Agent
from zabota.tickets.models.ticket import Ticket


class Direction(models.TextChoices):
    IN = "in", _("from the client")
    OUT = "out", _("to the client")
    NOTE = "note", _("internal note")
    CALL = "call", _("logged call")


class Purpose(models.TextChoices):
    """What an automatic message is for; empty for people's messages."""

    PERSONAL = "", _("written by a person")
    ACKNOWLEDGEMENT = "acknowledgement", _("acknowledgement")
    SOLVED = "solved", _("solved notice")


class Message(models.Model):
    """One utterance in a ticket."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="messages")
    direction = models.CharField(max_length=4, choices=Direction)
    purpose = models.CharField(max_length=16, choices=Purpose, blank=True, default="")
    agent = models.ForeignKey(Agent, models.PROTECT, null=True, related_name="+")
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, related_name="+")
    signed = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=clock.now)
    received_at = models.DateTimeField(default=clock.now)
    text = models.TextField(blank=True)
    quoted = models.TextField(blank=True)
    html = models.TextField(blank=True)
    language = models.CharField(max_length=8, blank=True)
    solves = models.BooleanField(default=False)
    call = models.JSONField(default=dict)
    inbox = models.ForeignKey(Inbox, models.PROTECT, null=True, related_name="+")
    raw = models.OneToOneField(RawMessage, models.PROTECT, null=True, related_name="message")
    message_id = models.CharField(max_length=250, blank=True)
    in_reply_to = models.CharField(max_length=250, blank=True)
    content_key = models.CharField(max_length=64, unique=True, null=True)
    # Of a client's message: where its answer goes; of ours: the address an agent chose.
    answer_to = models.JSONField(default=list)
    robot = models.CharField(max_length=16, blank=True)
    robot_sign = models.CharField(max_length=200, blank=True)
    repairs = models.JSONField(default=list)
    thread_how = models.CharField(max_length=24, blank=True)
    thread_detail = models.CharField(max_length=250, blank=True)
    outgoing = models.OneToOneField(
        Outgoing, models.PROTECT, null=True, related_name="ticket_message"
    )
    triaged_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["ticket", "received_at", "id"]),
            models.Index(fields=["contact", "received_at"], name="message_by_contact"),
            models.Index(
                fields=["message_id"],
                condition=~models.Q(message_id=""),
                name="message_by_message_id",
            ),
            models.Index(
                fields=["in_reply_to"],
                condition=~models.Q(in_reply_to=""),
                name="message_by_in_reply_to",
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~models.Q(direction="out") | ~models.Q(signed=""),
                name="outgoing_is_signed",
            )
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.pk} of {self.ticket_id}"

    @property
    def is_public(self) -> bool:
        """The client wrote or gets it."""
        return self.direction in {Direction.IN, Direction.OUT}


class AttachmentState(models.TextChoices):
    OK = "ok", _("ready")
    TOO_LARGE = "too_large", _("too large, not taken")
    BLOCKED = "blocked", _("blocked type")
    INFECTED = "infected", _("infected")
    UNSCANNED = "unscanned", _("not scanned yet")


class Attachment(models.Model):
    """A file of a message; its bytes lie once per SHA-256 in the blob store."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=120)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    is_inline = models.BooleanField(default=False)
    content_id = models.CharField(max_length=250, blank=True)
    state = models.CharField(max_length=10, choices=AttachmentState, default=AttachmentState.OK)

    def __str__(self) -> str:
        return self.name


names_blobs(Attachment, "sha256")
