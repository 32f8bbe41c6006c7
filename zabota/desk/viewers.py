"""Who sits behind a browser session, and which queues he sees; for what runs outside pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from zabota.lib import clock
from zabota.staff import policy
from zabota.staff.models import Agent


@dataclass(frozen=True)
class Viewer:
    """An agent's id and the ids of the queues he sees."""

    agent: int
    queues: frozenset[int]


def read_viewers(sessions: Iterable[str]) -> dict[str, Viewer]:
    """The viewers of those session keys that are signed in; the others are left out.

    A sign-in that still waits for its second factor has no agent in its session, so it is out too.
    """
    rows = Session.objects.filter(session_key__in=set(sessions), expire_date__gt=clock.now())
    found = {row.session_key: row.get_decoded() for row in rows}
    numbers = {int(data[SESSION_KEY]) for data in found.values() if SESSION_KEY in data}
    agents = Agent.objects.in_bulk(numbers)
    viewers = {
        number: Viewer(number, frozenset(policy.queues_at(agent)))
        for number, agent in agents.items()
        if agent.may_work
    }
    return {
        key: viewers[int(data[SESSION_KEY])]
        for key, data in found.items()
        if SESSION_KEY in data
        and int(data[SESSION_KEY]) in viewers
        and _is_genuine(data, agents[int(data[SESSION_KEY])])
    }


def _is_genuine(data: dict[str, Any], agent: Agent) -> bool:
    """The password is still the one he signed in with."""
    return data.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS and (
        constant_time_compare(data.get(HASH_SESSION_KEY, ""), agent.get_session_auth_hash())
    )
