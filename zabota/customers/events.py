from __future__ import annotations

from dataclasses import dataclass

from zabota.events.facts import Fact


@dataclass(frozen=True)
class ContactMade(Fact, kind="customers.contact_made"):
    contact: int
    account: int | None


@dataclass(frozen=True)
class ContactChanged(Fact, kind="customers.contact_changed"):
    contact: int
    fields: list[str]


@dataclass(frozen=True)
class AddressReturned(Fact, kind="customers.address_returned"):
    """Mail to an address came back for good, `times` in a row; 0: he wrote from it again."""

    contact: int
    identity: int
    times: int


@dataclass(frozen=True)
class DomainConfirmed(Fact, kind="customers.domain_confirmed"):
    account: int
    domain: int
    contacts: int


@dataclass(frozen=True)
class DomainReleased(Fact, kind="customers.domain_released"):
    """New contacts with the domain no longer join the account; those who did stay."""

    account: int
    domain: int
