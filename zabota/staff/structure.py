"""The company as every screen needs it: agents, their grants, departments, queues, topics.

Read once and kept (`events.kept`): all of it together is smaller than one page of tickets, and the
statements that looked it up for each page cost more than the page.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from zabota.events.kept import Kept
from zabota.staff.models import Agent, Grant, Queue, Topic


# Told from others by identity: what is made of one state is kept by it.
@dataclass(frozen=True, eq=False)
class Structure:
    """One state of the company; its objects are shared by threads: read them, never change them.

    Everything is by id; `grants` by agent, then queue; `by_name` sorts agents in Russian order.
    """

    agents: dict[int, Agent]
    grants: dict[int, dict[int, int]]
    queues: dict[int, Queue]
    topics: dict[int, Topic]
    by_name: list[Agent]
    quarantine: frozenset[int]


def current() -> Structure:
    """The company as it is now, for one small statement."""
    return _KEPT.get()


def _read() -> Structure:
    rows = Queue.objects.select_related("department").order_by("department_id", "line", "id")
    queues = {one.pk: one for one in rows}
    order = ("queue__department_id", "queue__line", "queue_id", "id")
    topics = {one.pk: one for one in Topic.objects.order_by(*order)}
    grants: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for agent, queue_id, level in Grant.objects.values_list("agent_id", "queue_id", "level"):
        grants[agent][queue_id] = level
    agents = Agent.objects.in_bulk()
    return Structure(
        agents=agents,
        grants=dict(grants),
        queues=queues,
        topics=topics,
        by_name=sorted(agents.values(), key=lambda one: _russian(one.surname, one.first_name)),
        quarantine=frozenset(pk for pk, queue in queues.items() if queue.is_quarantine),
    )


def _russian(*names: str) -> str:
    return " ".join(names).lower().replace("ё", "е")


_KEPT = Kept("staff", _read)
