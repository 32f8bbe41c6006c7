"""The one access policy: which queues an agent sees and what he may do there."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet

from zabota.staff.models import Agent, Grant, Level, Queue

# The most a role may do anywhere, whatever its grants say (R188: a reviewer reads, he does not answer).
CEILING = {
    "administrator": Level.MANAGE,
    "lead": Level.MANAGE,
    "line1": Level.CLOSE,
    "line2": Level.CLOSE,
    "reviewer": Level.SEE,
    "trainer": Level.SEE,
    "light": Level.REPLY,
    "integration": Level.CLOSE,
}


def levels(agent: Agent) -> dict[int, Level]:
    """The agent's level in each queue he sees, by queue id; empty for a switched-off account."""
    if not agent.may_work:
        return {}
    if agent.is_administrator:
        return dict.fromkeys(Queue.objects.values_list("id", flat=True), Level.MANAGE)
    ceiling = CEILING[agent.role]
    rows = Grant.objects.filter(agent=agent).values_list("queue_id", "level")
    return {queue: Level(min(level, ceiling)) for queue, level in rows}


def queues_at(agent: Agent, level: Level = Level.SEE) -> set[int]:
    """Ids of the queues where the agent has at least `level`."""
    return {queue for queue, own in levels(agent).items() if own >= level}


def visible_queues(agent: Agent, level: Level = Level.SEE) -> QuerySet[Queue]:
    """The queues where the agent has at least `level`, by department."""
    return (
        Queue.objects.filter(pk__in=queues_at(agent, level))
        .select_related("department")
        .order_by("department_id", "line", "id")
    )


def allows(agent: Agent, level: Level, queue_id: int | None) -> bool:
    """Whether the agent may act at `level` in the queue."""
    return queue_id is not None and levels(agent).get(queue_id, 0) >= level


def demand(agent: Agent, level: Level, queue_id: int | None) -> None:
    """Raises PermissionDenied unless the agent may act at `level` in the queue."""
    if not allows(agent, level, queue_id):
        raise PermissionDenied


def agents_of(queue_id: int, level: Level = Level.REPLY) -> list[Agent]:
    """Working agents who may act at `level` in the queue, by surname in Russian order."""
    people = (
        Agent.objects.filter(is_active=True)
        .exclude(role__in=[role for role, most in CEILING.items() if most < level])
        .prefetch_related("grants")
    )
    able = [
        person
        for person in people
        if person.may_work
        and (
            person.is_administrator
            or any(own.queue_id == queue_id and own.level >= level for own in person.grants.all())
        )
    ]
    return sorted(able, key=lambda person: _russian(person.surname, person.first_name))


def _russian(*names: str) -> str:
    return " ".join(names).lower().replace("ё", "е")
