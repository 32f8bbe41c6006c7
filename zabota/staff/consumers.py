from __future__ import annotations

from importlib import import_module

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session

from zabota.events.chores import chore
from zabota.lib import clock
from zabota.staff.models import Invitation


@chore
def forget_ended_sessions() -> None:
    """Expired sessions, and their rows in the agents' lists of sessions."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    alive = Session.objects.values("session_key")
    UserSession.objects.exclude(session_key__in=alive).delete()


@chore
def forget_ended_invitations() -> None:
    """One-time links that are over."""
    Invitation.objects.filter(expires_at__lt=clock.now()).delete()
