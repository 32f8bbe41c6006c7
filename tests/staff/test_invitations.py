"""One-time links: the first administrator, new agents, and what they must not do."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client, override_settings

from tests import make
from zabota.events.models import Event
from zabota.lib import clock
from zabota.staff import invitations
from zabota.staff.actions import invite_agent, switch_off
from zabota.staff.models import Agent, Invitation, Role

pytestmark = pytest.mark.django_db

FORM = {
    "email": "Boss@Example.com",
    "surname": "Ёлкина",
    "first_name": "Мария",
    "password": "три разных слова",
    "repeated": "три разных слова",
}


def path_of(link: str | None) -> str:
    assert link is not None
    return urlsplit(link).path


def test_the_first_link_makes_the_administrator_once(client: Client) -> None:
    path = path_of(invitations.first_admin_link())
    assert client.get(path).status_code == 200
    assert not Agent.objects.exists(), "looking changes nothing"
    sent = client.post(path, FORM)
    assert sent.headers["Location"] == "/account/login/"
    person = Agent.objects.get()
    assert (person.email, person.full_name) == ("boss@example.com", "Мария Ёлкина")
    assert person.is_administrator
    assert client.post(path, FORM | {"email": "second@example.com"}).status_code == 410
    assert Agent.objects.count() == 1
    assert invitations.first_admin_link() is None
    signed = client.post(
        "/account/login/", {"login": "boss@example.com", "password": FORM["password"]}
    )
    assert signed.status_code == 302


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_first_administrator_keeps_the_language_of_the_form(
    client: Client, language: str
) -> None:
    path = path_of(invitations.first_admin_link())
    client.post(path, FORM, headers={"accept-language": f"{language},de;q=0.5"})
    assert Agent.objects.get().language == language


def test_a_new_first_link_ends_the_old_one(client: Client) -> None:
    old = path_of(invitations.first_admin_link())
    invitations.first_admin_link()
    assert client.get(old).status_code == 410


@pytest.mark.parametrize(
    "change",
    [
        {"surname": ""},
        {"first_name": " "},
        {"surname": "12"},
        {"password": "short", "repeated": "short"},
        {"repeated": "something else"},
        {"email": "no address"},
        {"password": "password123", "repeated": "password123"},
    ],
)
def test_names_and_a_good_password_are_required(client: Client, change: dict[str, str]) -> None:
    path = path_of(invitations.first_admin_link())
    answer = client.post(path, FORM | change)
    assert answer.status_code == 200
    assert "aria-invalid" in answer.content.decode()
    assert not Agent.objects.exists()
    assert client.post(path, FORM).status_code == 302, "the link still works"


def test_only_the_hash_of_a_link_is_stored(client: Client) -> None:
    token = path_of(invitations.first_admin_link()).split("/")[2]
    assert token not in str(Invitation.objects.values_list("token_hash", flat=True))


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_an_invited_agent_gets_his_link_by_mail(client: Client) -> None:
    boss = make.administrator()
    person = invite_agent(
        "new@example.com", surname="Орлов", first_name="Пётр", role=Role.LINE1, by=boss.actor
    )
    link = invitations.invite(person)
    (letter,) = mail.outbox
    assert letter.to == ["new@example.com"]
    assert link in str(letter.body)
    page = client.get(path_of(link)).content.decode()
    assert "Орлов" in page
    assert "new@example.com" in page
    given = {name: FORM[name] for name in ("surname", "first_name", "password", "repeated")}
    assert client.post(path_of(link), given).status_code == 302
    person.refresh_from_db()
    assert person.check_password(FORM["password"])
    assert person.role == Role.LINE1
    assert Event.objects.filter(kind="staff.agent_invited").count() == 1


def test_a_link_ends_after_72_hours(client: Client) -> None:
    path = path_of(invitations.first_admin_link())
    with clock.shifted(timedelta(hours=73)):
        assert client.get(path).status_code == 410
        assert client.post(path, FORM).status_code == 410
    assert not Agent.objects.exists()


def test_links_from_the_command_line() -> None:
    link = invitations.create_admin("root@example.com", "Админов", "Иван")
    person = Agent.objects.get(email="root@example.com")
    assert person.is_administrator
    assert re.search(r"/invitation/[\w-]{40,}/$", link)
    assert invitations.new_link("ROOT@example.com") != link
    with pytest.raises(Agent.DoesNotExist):
        invitations.new_link("nobody@example.com")
    with pytest.raises(ValidationError):
        invitations.create_admin("root@example.com", "Админов", "Иван")


def test_a_switched_off_administrator_does_not_count() -> None:
    first = make.administrator()
    make.administrator("Вера Зорина")
    assert invitations.first_admin_link() is None
    switch_off(first, by=make.BY)
    assert invitations.first_admin_link() is None
    Agent.objects.update(is_active=False)
    assert invitations.first_admin_link() is not None
