"""A ticket brought by a program: made, treated at once, told with number and expected time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from zabota.automation import triage
from zabota.staff.models import Agent, Queue, Topic
from zabota.tickets import actions
from zabota.tickets.actions.answer import Upload
from zabota.tickets.models import Message
from zabota.tickets.posting import Posted, bring


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


def bring_in(brought: Brought, agent: Agent) -> tuple[Message, bool]:
    """The client's message in its new ticket, and whether he is told by mail. Within the caller's
    transaction; raises Inbox.DoesNotExist while no mailbox can answer."""
    by = agent.actor
    message = bring(
        brought.posted, brought.queue, brought.topic, type=brought.type, by=by, at=brought.at
    )
    # Before treatment: the expected time depends on the urgency, which a program's word settles.
    if brought.urgency is not None:
        actions.set_urgency(message.ticket, brought.urgency, by=by)
    if brought.tags:
        actions.set_tags(message.ticket, brought.tags, by=by)
    is_past = brought.at is not None
    told = triage.take(message.pk, silent=is_past, by=by, acknowledge=brought.acknowledge)
    return message, told


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
