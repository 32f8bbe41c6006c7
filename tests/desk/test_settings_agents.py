"""Inviting agents, their rights and their sign-in, through the settings screens."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.mail import EmailMessage
from django.test import Client

from tests import make
from zabota.events.models import Event
from zabota.lib import clock
from zabota.staff import policy
from zabota.staff.models import Agent, Grant, Level, Role

pytestmark = pytest.mark.django_db

NEW = {
    "email": "Roman@Zabota.example", "surname": "Громов", "first_name": "Роман", "role": "line2",
    "language": "en", "time_zone": "Asia/Omsk",
}  # fmt: skip


def kinds(agent: Agent) -> list[str]:
    rows = Event.objects.filter(stream=f"agent:{agent.pk}").order_by("id")
    return list(rows.values_list("kind", flat=True))


def fields_of(agent: Agent, **changes: Any) -> dict[str, Any]:
    """What the form of the agent sends."""
    names = ("email", "surname", "first_name", "patronymic", "position", "role", "language")
    present = {name: getattr(agent, name) for name in names}
    return present | {"time_zone": agent.time_zone, "last_day": ""} | changes


@pytest.fixture
def admin() -> Agent:
    return make.administrator(language="en")


@pytest.fixture
def client(admin: Agent) -> Client:
    return make.browser(admin)


def test_an_invited_agent_signs_in_by_the_link_that_is_shown_once(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    make.inbox()
    answer = client.post("/settings/agents/new/", NEW)
    person = Agent.objects.get(email="roman@zabota.example")
    assert (person.role, person.language, person.time_zone) == ("line2", "en", "Asia/Omsk")
    assert kinds(person) == ["staff.agent_invited", "staff.link_made"]
    (link,) = re.findall(r'value="(http[^"]+/invitation/[^"]+)"', answer.content.decode())
    assert "It was also sent to roman@zabota.example." in answer.content.decode()
    (mail,) = mailoutbox
    assert mail.to == ["roman@zabota.example"]
    assert link in mail.body
    page = client.get(f"/settings/agents/{person.pk}/").content.decode()
    assert "invited" in page
    assert link.rsplit("/", 2)[1] not in page
    path = link.partition("//")[2].partition("/")[2]
    assert make.browser().get(f"/{path}").status_code == 200


def test_without_an_inbox_the_page_says_to_hand_the_link_over(client: Client) -> None:
    page = client.post("/settings/agents/new/", NEW).content.decode()
    assert "hand it over yourself" in page


@pytest.mark.parametrize("missing", ["surname", "first_name"])
def test_surname_and_first_name_are_required(client: Client, missing: str) -> None:
    answer = client.post("/settings/agents/new/", NEW | {missing: " "})
    assert answer.status_code == 422
    assert f'aria-describedby="id_{missing}_error' in answer.content.decode()
    assert not Agent.objects.filter(surname="Громов").exists()


def test_a_taken_address_is_refused_in_words(client: Client, admin: Agent) -> None:
    answer = client.post("/settings/agents/new/", NEW | {"email": admin.email.upper()})
    assert answer.status_code == 422
    assert 'id="id_email_error"' in answer.content.decode()


def test_a_change_is_recorded_and_stands_in_the_history(client: Client) -> None:
    person = make.agent()
    data = fields_of(person, position="Инженер", last_day="2099-12-30")
    assert client.post(f"/settings/agents/{person.pk}/", data).status_code == 302
    person.refresh_from_db()
    assert person.position == "Инженер"
    assert person.expires_at is not None
    assert person.expires_at.astimezone(make.administrator().zone).isoformat()[:16] == (
        "2099-12-31T00:00"
    )
    fact = Event.objects.get(kind="staff.agent_changed")
    assert fact.facts["fields"] == ["expires_at", "position"]
    page = client.get(f"/settings/agents/{person.pk}/").content.decode()
    assert "Вера Зорина: changed: account ends, position" in page
    assert 'value="2099-12-30"' in page
    assert client.post(f"/settings/agents/{person.pk}/", data).status_code == 302
    assert Event.objects.filter(kind="staff.agent_changed").count() == 1


def test_the_last_administrator_stays(client: Client, admin: Agent) -> None:
    answer = client.post(f"/settings/agents/{admin.pk}/", fields_of(admin, role=Role.LEAD))
    assert answer.status_code == 422
    assert "At least one administrator must be able to sign in." in answer.content.decode()
    off = client.post(f"/settings/agents/{admin.pk}/switch/", {"to": "off"}, follow=True)
    assert "At least one administrator must be able to sign in." in off.content.decode()
    admin.refresh_from_db()
    assert admin.is_administrator
    assert admin.is_active


def test_levels_per_queue(client: Client) -> None:
    person, first, billing = make.agent(), make.queue(), make.billing()
    page = client.get(f"/settings/agents/{person.pk}/").content.decode()
    assert "allows at most “solve and close”" in page
    assert f'<option value="{Level.MANAGE.value}"' not in page
    data = {f"queue_{first.pk}": 0, f"queue_{billing.pk}": Level.SEE.value}
    assert client.post(f"/settings/agents/{person.pk}/queues/", data).status_code == 302
    assert policy.levels(person) == {billing.pk: Level.SEE}
    page = client.get(f"/settings/agents/{person.pk}/").content.decode()
    assert "First line: solve and close → no access; Billing: no access → see" in page


def test_a_level_above_the_ceiling_is_refused(client: Client) -> None:
    person, first = make.agent(), make.queue()
    data = {f"queue_{first.pk}": Level.MANAGE.value}
    answer = client.post(f"/settings/agents/{person.pk}/queues/", data)
    assert answer.status_code == 422
    assert Grant.objects.get(agent=person).level == Level.CLOSE


def test_a_grant_above_the_present_role_survives_saving(client: Client) -> None:
    person, first = make.agent(role=Role.LIGHT, level=Level.CLOSE), make.queue()
    data = {f"queue_{first.pk}": Level.REPLY.value}
    assert client.post(f"/settings/agents/{person.pk}/queues/", data).status_code == 302
    assert Grant.objects.get(agent=person).level == Level.CLOSE
    assert policy.levels(person) == {first.pk: Level.REPLY}


def test_the_quarantine_can_be_granted(client: Client) -> None:
    person, quarantine = make.agent(), make.quarantined().queue
    page = client.get(f"/settings/agents/{person.pk}/").content.decode()
    assert f'name="queue_{quarantine.pk}"' in page
    data = {f"queue_{queue}": Level.SEE.value for queue in (make.queue().pk, quarantine.pk)}
    client.post(f"/settings/agents/{person.pk}/queues/", data)
    assert policy.allows(person, Level.SEE, quarantine.pk)


def test_switching_off_signs_out_and_on_lets_in_again(client: Client) -> None:
    person = make.agent()
    theirs = make.browser(person)
    theirs.get("/")
    client.post(f"/settings/agents/{person.pk}/switch/", {"to": "off"})
    person.refresh_from_db()
    assert not person.is_active
    assert theirs.get("/").status_code == 302
    assert "switched off" in client.get("/settings/agents/").content.decode()
    client.post(f"/settings/agents/{person.pk}/switch/", {"to": "on"})
    person.refresh_from_db()
    assert person.may_work


def test_second_factor_sessions_and_a_new_link(client: Client) -> None:
    person = make.agent()
    Authenticator.objects.create(user=person, type="totp", data={"secret": "x"})
    UserSession.objects.create(
        user=person, session_key="k" * 32, ip="127.0.0.1", last_seen_at=clock.now()
    )
    page = client.get(f"/settings/agents/{person.pk}/").content.decode()
    assert "second factor on" in page
    assert "1 browser is signed in." in page
    ended = client.post(f"/settings/agents/{person.pk}/sessions/", follow=True)
    assert "1 session was ended." in ended.content.decode()
    client.post(f"/settings/agents/{person.pk}/second-factor/")
    assert not Authenticator.objects.filter(user=person).exists()
    assert "/invitation/" in client.post(f"/settings/agents/{person.pk}/link/").content.decode()
    wanted = ["staff.sessions_ended", "staff.second_factor_reset", "staff.link_made"]
    assert [kind for kind in kinds(person) if kind in wanted] == wanted


def test_an_account_that_has_ended_is_shown_so(client: Client) -> None:
    make.agent(expires_at=clock.now() - timedelta(days=1))
    assert "account ended" in client.get("/settings/agents/").content.decode()


def test_the_list_takes_a_bounded_number_of_queries(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    for name in make.PEOPLE:
        make.agent(name)
    client.get("/settings/agents/")  # the company is kept from here
    with django_assert_max_num_queries(14):
        client.get("/settings/agents/")
