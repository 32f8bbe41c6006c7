"""Ending an agent's sessions: all of his browsers are signed out at once."""

from __future__ import annotations

from importlib import import_module

from allauth.usersessions.models import UserSession
from django.conf import settings

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.staff.events import SessionsEnded
from zabota.staff.models import Agent


def end_all(agent: Agent, *, by: Actor, keep: str = "") -> int:
    """End every session of the agent but the one with the key `keep`; needs a transaction."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    rows = UserSession.objects.filter(user=agent).exclude(session_key=keep)
    keys = list(rows.values_list("session_key", flat=True))
    for key in keys:
        store.delete(key)
    rows.delete()
    if keys:
        fact = SessionsEnded(agent=agent.pk, sessions=len(keys))
        record(fact, stream=f"agent:{agent.pk}", by=by)
    return len(keys)
