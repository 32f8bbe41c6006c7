"""What is over is forgotten; what is still good stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from tests import make
from zabota.events import chores
from zabota.lib import clock
from zabota.staff.models import Invitation

pytestmark = pytest.mark.django_db


def session(key: str, days: int) -> None:
    agent = make.agent()
    ends = clock.now() + timedelta(days=days)
    Session.objects.create(session_key=key, session_data="", expire_date=ends)
    UserSession.objects.create(user=agent, session_key=key, ip="127.0.0.1", user_agent="")


def test_expired_sessions_and_links_go_and_others_stay() -> None:
    session("over", -1)
    session("good", 1)
    for name, days in (("over", -1), ("good", 1)):
        ends = clock.now() + timedelta(days=days)
        Invitation.objects.create(agent=make.agent(), token_hash=name, expires_at=ends)
    assert chores.do_all() >= 2
    assert list(Session.objects.values_list("session_key", flat=True)) == ["good"]
    assert list(UserSession.objects.values_list("session_key", flat=True)) == ["good"]
    assert list(Invitation.objects.values_list("token_hash", flat=True)) == ["good"]
