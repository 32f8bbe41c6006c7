"""Changing agents: guards, facts, ended sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from tests import make
from zabota.events.models import Event
from zabota.lib import clock
from zabota.staff import policy
from zabota.staff.actions import change_agent, reset_second_factor, set_grants, switch_off
from zabota.staff.models import Agent, Level, Role

pytestmark = pytest.mark.django_db


def facts(kind: str) -> list[dict[str, object]]:
    return [event.facts for event in Event.objects.filter(kind=kind).order_by("id")]


def signed_in(person: Agent) -> Client:
    cache.clear()
    client = Client()
    given = {"login": person.email, "password": make.PASSWORD}
    assert client.post("/account/login/", given).status_code == 302
    return client


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"role": Role.LEAD},
        {"expires_at": clock.now() + timedelta(days=30)},
    ],
)
def test_the_last_administrator_stays(change: dict[str, object]) -> None:
    boss = make.administrator()
    make.administrator("Тимур Хабибуллин", is_active=False)
    with pytest.raises(ValidationError):
        change_agent(boss, change, by=boss.actor)
    make.administrator("Вера Зорина")
    changed = change_agent(boss, change, by=boss.actor)
    assert not changed.is_administrator or not changed.is_active or changed.expires_at


def test_an_invited_administrator_without_password_does_not_count() -> None:
    boss = make.administrator()
    other = make.administrator("Вера Зорина")
    other.set_unusable_password()
    other.save()
    with pytest.raises(ValidationError):
        switch_off(boss, by=boss.actor)
    boss.refresh_from_db()
    assert boss.is_active


def test_switching_off_ends_sessions_and_rights() -> None:
    person = make.agent()
    client = signed_in(person)
    assert client.get("/account/sessions/").status_code == 200
    switch_off(person, by=make.administrator().actor)
    assert client.get("/account/sessions/").status_code == 302
    person.refresh_from_db()
    assert policy.levels(person) == {}
    (rights,) = facts("staff.rights_changed")
    assert rights["now"] == {}
    assert facts("staff.sessions_ended") == [{"agent": person.pk, "sessions": 1}]


def test_a_new_address_signs_in_and_the_old_one_does_not() -> None:
    person = make.agent()
    change_agent(person, {"email": "New@Example.com"}, by=make.BY)
    person.refresh_from_db()
    signed_in(person)
    given = {"login": "vera@zabota.example", "password": make.PASSWORD}
    assert Client().post("/account/login/", given).status_code == 200
    assert facts("staff.agent_changed") == [{"agent": person.pk, "fields": ["email"]}]


def test_nothing_changed_records_nothing() -> None:
    person = make.agent()
    change_agent(person, {"surname": person.surname}, by=make.BY)
    assert facts("staff.agent_changed") == []
    with pytest.raises(ValidationError):
        change_agent(person, {"first_name": ""}, by=make.BY)
    with pytest.raises(ValueError, match="password"):
        change_agent(person, {"password": "x"}, by=make.BY)


def test_grants_become_exactly_what_is_said() -> None:
    first, second = make.queue(), make.billing()
    person = make.agent("Вера Зорина", first, level=Level.CLOSE)
    set_grants(person, {second.pk: Level.SEE}, by=make.BY)
    assert policy.levels(person) == {second.pk: Level.SEE}
    (rights,) = facts("staff.rights_changed")
    assert rights == {
        "agent": person.pk,
        "was": {str(first.pk): Level.CLOSE},
        "now": {str(second.pk): Level.SEE},
    }
    set_grants(person, {second.pk: Level.SEE}, by=make.BY)
    assert len(facts("staff.rights_changed")) == 1


def test_resetting_the_second_factor_signs_out() -> None:
    person = make.agent()
    client = signed_in(person)
    Authenticator.objects.create(user=person, type="totp", data={"secret": "x"})
    reset_second_factor(person, by=make.BY)
    assert not Authenticator.objects.exists()
    assert client.get("/account/sessions/").status_code == 302
    assert facts("staff.second_factor_reset") == [{"agent": person.pk}]
