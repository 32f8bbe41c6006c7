"""A ticket brought by a program: made, treated at once, told with number and expected time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from zabota.automation import triage
from zabota.automation.triage import Treated
from zabota.events.actor import Actor
from zabota.events.log import together
from zabota.staff.models import Agent, Queue, Topic
from zabota.tickets import actions
from zabota.tickets.actions.answer import Upload
from zabota.tickets.models import Message, Ticket
from zabota.tickets.posting import Posted, add_brought, bring


@dataclass(frozen=True)
class Brought:
    """What the program brings; `at` is the original time of a request of the past."""

    posted: Posted
    queue: Queue
    topic: Topic | None
    type: str
    urgency: int | None
    tags: Sequence[str]
    acknowledge: bool
    at: datetime | None


def bring_in(brought: Brought, agent: Agent) -> tuple[Message, Treated]:
    """The client's message in its new ticket, and how it was treated. Within the caller's
    transaction; raises Inbox.DoesNotExist while no mailbox can answer."""
    by = agent.actor
    with together():
        return _brought(brought, by, silent=brought.at is not None)


def _brought(brought: Brought, by: Actor, *, silent: bool) -> tuple[Message, Treated]:
    message = bring(
        brought.posted, brought.queue, brought.topic, type=brought.type, by=by, at=brought.at
    )
    # Before treatment: the expected time depends on the urgency, which a program's word settles.
    if brought.urgency is not None:
        actions.set_urgency(message.ticket, brought.urgency, by=by)
    if brought.tags:
        actions.set_tags(message.ticket, brought.tags, by=by)
    if brought.urgency is None and not brought.tags:
        how = triage.take_new(message, silent=silent, by=by, acknowledge=brought.acknowledge)
        return message, how
    how = triage.take(message.pk, silent=silent, by=by, acknowledge=brought.acknowledge)
    message.ticket = Ticket.objects.select_related("contact").get(pk=message.ticket_id)
    return message, how


def bring_more(ticket: Ticket, posted: Posted, agent: Agent) -> Message:
    """A further message of the client, in the ticket or its follow-up. Within the caller's
    transaction; raises Inbox.DoesNotExist while no mailbox can answer."""
    message = add_brought(ticket, posted, by=agent.actor)
    triage.take(message.pk, silent=False, by=agent.actor)
    return message


def posted(
    *,
    key: str,
    address: str,
    name: str,
    subject: str,
    text: str,
    language: str,
    files: Sequence[Upload],
    token: int,
) -> Posted:
    """What is kept of the request as it came."""
    return Posted(
        key=key, address=address, text=text, name=name, subject=subject, language=language,
        files=files, more={"token": token},
    )  # fmt: skip
