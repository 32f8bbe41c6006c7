"""Facts of the clients' door."""

from __future__ import annotations

from dataclasses import dataclass

from zabota.events.facts import Fact


@dataclass(frozen=True)
class ConfirmationSent(Fact, kind="portal.confirmation_sent"):
    """A mail with a one-time link went out; stands in the stream `confirmation:<id>`."""

    confirmation: int
    purpose: str
    ticket: int | None


@dataclass(frozen=True)
class AddressConfirmed(Fact, kind="portal.address_confirmed"):
    """The link was pressed: this browser belongs to the contact."""

    confirmation: int
    purpose: str
    contact: int
