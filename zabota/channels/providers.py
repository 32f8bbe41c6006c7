"""Google and Microsoft as providers of permissions for mailboxes: OAuth2, PKCE (RFC 6749, 7636).

Addresses and scopes: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol and
https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import secrets
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings

from zabota.channels.contract import PermanentError, TemporaryError

TIMEOUT = 10.0  # seconds to connect and for the answer
MOST_BYTES = 256 * 1024
# "organizations" lets in every company that uses Microsoft 365, whoever registered the application.
ANY_TENANT = "organizations"
TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,98}[A-Za-z0-9])?")
# Errors of RFC 6749 and of both providers that are different at a later try.
_LATER = frozenset({"temporarily_unavailable", "server_error", "slow_down", "internal_failure"})


@dataclass(frozen=True)
class Provider:
    """One provider. `{tenant}` stands for the directory of the company, at Microsoft only."""

    name: str
    title: str
    permission_url: str
    token_url: str
    scope: str
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def has_tenant(self) -> bool:
        """Whether the addresses name the company."""
        return "{tenant}" in self.token_url


PROVIDERS = {
    "google": Provider(
        "google",
        "Google",
        "https://accounts.google.com/o/oauth2/v2/auth",
        "https://oauth2.googleapis.com/token",
        "https://mail.google.com/",
        # Without both, Google gives a refresh token at the first consent only.
        {"access_type": "offline", "prompt": "consent"},
    ),
    "microsoft": Provider(
        "microsoft",
        "Microsoft",
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        "offline_access https://outlook.office.com/IMAP.AccessAsUser.All "
        "https://outlook.office.com/SMTP.Send",
        {"prompt": "select_account"},
    ),
}


class Refused(PermanentError):
    """The provider gives no token; a person must act."""


@dataclass(frozen=True)
class Client:
    """The application as the administrator registered it at the provider."""

    provider: Provider
    client_id: str
    client_secret: str
    tenant: str = ""

    def url(self, template: str) -> str:
        """An address of the provider for this client."""
        url = template.replace("{tenant}", quote(self.tenant or ANY_TENANT, safe=""))
        stand_in = settings.OAUTH_STAND_IN
        return stand_in + urlsplit(url).path if stand_in else url


@dataclass(frozen=True)
class Tokens:
    """What a provider gave; `refresh` is '' when the former one stays, `seconds` the life."""

    access: str
    refresh: str
    seconds: int


def new_verifier() -> str:
    """A PKCE verifier, which stays here until the code is exchanged."""
    return secrets.token_urlsafe(48)


def permission_url(client: Client, *, state: str, verifier: str, back: str, address: str) -> str:
    """Where the administrator is sent to; the provider sends him to `back` with `state`."""
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": back,
        "scope": client.provider.scope,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "login_hint": address,
    }
    return (
        f"{client.url(client.provider.permission_url)}?{urlencode(asked | client.provider.extra)}"
    )


def exchange(client: Client, *, code: str, verifier: str, back: str) -> Tokens:
    """The first tokens for a code; raises Refused or TemporaryError."""
    return _ask(
        client,
        {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": back,
        },
    )


def refresh(client: Client, token: str) -> Tokens:
    """New tokens for a refresh token; raises Refused or TemporaryError."""
    asked = {"grant_type": "refresh_token", "refresh_token": token}
    if client.provider.has_tenant:
        asked["scope"] = client.provider.scope
    return _ask(client, asked)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """A token endpoint does not move; the secret goes nowhere else."""


_OPENER = urllib.request.build_opener(_NoRedirect)


def _ask(client: Client, asked: dict[str, str]) -> Tokens:
    title = client.provider.title
    known = {"client_id": client.client_id, "client_secret": client.client_secret}
    request = urllib.request.Request(  # noqa: S310 (fixed addresses)
        client.url(client.provider.token_url),
        data=urlencode(asked | known).encode(),
        headers={"Accept": "application/json"},
    )
    try:
        with _OPENER.open(request, timeout=TIMEOUT) as answer:
            return _tokens(title, answer.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        raise _refusal(title, error.code, error.read(MOST_BYTES)) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise TemporaryError(f"{title} cannot be asked for the permission: {reason}") from error


def _tokens(title: str, body: bytes) -> Tokens:
    given = _object(body)
    access = given.get("access_token")
    if not isinstance(access, str) or not access:
        raise TemporaryError(f"{title} cannot be asked for the permission: no token in its answer")
    life = str(given.get("expires_in") or "")
    return Tokens(
        access=access,
        refresh=str(given.get("refresh_token") or ""),
        seconds=int(life) if life.isdigit() else 3600,
    )


def _refusal(title: str, status: int, body: bytes) -> PermanentError | TemporaryError:
    given = _object(body)
    code = str(given.get("error") or "")
    said = " ".join(f"{code} {given.get('error_description') or ''}".split())[:300]
    if not code or status == 429 or status >= 500 or code in _LATER:
        return TemporaryError(
            f"{title} cannot be asked for the permission: {status} {said}".strip()
        )
    return Refused(f"{title} gives no permission for the mailbox: {said}")


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
