"""Deadlines of the demonstration: what clients were told, and clocks that run."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from zabota.automation.triage import zone_of
from zabota.calendars import known
from zabota.events import actor
from zabota.events.models import Timer
from zabota.ops.demo.batch import Batch
from zabota.sla import clocks
from zabota.sla.clocks import Mark, Told
from zabota.sla.events import ClockReached, PromiseMade
from zabota.sla.expecting import Inputs, round_up, target_of
from zabota.sla.models import Promise
from zabota.tickets.models import Ticket
from zabota.tickets.models.ticket import micros
from zabota.tickets.turns import is_waiting, settle

BY = actor.system("timer")


def promise(batch: Batch, ticket: Ticket, at: datetime) -> datetime:
    """The time an acknowledgement of the past named, in the client's zone."""
    target, working = target_of(ticket.queue_id), known.of_queue(ticket.queue_id)
    due = round_up(working.hours.add(at, timedelta(minutes=target)))
    inputs = Inputs(target, 0.0, 0, 0, 0, 0.0, 0.0, 1.0, float(target), working.calendar)
    row = Promise(ticket=ticket, queue=ticket.queue, made_at=at, due_at=due, inputs=asdict(inputs))
    batch.add(row)
    fact = PromiseMade(ticket=ticket.pk, due_at=due.isoformat())
    batch.record(fact, stream=ticket.stream, by=actor.system("triage"), at=at)
    return due.astimezone(zone_of(ticket))


def run_clocks(batch: Batch, now: datetime) -> None:
    """Due times and turns of all tickets as they are now; the marks that passed stand in the log,
    the timer at the next one."""
    told = {row.ticket_id: Told(row.made_at, row.due_at) for row in batch.rows[Promise]}
    for ticket in batch.rows[Ticket]:
        if is_waiting(ticket):
            first = None if ticket.first_answer_at else told.get(ticket.pk)
            marks = clocks.marks_of(ticket, first)
            ticket.next_due_at = min(mark.at for mark in marks if mark.percent == 100)
            ticket.burns_at = min(mark.at for mark in marks if mark.percent >= clocks.BURNS_AT)
            _tell(batch, ticket, marks, now)
        settle(ticket)


def _tell(batch: Batch, ticket: Ticket, marks: list[Mark], now: datetime) -> None:
    for mark in marks:
        fact = ClockReached(ticket=ticket.pk, clock=mark.clock, percent=mark.percent)
        if mark.at <= now:
            batch.record(fact, stream=ticket.stream, by=BY, at=mark.at)
            continue
        timer = Timer(
            due_at=mark.at, subject=f"clock:{ticket.pk}", kind=fact.kind, stream=ticket.stream,
            version=micros(ticket.waits_since) if ticket.waits_since else 0, facts=fact.as_json(),
        )  # fmt: skip
        batch.add(timer)
        return
