"""Signing in through the pages: throttled, second step, sessions, closed accounts."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import reverse

from zabota.events.models import Event
from zabota.lib import clock
from zabota.staff.models import Agent

PASSWORD = "correct horse battery"
ENGLISH = {"Accept-Language": "en"}
SIGNED_OUT = "Sign in"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clean() -> None:
    cache.clear()


@pytest.fixture
def anna() -> Agent:
    return Agent.objects.create_user(
        "anna@example.com", PASSWORD, surname="Орлова", first_name="Анна", language="en"
    )


def sign_in(client: Client, password: str = PASSWORD, email: str = "anna@example.com") -> int:
    sent = client.post(reverse("account_login"), {"login": email, "password": password})
    return sent.status_code


def is_in(client: Client) -> bool:
    return client.get(reverse("usersessions_list")).status_code == 200


def test_password_opens_and_wrong_one_does_not(client: Client, anna: Agent) -> None:
    assert sign_in(client, "wrong") == 200
    assert not is_in(client)
    assert sign_in(client) == 302
    assert is_in(client)
    assert Event.objects.filter(kind="staff.signed_in", stream=f"agent:{anna.pk}").count() == 1


def test_too_many_wrong_passwords_for_one_name_are_stopped(client: Client, anna: Agent) -> None:
    for _ in range(5):
        sign_in(client, "wrong")
    values = {"login": "anna@example.com", "password": PASSWORD}
    answer = client.post(reverse("account_login"), values, headers=ENGLISH)
    assert "Too many attempts" in answer.content.decode()
    assert not is_in(client)


def test_too_many_wrong_names_from_one_address_are_stopped(client: Client, anna: Agent) -> None:
    for number in range(10):
        sign_in(client, "wrong", f"nobody{number}@example.com")
    assert sign_in(client) == 200
    assert not is_in(client)
    other = Client(REMOTE_ADDR="203.0.113.9")
    assert sign_in(other) == 302


def test_sign_up_does_not_exist(client: Client) -> None:
    assert client.get("/account/signup/").status_code == 404
    assert not Agent.objects.exists()


@pytest.mark.parametrize("how", ["off", "ended"])
def test_closed_accounts_stay_out_and_are_put_out(client: Client, anna: Agent, how: str) -> None:
    sign_in(client)
    if how == "off":
        anna.is_active = False
    else:
        anna.expires_at = clock.now() - timedelta(minutes=1)
    anna.save()
    answer = client.get("/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse("account_login")
    assert not is_in(client)
    fresh = Client()
    answer = fresh.post(
        reverse("account_login"), {"login": "anna@example.com", "password": PASSWORD}
    )
    assert answer.headers["Location"] == reverse("account_inactive")
    assert not is_in(fresh)


def test_a_script_hears_that_the_session_ended_and_keeps_its_page(
    client: Client, anna: Agent
) -> None:
    sign_in(client)
    Agent.objects.update(is_active=False)
    answer = client.get("/", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert "HX-Redirect" not in answer.headers


def confirm(client: Client) -> None:
    asked = client.get(reverse("mfa_activate_totp")).headers["Location"]
    assert asked.startswith(reverse("account_reauthenticate")), "the password is asked once more"
    assert client.post(asked, {"password": PASSWORD}).status_code == 302


def activate_totp(client: Client) -> str:
    confirm(client)
    page = client.get(reverse("mfa_activate_totp"))
    assert page.status_code == 200
    found = re.search(r"<code>([A-Z2-7]{16,})</code>", page.content.decode())
    assert found
    secret = found.group(1)
    sent = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert sent.status_code == 302
    return secret


def code_of(secret: str, step: int = 0) -> str:
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter + step)))


def test_second_step_is_asked_and_its_secret_is_sealed(client: Client, anna: Agent) -> None:
    sign_in(client)
    secret = activate_totp(client)
    stored = Authenticator.objects.get(user=anna, type="totp")
    assert secret not in str(stored.data)

    other = Client()
    sent = other.post(reverse("account_login"), {"login": "anna@example.com", "password": PASSWORD})
    assert sent.headers["Location"] == reverse("mfa_authenticate")
    assert not is_in(other)
    cache.clear()
    code = code_of(secret)
    assert other.post(reverse("mfa_authenticate"), {"code": code}).status_code == 302
    assert is_in(other)

    third = Client()
    sign_in(third)
    again = third.post(reverse("mfa_authenticate"), {"code": code})
    assert again.status_code == 200, "a code works once"
    assert not is_in(third)


def test_a_recovery_code_opens_once(client: Client, anna: Agent) -> None:
    sign_in(client)
    activate_totp(client)
    page = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    codes = re.findall(r"<li><code>([0-9a-z]+)</code></li>", page)
    assert len(codes) == 10
    saved = client.get(reverse("mfa_download_recovery_codes")).content.decode()
    assert codes[0] in saved.split()
    for expected in (302, 200):
        other = Client()
        sign_in(other)
        sent = other.post(reverse("mfa_authenticate"), {"code": codes[0]})
        assert sent.status_code == expected


def test_signing_out_everywhere_else(client: Client, anna: Agent) -> None:
    other = Client(HTTP_USER_AGENT="Telephone")
    sign_in(client)
    sign_in(other)
    page = client.get(reverse("usersessions_list")).content.decode()
    assert "Telephone" in page
    client.post(reverse("usersessions_list"))
    assert is_in(client)
    assert not is_in(other)
    assert Event.objects.filter(kind="staff.sessions_ended").count() == 1


def test_signing_out_needs_a_post(client: Client, anna: Agent) -> None:
    sign_in(client)
    assert client.get(reverse("account_logout")).status_code == 200
    assert is_in(client)
    client.post(reverse("account_logout"))
    assert not is_in(client)


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_a_forgotten_password_is_set_anew_by_a_mailed_link(client: Client, anna: Agent) -> None:
    for address in ("stranger@example.com", "anna@example.com"):
        answer = client.post(reverse("account_reset_password"), {"email": address})
        assert answer.headers["Location"] == reverse("account_reset_password_done")
    (letter,) = mail.outbox
    assert letter.to == ["anna@example.com"]
    link = re.search(r"https?://[^/]+(/account/password/reset/key/\S+)", str(letter.body))
    assert link
    page = client.get(link.group(1), follow=True)
    form = page.redirect_chain[-1][0]
    new = "another long password"
    client.post(form, {"password1": new, "password2": new})
    assert sign_in(Client(), new) == 302
    again = client.get(link.group(1), follow=True, headers=ENGLISH)
    assert "no longer works" in again.content.decode()


@pytest.mark.parametrize(
    "name",
    "account_login account_inactive account_reset_password account_reset_password_done "
    "account_reset_password_from_key_done".split(),
)
@pytest.mark.parametrize("language", ["ru", "en"])
def test_pages_before_sign_in(client: Client, name: str, language: str) -> None:
    answer = client.get(reverse(name), headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert "style=" not in answer.content.decode()


@pytest.mark.parametrize(
    "name",
    "account_logout account_change_password mfa_index mfa_activate_totp usersessions_list "
    "mfa_reauthenticate account_reauthenticate".split(),
)
def test_pages_of_ones_own_account(client: Client, anna: Agent, name: str) -> None:
    sign_in(client)
    answer = client.get(reverse(name))
    assert answer.status_code in {200, 302}
    if answer.status_code == 200:
        assert "<h1>" in answer.content.decode()


def test_all_pages_of_the_second_step(client: Client, anna: Agent) -> None:
    sign_in(client)
    activate_totp(client)
    names = "mfa_index mfa_deactivate_totp mfa_view_recovery_codes mfa_generate_recovery_codes"
    for name in names.split():
        assert client.get(reverse(name)).status_code == 200, name
    assert "10 codes are left" in client.get(reverse("mfa_index")).content.decode()


def test_a_new_password_ends_the_other_sessions(client: Client, anna: Agent) -> None:
    other = Client()
    sign_in(client)
    sign_in(other)
    new = "another long password"
    given = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    client.post(reverse("account_change_password"), given)
    assert is_in(client)
    assert not is_in(other)
    assert Event.objects.filter(kind="staff.password_set").count() == 1


@override_settings(ALLOWED_HOSTS=["*"])
def test_the_link_of_a_lost_password_leads_to_our_public_address(anna: Agent) -> None:
    other = Client(headers={"Host": "localhost:1"})
    other.post(reverse("account_reset_password"), {"email": anna.email})
    text = mail.outbox[0].body
    assert f"{settings.ZABOTA_URL}/account/password/reset/key/" in text
    assert "localhost:1" not in text
