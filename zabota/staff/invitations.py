"""One-time links by which people get in: the first administrator, new agents, a lost password."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from zabota.events.actor import Actor, system
from zabota.events.log import record
from zabota.lib import clock
from zabota.staff import sessions
from zabota.staff.actions.agents import reset_second_factor as reset_factor
from zabota.staff.actions.grants import invite_agent
from zabota.staff.events import AgentInvited, LinkMade, PasswordSet
from zabota.staff.models import Agent, Invitation, Language, Role

LIFE = timedelta(hours=72)
CONSOLE = system("console")


def first_admin_link() -> str | None:
    """A link that makes the first administrator; None while an administrator can sign in.

    Earlier links of this sort stop working.
    """
    administrators = Agent.objects.filter(role=Role.ADMINISTRATOR)
    if any(person.may_work and person.has_usable_password() for person in administrators):
        return None
    with transaction.atomic():
        Invitation.objects.filter(agent=None, used_at=None).delete()
        return _new(None)


def administrators() -> list[str]:
    """Addresses of the administrators who may work, oldest first."""
    found = Agent.objects.filter(role=Role.ADMINISTRATOR).order_by("id")
    return [person.email for person in found if person.may_work]


def is_known(email: str) -> bool:
    """Whether an agent has this address."""
    return Agent.objects.filter(email=email.strip().lower()).exists()


def invite(agent: Agent, by: Actor = CONSOLE) -> str:
    """A link by which the agent sets his password; it goes to his address too. Older ones end."""
    with transaction.atomic():
        link = _link_for(agent, by)
        _mail(agent, link)
    return link


def find(token: str) -> Invitation | None:
    """The invitation that may still be used, None for a wrong, used or outdated token."""
    return (
        Invitation.objects.filter(token_hash=_hash(token), used_at=None, expires_at__gt=clock.now())
        .select_related("agent")
        .first()
    )


@transaction.atomic
def accept(token: str, password: str, *, surname: str, first_name: str, email: str = "") -> Agent:
    """Set name and password of the invited agent, or make the first administrator (with `email`).

    Raises ValidationError for a link that was used meanwhile and for a weak password.
    """
    invitation = (
        Invitation.objects.select_for_update()
        .filter(token_hash=_hash(token), used_at=None, expires_at__gt=clock.now())
        .first()
    )
    if invitation is None:
        raise ValidationError(_("This link has been used or is out of date."))
    person = invitation.agent or _first_administrator(email)
    person.surname, person.first_name = surname.strip(), first_name.strip()
    validate_password(password, person)
    person.set_password(password)
    person.full_clean(exclude=["password"])
    person.save()
    invitation.used_at = clock.now()
    invitation.save(update_fields=["used_at"])
    if invitation.agent is None:
        made = AgentInvited(agent=person.pk, role=person.role)
        record(made, stream=f"agent:{person.pk}", by=person.actor)
    sessions.end_all(person, by=person.actor)
    fact = PasswordSet(agent=person.pk, how="invitation")
    record(fact, stream=f"agent:{person.pk}", by=person.actor)
    return person


def _first_administrator(email: str) -> Agent:
    """Not saved yet; he goes on in the language in which he filled the form."""
    spoken = (translation.get_language() or "")[:2]
    language = Language(spoken) if spoken in Language.values else Language.RU
    return Agent(email=email.strip().lower(), role=Role.ADMINISTRATOR, language=language)


def create_admin(email: str, surname: str, first_name: str) -> str:
    """Make an administrator from the command line; returns his link. Raises ValidationError."""
    person = invite_agent(
        email, surname=surname, first_name=first_name, role=Role.ADMINISTRATOR, by=CONSOLE
    )
    return _link_for(person, CONSOLE)


def new_link(email: str) -> str:
    """A fresh link for an agent who cannot get in; raises Agent.DoesNotExist."""
    return _link_for(Agent.objects.get(email=email.strip().lower()), CONSOLE)


def reset_second_factor(email: str, by: Actor = CONSOLE) -> None:
    """The agent signs in with his password alone next time; raises Agent.DoesNotExist."""
    reset_factor(Agent.objects.get(email=email.strip().lower()), by=by)


@transaction.atomic
def _link_for(person: Agent, by: Actor) -> str:
    Invitation.objects.filter(agent=person, used_at=None).delete()
    record(LinkMade(agent=person.pk), stream=f"agent:{person.pk}", by=by)
    return _new(person)


def _new(agent: Agent | None) -> str:
    token = secrets.token_urlsafe(32)
    Invitation.objects.create(agent=agent, token_hash=_hash(token), expires_at=clock.now() + LIFE)
    return settings.ZABOTA_URL + reverse("invitation", args=[token])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _mail(agent: Agent, link: str) -> None:
    with translation.override(agent.language):
        subject = _("Your account in Zabota")
        body = _(
            "Hello, %(name)s!\n\n"
            "An account has been made for you in Zabota, the workplace of your company's "
            "customer care.\n\n"
            "Open this link within 72 hours and choose a password:\n\n%(link)s\n\n"
            "It works once. If you did not expect this email, do nothing."
        ) % {"name": agent.first_name, "link": link}
    EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [agent.email]).send()
