from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.staff import policy, sessions
from zabota.staff.events import AgentChanged, RightsChanged, SecondFactorReset
from zabota.staff.models import Agent, Role

CHANGEABLE = frozenset(
    "email surname first_name patronymic role position language time_zone theme density "
    "letter_keys undo_seconds mail_notices is_active expires_at".split()
)


@transaction.atomic
def change_agent(agent: Agent, changes: Mapping[str, Any], *, by: Actor) -> Agent:
    """Set fields of the agent; returns the stored row, locked.

    Raises ValidationError for wrong values and when no administrator would be left who can sign in.
    """
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        raise ValueError(f"change_agent does not change {', '.join(sorted(unknown))}")
    person = locked(agent)
    was, was_safe = policy.levels(person), is_lasting_administrator(person)
    changed = [name for name in sorted(changes) if getattr(person, name) != changes[name]]
    if not changed:
        return person
    for name in changed:
        setattr(person, name, changes[name])
    person.email = person.email.strip().lower()
    person.full_clean(exclude=["password"])
    person.save(update_fields=changed)
    if "email" in changed:
        # allauth keeps addresses of its own, by which the old one would still sign in.
        EmailAddress.objects.filter(user=person).delete()
    if was_safe and not is_lasting_administrator(person):
        demand_administrator()
    stream = f"agent:{person.pk}"
    record(AgentChanged(agent=person.pk, fields=changed), stream=stream, by=by)
    announce_rights(person, was, by)
    return person


@transaction.atomic
def switch_off(agent: Agent, *, by: Actor) -> Agent:
    """The agent can no longer sign in and is signed out everywhere; his tickets stay his."""
    person = change_agent(agent, {"is_active": False}, by=by)
    sessions.end_all(person, by=by)
    return person


@transaction.atomic
def reset_second_factor(agent: Agent, *, by: Actor) -> None:
    """Forget the agent's authenticator and recovery codes and sign him out everywhere."""
    person = locked(agent)
    Authenticator.objects.filter(user=person).delete()
    sessions.end_all(person, by=by)
    record(SecondFactorReset(agent=person.pk), stream=f"agent:{person.pk}", by=by)


def locked(agent: Agent) -> Agent:
    """The agent's present row, locked. All administrators are locked with it, in order of id:
    two of them switching each other off at once must not both succeed."""
    rows = Agent.objects.select_for_update().order_by("id")
    found = list(rows.filter(Q(role=Role.ADMINISTRATOR) | Q(pk=agent.pk)))
    return next(person for person in found if person.pk == agent.pk)


def is_lasting_administrator(person: Agent) -> bool:
    """An administrator who can sign in today and whose account does not end by itself."""
    return (
        person.is_administrator
        and person.may_work
        and person.expires_at is None
        and person.has_usable_password()
    )


def demand_administrator() -> None:
    """Raises ValidationError unless somebody is left who may change settings and can sign in."""
    if not any(map(is_lasting_administrator, Agent.objects.filter(role=Role.ADMINISTRATOR))):
        raise ValidationError(_("At least one administrator must be able to sign in."))


def announce_rights(person: Agent, was: dict[int, Any], by: Actor) -> None:
    """Record what the agent may do now when it differs from `was`."""
    now = policy.levels(person)
    if was != now:
        fact = RightsChanged(agent=person.pk, was=_plain(was), now=_plain(now))
        record(fact, stream=f"agent:{person.pk}", by=by)


def _plain(levels: dict[int, Any]) -> dict[str, int]:
    return {str(queue): int(level) for queue, level in levels.items()}
