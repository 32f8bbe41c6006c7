from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.events.models import Event
from zabota.events.timers import set_timer, versions
from zabota.lib import clock
from zabota.tickets.events import Closed, ClosingDue, Reopened, SolutionConfirmed, Solved
from zabota.tickets.lasting import until_solved
from zabota.tickets.locking import NotPossible, changing
from zabota.tickets.models import CloseReason, Status, Ticket, TicketType

CLOSES_AFTER = timedelta(days=7)
SILENT = frozenset({CloseReason.SPAM, CloseReason.ROBOT, CloseReason.DUPLICATE})


def solve(ticket: Ticket, *, by: Actor) -> Ticket:
    """Solved without an answer of its own: a solved notice goes to the client."""
    with changing(ticket) as row:
        if not row.is_working:
            raise NotPossible(_("The ticket is already solved."))
        if row.quarantined_id:
            raise NotPossible(_("Quarantine is left by retry, make ticket or discard."))
        mark_solved(row, told=None, by=by)
    return row


def mark_solved(row: Ticket, *, told: int | None, by: Actor) -> None:
    """Solve a locked ticket; `told` is the message that says so to the client."""
    refuse_recovery(row)
    was, row.status = row.status, Status.SOLVED
    row.status_version += 1
    row.solved_at = clock.now()
    row.awaits_answer = False
    took, with_client = until_solved(row, row.solved_at)
    fact = Solved(ticket=row.pk, was=was, told=told, took=took, with_client=with_client)
    record(fact, stream=row.stream, by=by)
    set_timer(
        ClosingDue(ticket=row.pk, version=row.status_version),
        subject=f"ticket-status:{row.pk}",
        stream=row.stream,
        due_at=row.solved_at + CLOSES_AFTER,
        version=row.status_version,
    )


def refuse_recovery(row: Ticket) -> None:
    """Raises NotPossible for a recovery, which ends in its own way."""
    if row.type == TicketType.RECOVERY:
        raise NotPossible(_("End the recovery as saved or lost, in the panel about the client."))


def close_silently(ticket: Ticket, reason: str, *, by: Actor) -> Ticket:
    """Close without a word to the client; only spam, robots and merged duplicates; counted."""
    if reason not in SILENT:
        raise NotPossible(_("Only spam, robots and duplicates are closed without a message."))
    with changing(ticket) as row:
        if row.status == Status.CLOSED:
            return row
        refuse_recovery(row)
        if reason == CloseReason.ROBOT and not row.is_robot:
            raise NotPossible(_("A person wrote this: solve it with a message."))
        shut(row, CloseReason(reason), by)
    return row


def shut(row: Ticket, reason: CloseReason, by: Actor) -> None:
    """Close a locked ticket and record the reason."""
    was, row.status = row.status, Status.CLOSED
    row.status_version += 1
    row.closed_at = clock.now()
    row.close_reason = reason
    row.awaits_answer = False
    record(Closed(ticket=row.pk, was=was, reason=reason), stream=row.stream, by=by)


def reopen(ticket: Ticket, *, by: Actor, message_id: int | None = None) -> Ticket:
    """A solved ticket is open again; raises NotPossible for a closed one (a follow-up is due)."""
    with changing(ticket) as row:
        if row.status != Status.SOLVED:
            raise NotPossible(_("Only a solved ticket can be reopened."))
        open_solved(row, message_id, by)
    return row


def open_solved(row: Ticket, message_id: int | None, by: Actor) -> None:
    """Reopen a locked ticket on account of a message."""
    was, row.status = row.status, Status.OPEN
    row.status_version += 1
    row.solved_at = None
    row.awaits_answer = True
    record(Reopened(ticket=row.pk, was=was, message=message_id), stream=row.stream, by=by)


def confirm_solution(ticket: Ticket, *, by: Actor) -> bool:
    """The client says that the solution holds; False without one, or when he said so before."""
    with changing(ticket) as row:
        if row.status != Status.SOLVED or is_confirmed(row):
            return False
        fact = SolutionConfirmed(ticket=row.pk, status_version=row.status_version)
        record(fact, stream=row.stream, by=by)
    return True


def is_confirmed(ticket: Ticket) -> bool:
    """Whether the client has confirmed the present solution."""
    said = Event.objects.filter(stream=ticket.stream, kind=SolutionConfirmed.kind)
    return said.filter(facts__status_version=ticket.status_version).exists()


def _status_version(pk: int) -> int | None:
    return Ticket.objects.filter(pk=pk).values_list("status_version", flat=True).first()


versions("ticket-status", _status_version)
