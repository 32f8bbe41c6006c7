"""A client's mark, and the recovery that a low one opens."""

from __future__ import annotations

from django.utils import translation
from django.utils.translation import gettext as _

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock
from zabota.lib.html import text_to_html
from zabota.lib.rows import insert
from zabota.lib.text import clean
from zabota.staff.models import Queue
from zabota.tickets.actions.change import hurry
from zabota.tickets.actions.opening import open_ticket
from zabota.tickets.actions.solving import shut
from zabota.tickets.events import NoteAdded, Rated, RecoveryEnded, RecoveryOpened
from zabota.tickets.locking import NotPossible, changing
from zabota.tickets.models import (
    BEST,
    CloseReason,
    Direction,
    Message,
    Outcome,
    Participant,
    Rating,
    Status,
    Ticket,
    TicketType,
    Urgency,
)

MAX_COMMENT = 5000


def may_be_rated(ticket: Ticket) -> bool:
    """Only what somebody has worked on; a recovery is not rated in its turn."""
    if ticket.type == TicketType.RECOVERY:
        return False
    return ticket.first_answer_at is not None or ticket.status in {Status.SOLVED, Status.CLOSED}


def rate(ticket: Ticket, address: str, mark: int, *, comment: str | None, by: Actor) -> Rating:
    """A participant's mark from 1 to 5 and his comment (None leaves the one there is).

    Raises NotPossible for another mark and for a ticket nobody has worked on.
    """
    if not 1 <= mark <= BEST:
        raise NotPossible(_("Choose a mark from 1 to 5."))
    with changing(ticket) as row:
        if not may_be_rated(row):
            raise NotPossible(_("This request cannot be rated yet."))
        rating = Rating.objects.filter(ticket=row, address=address).first()
        was = rating.mark if rating else None
        rating = rating or Rating(ticket=row, address=address)
        said = rating.comment if comment is None else clean(comment).strip()[:MAX_COMMENT]
        if (was, rating.comment) == (mark, said):
            return rating
        rating.mark, rating.comment, rating.at = mark, said, clock.now()
        rating.save()
        fact = Rated(ticket=row.pk, rating=rating.pk, mark=mark, was=was)
        record(fact, stream=row.stream, by=by)
    return rating


def open_recovery(rating_id: int, queue: Queue, *, by: Actor) -> Ticket | None:
    """The ticket by which we make a low mark good again; None when there is one already, when the
    mark is not low any more, and for a ticket without a client."""
    ticket = Ticket.objects.get(ratings=rating_id)
    with changing(ticket, "contact", "inbox") as row:
        rating = Rating.objects.get(pk=rating_id)
        if rating.recovery_id is not None or not rating.is_low or row.contact is None:
            return None
        with translation.override(row.language):
            subject = _("Low mark (%(mark)d of 5): %(subject)s") % {
                "mark": rating.mark,
                "subject": row.subject or _("(no subject)"),
            }
        made = open_ticket(
            row.contact, subject=subject, queue=queue, how="recovery", by=by, inbox=row.inbox,
            type=TicketType.RECOVERY, language=row.language, follow_up_of=row,
        )  # fmt: skip
        if address := row.contact.address:
            insert(Participant(ticket=made, address=address, name=row.contact.name, role="from"))
        rating.recovery = made
        rating.save(update_fields=["recovery"])
        record(RecoveryOpened(ticket=row.pk, recovery=made.pk), stream=row.stream, by=by)
        _note(made, rating, by)
    return made


def _note(ticket: Ticket, rating: Rating, by: Actor) -> None:
    """What the client said, and what is wanted, as the first note."""
    with changing(ticket) as row:
        hurry(row, Urgency.HIGH, by)
        with translation.override(row.language):
            text = _("The client gave %(mark)d of 5 to request #%(number)d.") % {
                "mark": rating.mark,
                "number": rating.ticket_id,
            }
            if rating.comment:
                text += "\n\n" + _("“%(comment)s”") % {"comment": rating.comment}
            text += "\n\n" + _("Speak to the client, then end this as saved or lost.")
            signed = _("Zabota")
        message = Message.objects.create(
            ticket=row, direction=Direction.NOTE, signed=signed, text=text,
            html=text_to_html(text),
        )  # fmt: skip
        record(NoteAdded(ticket=row.pk, message=message.pk), stream=row.stream, by=by)


def end_recovery(ticket: Ticket, outcome: str, *, by: Actor) -> None:
    """Saved or lost; the client gets no notice of it. Raises NotPossible."""
    if outcome not in Outcome.values:
        raise NotPossible(_("A recovery ends as saved or lost."))
    with changing(ticket) as row:
        rating = Rating.objects.filter(recovery=row, outcome="").first()
        if rating is None or row.status == Status.CLOSED:
            raise NotPossible(_("This is no recovery that goes on."))
        rating.outcome, rating.ended_at = outcome, clock.now()
        rating.save(update_fields=["outcome", "ended_at"])
        record(RecoveryEnded(ticket=row.pk, outcome=outcome), stream=row.stream, by=by)
        shut(row, CloseReason.RECOVERY, by)
