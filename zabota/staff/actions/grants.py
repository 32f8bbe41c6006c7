from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.staff import policy
from zabota.staff.actions.agents import announce_rights, locked
from zabota.staff.events import AgentInvited
from zabota.staff.models import Agent, Grant, Level


@transaction.atomic
def invite_agent(
    email: str, *, surname: str, first_name: str, role: str, by: Actor, **fields: Any
) -> Agent:
    """Make an agent without a password; `invitations.invite` gives him his link.

    Raises ValidationError for a taken or wrong address and for a missing name.
    """
    person = Agent.objects.create_user(
        email, surname=surname, first_name=first_name, role=role, **fields
    )
    record(AgentInvited(agent=person.pk, role=role), stream=f"agent:{person.pk}", by=by)
    return person


@transaction.atomic
def set_grants(agent: Agent, levels: Mapping[int, Level], *, by: Actor) -> None:
    """The agent's levels by queue id become exactly these; queues left out are closed to him."""
    person = locked(agent)
    was = policy.levels(person)
    Grant.objects.filter(agent=person).exclude(queue_id__in=levels).delete()
    for queue, level in sorted(levels.items()):
        Grant.objects.update_or_create(
            agent=person, queue_id=queue, defaults={"level": Level(level)}
        )
    announce_rights(person, was, by)
