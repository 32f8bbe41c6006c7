"""How a ticket stands, in the words of one who waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from zabota.automation.triage import zone_of
from zabota.lib import clock
from zabota.sla.models import Promise
from zabota.tickets import letters
from zabota.tickets.models import (
    Attachment,
    AttachmentState,
    Direction,
    Message,
    Status,
    Ticket,
)

MOST = 200


@dataclass(frozen=True)
class Said:
    """One public message; `files` are those that may be fetched."""

    who: str
    is_ours: bool
    at: datetime
    text: str
    files: Sequence[Attachment]


@dataclass(frozen=True)
class Standing:
    """State in human words with its tone and icon, and when to expect an answer ('' unknown)."""

    title: str
    tone: str
    icon: str
    expected: str
    is_late: bool


def standing(ticket: Ticket) -> Standing:
    """What the client reads at the top of his page."""
    title, tone, icon = state(ticket)
    due = _due(ticket)
    if due is None:
        return Standing(title, tone, icon, "", False)
    words = letters.moment(due.astimezone(zone_of(ticket)), translation.get_language() or "ru")
    return Standing(title, tone, icon, words, due < clock.now())


def state(ticket: Ticket) -> tuple[str, str, str]:
    """Words, tone and icon of the state, without the expected time."""
    return {
        Status.NEW: (_("Received: one of us will read it soon"), "accent", "inbox"),
        Status.OPEN: (_("We are working on it"), "info", "circle-dot"),
        Status.WAITING_CLIENT: (_("We are waiting for your answer"), "warn", "reply"),
        Status.WAITING_INTERNAL: (_("Our colleagues are working on it"), "info", "users"),
        Status.SOLVED: (_("Solved"), "ok", "circle-check"),
        Status.CLOSED: (_("Closed"), "", "archive"),
    }[Status(ticket.status)]


def _due(ticket: Ticket) -> datetime | None:
    """The time we told, as long as our first answer is awaited."""
    if ticket.first_answer_at is not None or not ticket.is_working:
        return None
    return Promise.objects.filter(ticket=ticket).values_list("due_at", flat=True).first()


def messages(ticket: Ticket) -> list[Said]:
    """What people wrote to each other, oldest first; neither notes nor robots nor receipts."""
    rows = (
        Message.objects.filter(
            ticket=ticket, direction__in=[Direction.IN, Direction.OUT], robot="", purpose=""
        )
        .select_related("contact")
        .prefetch_related("attachments")
        .order_by("-received_at", "-id")[:MOST]
    )
    return [_said(row) for row in reversed(rows)]


def _said(row: Message) -> Said:
    ours = row.direction == Direction.OUT
    name = row.contact.name if row.contact else ""
    return Said(
        who=row.signed if ours else name or _("Client"),
        is_ours=ours,
        at=row.at,
        text=row.text,
        files=[file for file in row.attachments.all() if is_given(file)],
    )


def is_given(file: Attachment) -> bool:
    """Whether the client may fetch the file: stored, judged harmless, no picture of a signature."""
    return file.state == AttachmentState.OK and bool(file.sha256) and not file.is_inline
