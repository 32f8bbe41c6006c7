"""What cannot be read: a ticket of the quarantine queue with the original attached."""

from __future__ import annotations

from django.db import transaction
from django.utils import translation

from zabota.channels.models import RawMessage, RawState
from zabota.channels.wording import in_words
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.staff.models import Department, Queue
from zabota.tickets.events import Quarantined, TicketMade
from zabota.tickets.models import Attachment, AttachmentState, Direction, Message, Ticket


def quarantine_queue() -> Queue:
    """The one quarantine queue; made on first need, seen by administrators until granted."""
    queue = Queue.objects.filter(is_quarantine=True).first()
    if queue is not None:
        return queue
    with transaction.atomic():
        in_use = Department.objects.filter(is_active=True).order_by("id")
        department = in_use.first() or Department.objects.create(
            name_ru="Поддержка", name_en="Support"
        )
        queue, _ = Queue.objects.get_or_create(
            is_quarantine=True,
            defaults={
                "department": department,
                "name_ru": "Карантин",
                "name_en": "Quarantine",
            },
        )
    return queue


def put(raw: RawMessage, error: str, by: Actor) -> Ticket:
    """Make the quarantine ticket of a raw message, in the caller's transaction."""
    raw.state, raw.error = RawState.QUARANTINE, error[:500]
    raw.save(update_fields=["state", "error"])
    with translation.override(raw.inbox.language):
        words = in_words(error)
    queue = quarantine_queue()
    ticket = Ticket.objects.create(
        subject=f"{raw.inbox.address}: {words}"[:300],
        queue=queue,
        queue_reason="quarantine",
        inbox=raw.inbox,
        language=raw.inbox.language,
        quarantined=raw,
        is_robot=True,
        last_message_at=raw.received_at,
    )
    message = Message.objects.create(
        ticket=ticket,
        direction=Direction.IN,
        text=words,
        raw=raw,
        inbox=raw.inbox,
        at=raw.arrived_at,
        thread_how="new",
    )
    Attachment.objects.create(
        message=message,
        name=f"original-{raw.pk}.eml",
        content_type="message/rfc822",
        size=raw.size,
        sha256=raw.sha256,
        state=AttachmentState.OK,
    )
    record(TicketMade(ticket.pk, queue.pk, "quarantine"), stream=ticket.stream, by=by)
    record(Quarantined(ticket=ticket.pk, raw=raw.pk), stream=ticket.stream, by=by)
    return ticket
