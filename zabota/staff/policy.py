"""The one access policy: which queues an agent sees and what he may do there."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.db.models import Case, Exists, OuterRef, Q, When

from zabota.staff.models import Agent, Grant, Level, Queue, Role

# The most a role may do anywhere, whatever its grants say (a reviewer reads, never answers).
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
    if agent.known_levels is not None:
        return agent.known_levels
    if not agent.may_work:
        return {}
    if agent.is_administrator:
        return dict.fromkeys(Queue.objects.values_list("id", flat=True), Level.MANAGE)
    ceiling = CEILING[agent.role]
    rows = Grant.objects.filter(agent=agent).values_list("queue_id", "level")
    return {queue: Level(min(level, ceiling)) for queue, level in rows}


def remember(agent: Agent) -> None:
    """Read the levels once for this object: for one request that changes no rights."""
    agent.known_levels = levels(agent)


def queues_at(agent: Agent, level: Level = Level.SEE) -> set[int]:
    """Ids of the queues where the agent has at least `level`."""
    return {queue for queue, own in levels(agent).items() if own >= level}


def allows(agent: Agent, level: Level, queue_id: int | None) -> bool:
    """Whether the agent may act at `level` in the queue."""
    return queue_id is not None and levels(agent).get(queue_id, 0) >= level


def demand(agent: Agent, level: Level, queue_id: int | None) -> None:
    """Raises PermissionDenied unless the agent may act at `level` in the queue."""
    if not allows(agent, level, queue_id):
        raise PermissionDenied


def agents_of(queue_id: int, level: Level = Level.REPLY) -> list[Agent]:
    """Working agents who may act at `level` in the queue, by surname in Russian order."""
    return colleagues(queue_id, level)[0]


def colleagues(
    queue_id: int, level: Level = Level.REPLY, named: Iterable[int] = ()
) -> tuple[list[Agent], dict[int, Agent]]:
    """`agents_of` the queue, and with them, in the same query, the agents with the ids `named`."""
    wanted = set(named)
    able = Q(role=Role.ADMINISTRATOR) | Q(
        Exists(Grant.objects.filter(agent=OuterRef("pk"), queue=queue_id, level__gte=level)),
        role__in=[role for role, most in CEILING.items() if most >= level],
    )
    people = list(
        Agent.objects.annotate(is_able=Case(When(able, then=True), default=False)).filter(
            Q(is_able=True, is_active=True) | Q(pk__in=wanted)
        )
    )
    working: list[Agent] = [person for person in people if person.is_able and person.may_work]
    working.sort(key=lambda person: _russian(person.surname, person.first_name))
    return working, {person.pk: person for person in people}


def _russian(*names: str) -> str:
    return " ".join(names).lower().replace("ё", "е")
