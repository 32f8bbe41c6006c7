"""Facts of clocks and promises; all stand in the stream `ticket:<id>`."""

from __future__ import annotations

from dataclasses import dataclass

from zabota.events.facts import Fact


@dataclass(frozen=True)
class ClockReached(Fact, kind="sla.clock_reached"):
    """`clock`: guard (24 hours) or promise (what the client was told); `percent` of it is over.

    A guard tells at 50, 75 and 100; a promise when it begins to burn (75) and when it is over.
    """

    ticket: int
    clock: str
    percent: int


@dataclass(frozen=True)
class PromiseMade(Fact, kind="sla.promise_made"):
    """The acknowledgement told the client to expect an answer by `due_at`."""

    ticket: int
    due_at: str


@dataclass(frozen=True)
class TargetChanged(Fact, kind="sla.target_changed"):
    """Working minutes to the first answer in a queue; stands in the stream of the queue."""

    queue: int
    was: int
    now: int
