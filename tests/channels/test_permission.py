"""Mailboxes opened by a provider's token, against a stand-in for the provider and real mail
servers that take nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tests import make
from tests.drain import drain, run_timers
from tests.mailserver import ImapServer
from tests.oauthserver import CLIENT_ID, CLIENT_SECRET, Provider, TokenImap, TokenSmtp
from zabota.channels import fetcher, permission, providers, registry
from zabota.channels.contract import NoPermission, PermanentError, TemporaryError
from zabota.channels.kinds.mail.check import check
from zabota.channels.models import Inbox, Outgoing, OutgoingState, Permission
from zabota.events.models import Event
from zabota.lib import clock, crypto
from zabota.tickets.actions import reply

pytestmark = pytest.mark.django_db

REVOKED = '{"error": "invalid_grant", "error_description": "Token has been revoked."}'


@pytest.fixture(scope="module")
def behind() -> Iterator[ImapServer]:
    with ImapServer() as server:
        yield server


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    permission.forget()
    with Provider() as running:
        settings.OAUTH_STAND_IN = running.url
        yield running
    permission.forget()


@pytest.fixture
def smtp(provider: Provider) -> Iterator[TokenSmtp]:
    with TokenSmtp(provider) as server:
        yield server


@pytest.fixture
def inbox(provider: Provider, behind: ImapServer, smtp: TokenSmtp) -> Iterator[Inbox]:
    with TokenImap(behind, provider) as imap:
        yield make.inbox(config=imap.config() | smtp.config() | {"auth": "microsoft"})


def connected(inbox: Inbox, provider: Provider) -> Permission:
    """The inbox after an administrator has connected it."""
    row = Permission.objects.create(
        inbox=inbox,
        provider=inbox.config["auth"],
        client_id=CLIENT_ID,
        client_secret_encrypted=crypto.encrypt(CLIENT_SECRET),
        tenant="company.example",
    )
    verifier, back = providers.new_verifier(), permission.back_url("https://zabota.example")
    url = providers.permission_url(
        permission.client_of(row), state="s", verifier=verifier, back=back, address=inbox.address
    )
    code = provider.consent(url)
    permission.connect(row, code=code, verifier=verifier, back=back, by=make.BY)
    return Permission.objects.get(pk=row.pk)


def answer(inbox: Inbox) -> Outgoing:
    agent = make.agent()
    message = reply(make.ticket(to=inbox), "Проверьте папку.", agent=agent, by=agent.actor)
    drain()
    return Outgoing.objects.get(ticket_message=message)


def test_mail_is_fetched_and_sent_by_token(
    inbox: Inbox, provider: Provider, behind: ImapServer, smtp: TokenSmtp
) -> None:
    connected(inbox, provider)
    behind.append(make.mail("по токену"))
    mailbox = registry.kind("mail").open(inbox)
    mailbox.select("INBOX")
    found = [mailbox.fetch(uid, 10**6) for uid in mailbox.uids_after(0)]
    mailbox.close()
    assert any(one and b"Subject" in one.raw for one in found)
    assert answer(inbox).state == OutgoingState.SENT
    assert smtp.taken
    assert check(inbox).is_good
    assert len(provider.asked) == 1, "one token served them all"


def test_only_the_known_addresses_are_asked(
    inbox: Inbox, provider: Provider, settings: Any
) -> None:
    row = connected(inbox, provider)
    assert provider.paths == ["/company.example/oauth2/v2.0/token"]
    settings.OAUTH_STAND_IN = ""
    client = permission.client_of(row)
    host = "https://login.microsoftonline.com/company.example/oauth2/v2.0"
    assert client.url(client.provider.token_url) == f"{host}/token"
    url = providers.permission_url(client, state="s", verifier="v", back="b", address="a@b.example")
    assert url.startswith(f"{host}/authorize?")
    assert "offline_access" in url
    assert "verifier" not in url
    assert CLIENT_SECRET not in url


def test_nothing_lies_readable_in_the_database(inbox: Inbox, provider: Provider) -> None:
    row = connected(inbox, provider)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(p)::text FROM channels_permission p")
        (text,) = cursor.fetchone()
    for secret in (*provider.access, *provider.refresh, CLIENT_SECRET):
        assert secret not in text
    assert crypto.decrypt(row.refresh_encrypted) in provider.refresh


def test_a_token_is_renewed_before_it_ends_and_the_new_refresh_token_is_kept(
    inbox: Inbox, provider: Provider
) -> None:
    connected(inbox, provider)
    first = permission.token(inbox)
    with clock.shifted(timedelta(minutes=54)):
        assert permission.token(inbox) == first
    for minutes in (56, 56 + 56):
        with clock.shifted(timedelta(minutes=minutes)):
            assert permission.token(inbox) != first
    assert [asked["grant_type"] for asked in provider.asked] == [
        "authorization_code", "refresh_token", "refresh_token",
    ]  # fmt: skip
    assert len({asked.get("refresh_token") for asked in provider.asked}) == 3
    stored = Permission.objects.get()
    assert {crypto.decrypt(stored.refresh_encrypted)} == provider.refresh


def test_a_provider_that_keeps_the_refresh_token(inbox: Inbox, provider: Provider) -> None:
    provider.rotates = False
    connected(inbox, provider)
    with clock.shifted(timedelta(hours=2)):
        permission.token(inbox)
    assert {crypto.decrypt(Permission.objects.get().refresh_encrypted)} == provider.refresh


def test_a_token_that_lives_shortly_is_used_for_half_its_life(
    inbox: Inbox, provider: Provider
) -> None:
    provider.life = 60
    connected(inbox, provider)
    with clock.shifted(timedelta(seconds=20)):
        permission.token(inbox)
    assert len(provider.asked) == 1
    with clock.shifted(timedelta(seconds=40)):
        permission.token(inbox)
    assert len(provider.asked) == 2


@pytest.mark.django_db(transaction=True)
def test_four_at_once_ask_the_provider_once(inbox: Inbox, provider: Provider) -> None:
    connected(inbox, provider)
    permission.token_refused(inbox)
    provider.slow = 0.3
    got: list[str] = []

    def ask() -> None:
        got.append(permission.token(Inbox.objects.get(pk=inbox.pk)))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(set(got)) == 1
    assert len(got) == 4
    assert len(provider.asked) == 2, "the code, and one renewal"


def test_a_lost_permission_raises_the_alarm_and_loses_no_mail(
    inbox: Inbox, provider: Provider, smtp: TokenSmtp
) -> None:
    row = connected(inbox, provider)
    provider.refresh.clear()
    provider.access.clear()
    permission.token_refused(inbox)
    letter = answer(inbox)
    assert (letter.state, letter.attempts) == (OutgoingState.DELAYED, 0)
    assert "Microsoft gives no permission for the mailbox: invalid_grant" in letter.last_error
    assert Event.objects.filter(kind="channels.permission_lost").count() == 1
    asked = len(provider.asked)
    for hours in range(1, 200, 20):
        with clock.shifted(timedelta(hours=hours)):
            run_timers()
    letter.refresh_from_db()
    assert letter.state == OutgoingState.DELAYED, "never given up"
    assert len(provider.asked) == asked, "a lost permission is not asked for again and again"
    admin = make.browser(make.administrator(language="en"))
    for page in ("/", f"/settings/inboxes/{inbox.pk}/permission/"):
        shown = admin.get(page, follow=True).content.decode()
        assert "may not read and send any more" in shown, page
        assert f"/settings/inboxes/{inbox.pk}/permission/" in shown
    agents = make.browser(make.agent(language="en")).get("/", follow=True).content.decode()
    assert "may not read and send any more" not in agents
    page = admin.get("/undelivered/").content.decode()
    assert "connect the mailbox anew" in page
    row.delete()
    connected(inbox, provider)
    drain()
    letter.refresh_from_db()
    assert letter.state == OutgoingState.SENT
    assert letter.message_id.encode() in smtp.taken[-1].raw
    assert not permission.lost()


def test_the_fetch_process_says_why_it_does_not_read(inbox: Inbox, provider: Provider) -> None:
    connected(inbox, provider)
    provider.refresh.clear()
    permission.token_refused(inbox)
    reader = fetcher.Reader(inbox)
    with pytest.raises(NoPermission) as caught:
        reader._read()
    reader._note(str(caught.value))
    page = make.browser(make.administrator(language="en")).get(f"/settings/inboxes/{inbox.pk}/")
    shown = page.content.decode()
    assert "The mailbox is not connected to its provider, or the permission was lost" in shown
    assert "invalid_grant" in shown


@pytest.mark.parametrize("fail", [(503, ""), (429, '{"error": "slow_down"}'), (200, "<html>")])
def test_a_provider_in_trouble_is_no_loss(
    inbox: Inbox, provider: Provider, fail: tuple[int, str]
) -> None:
    connected(inbox, provider)
    permission.token_refused(inbox)
    provider.fail = fail
    letter = answer(inbox)
    assert (letter.state, letter.attempts) == (OutgoingState.DELAYED, 1)
    assert Permission.objects.get().lost_at is None
    provider.fail = None
    with clock.shifted(timedelta(minutes=2)):
        run_timers()
    letter.refresh_from_db()
    assert letter.state == OutgoingState.SENT


def test_a_provider_that_cannot_be_reached_is_no_loss(
    inbox: Inbox, provider: Provider, settings: Any
) -> None:
    connected(inbox, provider)
    permission.token_refused(inbox)
    settings.OAUTH_STAND_IN = "http://127.0.0.1:9"
    with pytest.raises(TemporaryError, match="Microsoft cannot be asked") as caught:
        permission.token(inbox)
    assert not isinstance(caught.value, NoPermission)


def test_a_wrong_client_secret_is_told_as_such(inbox: Inbox, provider: Provider) -> None:
    row = connected(inbox, provider)
    row.client_secret_encrypted = crypto.encrypt("ended")
    row.save()
    permission.token_refused(inbox)
    with pytest.raises(NoPermission, match="invalid_client"):
        permission.token(inbox)


def test_a_token_that_the_mail_servers_do_not_take_is_replaced(
    inbox: Inbox, provider: Provider
) -> None:
    connected(inbox, provider)
    provider.access.clear()
    with pytest.raises(PermanentError, match="refused the access token of demouser"):
        registry.kind("mail").open(inbox)
    registry.kind("mail").open(inbox).close()
    provider.access.clear()
    letter = answer(inbox)
    assert letter.state == OutgoingState.DELAYED
    assert "refused the access token: 535" in letter.last_error
    with clock.shifted(timedelta(minutes=2)):
        run_timers()
    letter.refresh_from_db()
    assert letter.state == OutgoingState.SENT


def test_trying_the_connection_tells_what_is_missing(inbox: Inbox, provider: Provider) -> None:
    assert {step.trouble for step in check(inbox).steps} == {"permission"}
    connected(inbox, provider)
    provider.access.clear()
    assert {step.trouble for step in check(inbox).steps if step.trouble} == {"token"}


def test_connecting_anew_makes_the_reader_connect_anew(inbox: Inbox, provider: Provider) -> None:
    before = fetcher.fingerprint(Inbox.objects.get(pk=inbox.pk))
    row = connected(inbox, provider)
    after = fetcher.fingerprint(Inbox.objects.get(pk=inbox.pk))
    assert before != after
    permission.token_refused(inbox)
    permission.token(inbox)
    assert fetcher.fingerprint(Inbox.objects.get(pk=inbox.pk)) == after, "a renewal disturbs nobody"
    permission.disconnect(row, by=make.BY)
    assert fetcher.fingerprint(Inbox.objects.get(pk=inbox.pk)) != after
    with pytest.raises(NoPermission, match="not connected"):
        permission.token(inbox)
