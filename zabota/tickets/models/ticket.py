from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zabota.channels.models import Inbox, RawMessage
from zabota.customers.models import Account, Contact
from zabota.lib import clock
from zabota.staff import policy
from zabota.staff.models import Agent, Language, Level, Queue, Topic


class Status(models.TextChoices):
    NEW = "new", pgettext_lazy("ticket status", "new")
    OPEN = "open", pgettext_lazy("ticket status", "open")
    WAITING_CLIENT = "waiting_client", pgettext_lazy("ticket status", "waiting for the client")
    WAITING_INTERNAL = "waiting_internal", pgettext_lazy("ticket status", "waiting for colleagues")
    SOLVED = "solved", pgettext_lazy("ticket status", "solved")
    CLOSED = "closed", pgettext_lazy("ticket status", "closed")


WORKING = (Status.NEW, Status.OPEN, Status.WAITING_CLIENT, Status.WAITING_INTERNAL)


class Urgency(models.IntegerChoices):
    LOSES_MONEY = 1, _("loses money now")
    HIGH = 2, _("high")
    NORMAL = 3, _("normal")
    LOW = 4, _("low")


class TicketType(models.TextChoices):
    QUESTION = "question", _("question")
    INCIDENT = "incident", _("incident")
    PROBLEM = "problem", _("problem")
    SERVICE_REQUEST = "service_request", _("service request")
    COMPLAINT = "complaint", _("complaint")
    SUGGESTION = "suggestion", _("suggestion")
    PRAISE = "praise", _("praise")
    OUTREACH = "outreach", _("outreach")
    # Opened by a low mark, ended as saved or lost (`actions.rating`); never set by hand.
    RECOVERY = "recovery", _("recovery of an unhappy client")


class CloseReason(models.TextChoices):
    """Why a ticket may be closed without a message to the client; each is counted."""

    SPAM = "spam", _("spam")
    ROBOT = "robot", _("robot, nobody waits")
    QUARANTINE = "quarantine", _("quarantine, discarded")
    DUPLICATE = "duplicate", _("merged duplicate")
    RECOVERY = "recovery", _("recovery ended")
    AFTER_SOLVED = "after_solved", _("seven days after the solution")


# Zones of a ticket's turn (see `turns`): microseconds since 1970 stay below 2 ** 51 until 2041.
WAITING = 1 << 52
QUIET = 1 << 54
_START = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _START) // timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """The moment so many microseconds after 1970; raises OverflowError."""
    return _START + timedelta(microseconds=micros)


def turn_of_new() -> int:
    """The turn of a ticket made now for which nobody waits yet."""
    return QUIET - micros(clock.now())


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, agent: Agent, level: Level = Level.SEE) -> TicketQuerySet:
        """Tickets of the queues where the agent has at least `level`; every door starts here."""
        return self.in_queues(policy.queues_at(agent, level))

    def in_queues(self, queues: AbstractSet[int]) -> TicketQuerySet:
        """Tickets of these queues; which an agent may see, says the policy."""
        return self.filter(queue_id__in=queues)

    def working(self) -> TicketQuerySet:
        """Neither solved nor closed."""
        return self.filter(status__in=WORKING)


class Ticket(models.Model):
    """One request of one client; its number is its id. Changed only by `tickets.actions`."""

    subject = models.CharField(_("subject"), max_length=300)
    type = models.CharField(
        _("type"), max_length=16, choices=TicketType, default=TicketType.QUESTION
    )
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.NEW)
    urgency = models.PositiveSmallIntegerField(
        _("urgency"), choices=Urgency, default=Urgency.NORMAL
    )
    topic = models.ForeignKey(Topic, models.SET_NULL, null=True, verbose_name=_("topic"))
    queue = models.ForeignKey(Queue, models.PROTECT, verbose_name=_("queue"))
    queue_reason = models.CharField(max_length=40, blank=True)
    owner = models.ForeignKey(
        Agent, models.SET_NULL, null=True, related_name="owned", verbose_name=_("owner")
    )
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, related_name="tickets")
    account = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="tickets")
    inbox = models.ForeignKey(Inbox, models.PROTECT, null=True)
    language = models.CharField(max_length=2, choices=Language, default=Language.RU)
    tags = ArrayField(models.CharField(max_length=50), default=list)
    arrived_late = models.BooleanField(default=False)
    is_robot = models.BooleanField(default=False)
    quarantined = models.OneToOneField(
        RawMessage, models.PROTECT, null=True, related_name="quarantine_ticket"
    )
    maybe_related = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    follow_up_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="follow_ups")
    close_reason = models.CharField(max_length=16, choices=CloseReason, blank=True)
    version = models.PositiveIntegerField(default=1)
    # Grows with every change of status; the closing timer knows by it that it is out of date.
    status_version = models.PositiveIntegerField(default=0)
    snippet = models.CharField(max_length=160, blank=True)
    awaits_answer = models.BooleanField(default=True)
    # The oldest client message without a public answer of a person; automatic mail is no answer.
    waits_since = models.DateTimeField(null=True)
    # Set by the clocks (`actions.set_due`): the next time due, and since when it burns.
    next_due_at = models.DateTimeField(null=True)
    burns_at = models.DateTimeField(null=True)
    # The place in working lists (see `turns`), brought into line at each change.
    turn = models.BigIntegerField(default=turn_of_new)
    created_at = models.DateTimeField(default=clock.now)
    last_message_at = models.DateTimeField(default=clock.now)
    # When somebody last wrote what people should read, a note too; None before such a message.
    news_at = models.DateTimeField(null=True)
    first_answer_at = models.DateTimeField(null=True)
    solved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["queue", "status", "-last_message_at", "-id"]),
            # A search for common words walks all tickets, newest first.
            models.Index(fields=["-last_message_at", "-id"], name="ticket_by_time"),
            models.Index(
                fields=["queue", "turn", "id"],
                condition=models.Q(
                    status__in=["new", "open", "waiting_client", "waiting_internal"]
                ),
                name="ticket_working",
            ),
            # Counters read this alone, not the table.
            models.Index(
                fields=["queue", "is_robot", "owner"],
                condition=models.Q(
                    status__in=["new", "open", "waiting_client", "waiting_internal"]
                ),
                name="ticket_working_counted",
            ),
            models.Index(
                fields=["owner", "turn", "id"],
                condition=models.Q(
                    status__in=["new", "open", "waiting_client", "waiting_internal"]
                ),
                name="ticket_working_of_owner",
            ),
            models.Index(
                fields=["turn", "id"],
                condition=models.Q(
                    status__in=["new", "open", "waiting_client", "waiting_internal"]
                ),
                name="ticket_working_by_turn",
            ),
            models.Index(
                fields=["queue", "burns_at"],
                condition=models.Q(
                    status__in=["new", "open", "waiting_client", "waiting_internal"],
                    burns_at__isnull=False,
                ),
                name="ticket_burning",
            ),
            models.Index(
                fields=["-last_message_at", "-id"],
                condition=models.Q(status__in=["solved", "closed"]),
                name="ticket_done_by_time",
            ),
            models.Index(fields=["contact", "-created_at"]),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(contact__isnull=False) | models.Q(quarantined__isnull=False),
                name="only_quarantine_has_no_contact",
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.subject}"

    @property
    def stream(self) -> str:
        """The stream of this ticket's events."""
        return f"ticket:{self.pk}"

    @property
    def is_working(self) -> bool:
        """Neither solved nor closed."""
        return self.status in WORKING


class Participant(models.Model):
    """Somebody who takes part by mail: the contact and those in To and Cc, never ourselves."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="participants")
    address = models.CharField(max_length=320)
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(
        max_length=8, choices=[("from", _("writes")), ("to", _("to")), ("cc", _("copy"))]
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["ticket", "address"], name="one_participant_per_address"
            )
        ]

    def __str__(self) -> str:
        return self.address
