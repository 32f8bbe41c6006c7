from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from zabota.events.facts import Fact


@dataclass(frozen=True)
class AgentInvited(Fact, kind="staff.agent_invited"):
    agent: int
    role: str


@dataclass(frozen=True)
class LinkMade(Fact, kind="staff.link_made"):
    """A one-time link to choose a password was given to an agent; earlier ones ended."""

    agent: int


@dataclass(frozen=True)
class AgentChanged(Fact, kind="staff.agent_changed"):
    agent: int
    fields: list[str]


@dataclass(frozen=True)
class RightsChanged(Fact, kind="staff.rights_changed"):
    """Grants or role changed: was/now are {queue id: level}; live streams are checked again."""

    agent: int
    was: dict[str, int]
    now: dict[str, int]


@dataclass(frozen=True)
class SettingChanged(Fact, kind="staff.setting_changed"):
    """A department, queue, topic or inbox was made or changed on the settings screens. `was` and
    `now` hold short plain values of changed fields; no secrets, nothing about persons."""

    what: str
    object: int
    fields: list[str]
    made: bool
    was: dict[str, Any] = field(default_factory=dict)
    now: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SecondFactorReset(Fact, kind="staff.second_factor_reset"):
    agent: int


@dataclass(frozen=True)
class PasswordSet(Fact, kind="staff.password_set"):
    """`how`: invitation, reset or change."""

    agent: int
    how: str


@dataclass(frozen=True)
class SignedIn(Fact, kind="staff.signed_in"):
    agent: int


@dataclass(frozen=True)
class SessionsEnded(Fact, kind="staff.sessions_ended"):
    """He signed out, or sessions of his were ended; live streams are checked again."""

    agent: int
    sessions: int


@dataclass(frozen=True)
class TokenMade(Fact, kind="staff.token_made"):
    """A program may get in as the agent."""

    token: int
    agent: int
    scopes: list[str]


@dataclass(frozen=True)
class TokenRevoked(Fact, kind="staff.token_revoked"):
    token: int
    agent: int
