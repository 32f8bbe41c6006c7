"""Connecting a mailbox through Google or Microsoft, on the screens of the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as conf
from django.test import Client

from tests import make
from tests.desk.test_settings_inboxes import typed
from tests.mailserver import ImapServer
from tests.oauthserver import CLIENT_ID, CLIENT_SECRET, Provider, TokenImap, TokenSmtp
from zabota.channels import permission
from zabota.channels.models import Inbox, Permission
from zabota.events.models import Event

pytestmark = pytest.mark.django_db
BACK = "/settings/inboxes/permission/"


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    permission.forget()
    with Provider() as running:
        settings.OAUTH_STAND_IN = running.url
        yield running


@pytest.fixture
def servers(provider: Provider) -> Iterator[tuple[TokenImap, TokenSmtp]]:
    with (
        ImapServer() as behind,
        TokenImap(behind, provider) as imap,
        TokenSmtp(provider) as smtp,
    ):
        yield imap, smtp


@pytest.fixture
def client() -> Client:
    return make.browser(make.administrator(language="en"))


def added(client: Client, servers: Any, auth: str = "google") -> Inbox:
    """A new inbox, saved and off until it is connected, with its registered application."""
    data = typed(*servers, auth=auth, password="")
    answer = client.post("/settings/inboxes/new/", data)
    inbox = Inbox.objects.get()
    assert answer["Location"] == f"/settings/inboxes/{inbox.pk}/permission/"
    assert not inbox.is_active
    page = client.get(answer["Location"]).content.decode()
    assert f'value="{conf.ZABOTA_URL}{BACK}"' in page, "the redirect address to be copied"
    given = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "tenant": ""}
    assert client.post(answer["Location"], given).status_code == 302
    return inbox


def sent_to(client: Client, inbox: Inbox) -> str:
    """Where the page after "Connect" leads."""
    page = client.post(f"/settings/inboxes/{inbox.pk}/permission/connect/").content.decode()
    link = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page)
    assert link
    assert f'href="{link[1]}"' in page
    return unescape(link[1])


def way_back(provider: Provider, url: str) -> dict[str, str]:
    state = parse_qs(urlsplit(url).query)["state"][0]
    return {"code": provider.consent(url), "state": state}


@pytest.mark.parametrize("auth", ["google", "microsoft"])
def test_a_mailbox_is_added_and_connected_without_a_password(
    client: Client, servers: Any, provider: Provider, auth: str
) -> None:
    inbox = added(client, servers, auth)
    url = sent_to(client, inbox)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["redirect_uri"] == conf.ZABOTA_URL + BACK
    assert asked["code_challenge_method"] == "S256"
    back = way_back(provider, url)
    page = client.get(BACK, back).content.decode()
    assert "Finish connecting" in page
    assert provider.asked == [], "a GET changes nothing"
    assert Permission.objects.get().connected_at is None
    shown = client.post(BACK, back, follow=True).content.decode()
    assert "Support is connected." in shown
    assert "Mail that comes from now on becomes tickets." in shown
    inbox.refresh_from_db()
    assert inbox.is_active
    assert inbox.secret_encrypted == ""
    again = client.post(BACK, back, follow=True).content.decode()
    assert "This way back was used already" in again
    assert len(provider.asked) == 1
    assert "Mailbox connected." in client.get(f"/settings/inboxes/{inbox.pk}/").content.decode()


def test_secrets_never_stand_on_a_page_or_in_a_fact(
    client: Client, servers: Any, provider: Provider
) -> None:
    inbox = added(client, servers)
    back = way_back(provider, sent_to(client, inbox))
    client.post(BACK, back)
    secrets = [CLIENT_SECRET, *provider.access, *provider.refresh]
    for address in (f"/settings/inboxes/{inbox.pk}/", f"/settings/inboxes/{inbox.pk}/permission/"):
        page = client.get(address).content.decode()
        assert not [secret for secret in secrets if secret in page]
    facts = str([row.facts for row in Event.objects.all()])
    assert not [secret for secret in secrets if secret in facts]
    kept = str(dict(client.session))
    assert not [secret for secret in secrets if secret in kept]


@pytest.mark.parametrize("wrong", ["state", "session", "late"])
def test_a_foreign_or_late_way_back_connects_nothing(
    client: Client, servers: Any, provider: Provider, wrong: str
) -> None:
    inbox = added(client, servers)
    back = way_back(provider, sent_to(client, inbox))
    other = client
    if wrong == "state":
        back["state"] = "x" * 43
    elif wrong == "session":
        other = make.browser(make.administrator("Ольга Щербакова", language="en"))
    else:
        session = client.session
        session["mailbox_permission"] |= {"until": 0}
        session.save()
    for answer in (other.get(BACK, back), other.post(BACK, back)):
        assert "This way back was used already, is too old" in answer.content.decode()
    assert provider.asked == []


def test_a_code_caught_without_the_verifier_is_worth_nothing(
    client: Client, servers: Any, provider: Provider
) -> None:
    inbox = added(client, servers)
    caught = way_back(provider, sent_to(client, inbox))["code"]
    second = way_back(provider, sent_to(client, inbox))
    page = client.post(BACK, second | {"code": caught}, follow=True).content.decode()
    assert "is connected" not in page
    assert Permission.objects.get().connected_at is None


def test_a_denied_permission_is_told(client: Client, servers: Any, provider: Provider) -> None:
    inbox = added(client, servers)
    state = parse_qs(urlsplit(sent_to(client, inbox)).query)["state"][0]
    page = client.get(BACK, {"error": "access_denied", "state": state}).content.decode()
    assert "The mailbox is not connected to its provider" in page


def test_a_connected_mailbox_gives_its_token_to_no_other_server(
    client: Client, servers: Any, provider: Provider
) -> None:
    inbox = added(client, servers)
    client.post(BACK, way_back(provider, sent_to(client, inbox)))
    moved = typed(*servers, auth="google", password="", imap_host="evil.example", is_active="on")
    page = client.post(f"/settings/inboxes/{inbox.pk}/", moved)
    assert page.status_code == 422
    assert "disconnect it before this change" in page.content.decode()
    tried = client.post(f"/settings/inboxes/{inbox.pk}/check/", moved)
    assert "evil.example" not in str(Inbox.objects.get().config)
    assert tried.status_code == 422
    client.post(f"/settings/inboxes/{inbox.pk}/permission/end/")
    assert Permission.objects.get().refresh_encrypted == ""
    assert client.post(f"/settings/inboxes/{inbox.pk}/", moved).status_code == 302


def test_going_back_to_a_password_needs_one(client: Client, servers: Any) -> None:
    inbox = added(client, servers)
    data = typed(*servers, auth="password", password="")
    assert client.post(f"/settings/inboxes/{inbox.pk}/", data).status_code == 422
    answer = client.post(f"/settings/inboxes/{inbox.pk}/", data | {"password": "новый"})
    assert answer.status_code == 302
    assert Inbox.objects.get().secret() == "новый"
    page = client.get(f"/settings/inboxes/{inbox.pk}/permission/").content.decode()
    assert "signs in by name and password" in page


def test_a_tenant_is_part_of_an_address(client: Client, servers: Any) -> None:
    inbox = added(client, servers, "microsoft")
    address = f"/settings/inboxes/{inbox.pk}/permission/"
    given = {"client_id": CLIENT_ID, "client_secret": "", "tenant": "a/../b"}
    assert client.post(address, given).status_code == 422
    assert client.post(address, given | {"tenant": "company.example"}).status_code == 302
    assert "/company.example/oauth2/" in sent_to(client, inbox)
