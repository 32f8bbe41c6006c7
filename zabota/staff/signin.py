"""Sign-in by allauth: closed to strangers, throttled, second factor sealed, ends recorded."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zabota.events.kept import held
from zabota.events.log import record
from zabota.lib import crypto
from zabota.staff import structure
from zabota.staff.events import PasswordSet, SessionsEnded, SignedIn
from zabota.staff.models import Agent

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class AgentBackend(AuthenticationBackend):  # type: ignore[misc]
    """Knows agents by mail address; a switched-off or ended account is nobody, at every request."""

    def user_can_authenticate(self, user: AbstractBaseUser | None) -> bool:
        """Asked at sign-in and whenever a session names its user."""
        return isinstance(user, Agent) and user.may_work

    def get_user(self, user_id: int) -> Agent | None:
        """The agent of a session, with the company as it is now."""
        # As it was when the session was read.
        with held():
            now = structure.current()
        found = now.agents.get(int(user_id))
        if found is None or not found.may_work:
            return None
        person = copy.copy(found)
        person.company = now
        return person


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's decisions about accounts."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": _("Too many attempts. Wait five minutes and try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Agents come by invitation only."""
        return False

    def pre_login(
        self, request: HttpRequest, user: AbstractBaseUser, **options: Any
    ) -> HttpResponse | None:
        """An ended account gets the page that says so; the password alone is not enough."""
        if isinstance(user, Agent) and not user.may_work:
            user.is_active = False  # in memory: allauth looks at nothing else
        found: HttpResponse | None = super().pre_login(request, user, **options)
        return found

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Start the session, after the second factor."""
        super().login(request, user)
        with transaction.atomic():
            record(SignedIn(agent=user.pk), stream=f"agent:{user.pk}", by=_agent(user).actor)

    def logout(self, request: HttpRequest) -> None:
        """End the session; open live streams hear of it."""
        user = request.user
        super().logout(request)
        if isinstance(user, Agent):
            _record_end(user, 1)

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """Store a new password chosen on a page."""
        person = _agent(user)
        with transaction.atomic():
            super().set_password(person, password)
            how = "change" if self.request.user.is_authenticated else "reset"
            fact = PasswordSet(agent=person.pk, how=how)
            record(fact, stream=f"agent:{person.pk}", by=person.actor)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that throttling counts; a trusted proxy's word is already in it."""
        return str(request.META.get("REMOTE_ADDR") or "0.0.0.0")  # noqa: S104

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link of the mail leads to our public address, whatever host the request named: who
        asks for somebody else's link must not choose where it leads."""
        link = urlsplit(super().get_reset_password_from_key_url(key))
        return f"{settings.ZABOTA_URL}{link.path}"

    def format_email_subject(self, subject: str) -> str:
        """No bracketed site name before it."""
        return str(subject)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors; their secrets are sealed with a key outside the database."""

    def encrypt(self, text: str) -> str:
        """Seal a TOTP secret or recovery seed."""
        return crypto.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises crypto.WrongKey when the secret key was lost."""
        return crypto.decrypt(encrypted_text)


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    """“Sign out everywhere” reaches open live streams too."""

    def end_sessions(self, sessions: Iterable[Any]) -> None:
        """End these sessions of one agent."""
        ended = list(sessions)
        super().end_sessions(ended)
        if ended:
            _record_end(_agent(ended[0].user), len(ended))


def _record_end(person: Agent, count: int) -> None:
    with transaction.atomic():
        fact = SessionsEnded(agent=person.pk, sessions=count)
        record(fact, stream=f"agent:{person.pk}", by=person.actor)


def _agent(user: Any) -> Agent:
    if not isinstance(user, Agent):
        raise TypeError(f"{type(user).__name__} is no agent")
    return user
