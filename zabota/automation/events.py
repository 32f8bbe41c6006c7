from __future__ import annotations

from dataclasses import dataclass

from zabota.events.facts import Fact


@dataclass(frozen=True)
class SignalFound(Fact, kind="automation.signal_found"):
    """A client's message holds the signal words `phrase` of a topic's settings (None: the general
    ones), so its ticket is urgent; stands in the ticket's stream."""

    ticket: int
    message: int
    topic: int | None
    phrase: str


@dataclass(frozen=True)
class LossTold(Fact, kind="automation.loss_told"):
    """The client answered in the request form that he loses money now through our fault."""

    ticket: int
    message: int
