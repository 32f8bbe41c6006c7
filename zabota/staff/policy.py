"""The one access policy: which queues an agent sees and what he may do there."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied

from zabota.staff import structure
from zabota.staff.models import Agent, Level
from zabota.staff.structure import Structure

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
    return levels_in(company(agent), agent)


def levels_in(now: Structure, agent: Agent) -> dict[int, Level]:
    """`levels` by a structure that was read already."""
    if not agent.may_work:
        return {}
    if agent.is_administrator:
        return dict.fromkeys(now.queues, Level.MANAGE)
    ceiling = CEILING[agent.role]
    own = now.grants.get(agent.pk, {})
    return {queue: Level(min(level, ceiling)) for queue, level in own.items()}


def remember(agent: Agent) -> None:
    """Keep the company and the levels in this object: for one request that changes no rights."""
    agent.company = company(agent)
    agent.known_levels = levels_in(agent.company, agent)


def company(agent: Agent) -> Structure:
    """The company as it was when the agent's request began, else as it is now."""
    return agent.company or structure.current()


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
    return agents_in(structure.current(), queue_id, level)


def agents_in(now: Structure, queue_id: int, level: Level = Level.REPLY) -> list[Agent]:
    """`agents_of` by a structure that was read already."""
    return [agent for agent in now.by_name if _is_able(now, agent, queue_id, level)]


def administrators() -> list[Agent]:
    """Working agents who look after the installation, by surname in Russian order."""
    return [one for one in structure.current().by_name if one.may_work and one.is_administrator]


def _is_able(now: Structure, agent: Agent, queue_id: int, level: Level) -> bool:
    if not agent.may_work:
        return False
    if agent.is_administrator:
        return True
    return min(now.grants.get(agent.pk, {}).get(queue_id, 0), CEILING[agent.role]) >= level
