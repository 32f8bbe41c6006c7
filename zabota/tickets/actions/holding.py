"""A reply waits some seconds in which its author may take it back; then it is sent as ever."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from zabota.events.actor import Actor
from zabota.events.log import consumer, record
from zabota.events.models import Event
from zabota.events.timers import set_timer, versions
from zabota.lib import clock
from zabota.staff import policy
from zabota.staff.models import Agent, Level
from zabota.tickets import drafts, letters
from zabota.tickets.actions.answer import Upload, check, posted, reply
from zabota.tickets.events import HoldOver, ReplyHeld, ReplyReturned, ReplyTakenBack
from zabota.tickets.locking import NotPossible, changing
from zabota.tickets.models import HeldReply, Ticket

LONGEST = 30  # seconds


def hold_reply(
    ticket: Ticket,
    body: str,
    *,
    agent: Agent,
    by: Actor,
    seconds: int,
    files: Sequence[Upload] = (),
    solve: bool = False,
    then: str = "",
    key: str | None = None,
    to: str = "",
) -> HeldReply | None:
    """`reply` after so many seconds, unless taken back; None when this key was sent already.

    Raises NotPossible at once for what `reply` would refuse.
    """
    if posted(ticket, key):
        return None
    body = check(ticket, body, files, to=to, solve=solve)
    letters.signature(agent)
    values: dict[str, Any] = {
        "ticket": ticket,
        "agent": agent,
        "body": body,
        "files": [asdict(file) for file in files],
        "solve": solve,
        "then": then,
        "to": to,
        "send_at": clock.now() + timedelta(seconds=min(max(seconds, 0), LONGEST)),
    }
    with transaction.atomic():
        held, is_new = HeldReply.objects.get_or_create(
            key=key or secrets.token_hex(16), defaults=values
        )
        if is_new:
            stream = f"held:{held.pk}"
            record(ReplyHeld(held=held.pk, ticket=ticket.pk), stream=stream, by=by)
            due = HoldOver(held=held.pk)
            set_timer(due, subject=stream, stream=stream, due_at=held.send_at)
            drafts.forget(ticket.pk, agent.pk, "reply")
    return held


def take_back(held_id: int, ticket: Ticket, agent: Agent, *, by: Actor) -> bool:
    """The author has his text back as a draft; False when it is on its way, or was his no more."""
    with transaction.atomic():
        mine = HeldReply.objects.select_for_update().filter(ticket=ticket, agent=agent)
        held = mine.filter(pk=held_id).first()
        if held is None:
            return False
        drafts.give_back(held)
        record(ReplyTakenBack(held=held.pk, ticket=held.ticket_id), stream=f"held:{held.pk}", by=by)
        held.delete()
    return True


@consumer("tickets.send_held", HoldOver, priority=lambda fact: 5)
def send_held(event: Event, fact: HoldOver) -> None:
    """The time is over: the reply is sent, or its text goes back to the author with the reason."""
    held = HeldReply.objects.select_for_update(of=("self",)).filter(pk=fact.held).first()
    if held is None:
        return
    agent = Agent.objects.get(pk=held.agent_id)
    by = agent.actor.because(event)
    ticket = Ticket.objects.get(pk=held.ticket_id)
    held.delete()
    with translation.override(agent.language):
        try:
            with transaction.atomic():
                _may_still(agent, ticket, Level.CLOSE if held.solve else Level.REPLY)
                reply(
                    ticket, held.body, agent=agent, by=by, solve=held.solve, then=held.then,
                    files=[Upload(**file) for file in held.files], key=held.key, to=held.to,
                )  # fmt: skip
        except NotPossible as refusal:
            drafts.give_back(held, str(refusal))
            with changing(ticket) as row:
                record(ReplyReturned(held=fact.held, ticket=row.pk), stream=row.stream, by=by)


def _may_still(agent: Agent, ticket: Ticket, level: Level) -> None:
    if not policy.allows(agent, level, ticket.queue_id):
        raise NotPossible(_("You may not answer in this queue any more."))


def _version(held_id: int) -> int | None:
    return 0 if HeldReply.objects.filter(pk=held_id).exists() else None


versions("held", _version)
