"""Who acts. Always passed as `by=`; never found in a global."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from zabota.events.models import Event

ActorKind = Literal["agent", "contact", "system", "integration"]
MAX_DEPTH = 20


class TooDeep(Exception):
    """A chain of events caused one another more than MAX_DEPTH times: a loop between consumers."""


@dataclass(frozen=True)
class Actor:
    """A person or part of the system, and the event that made it act (if any)."""

    kind: ActorKind
    name: str
    cause: int | None = None
    depth: int = 0

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @property
    def agent_id(self) -> int | None:
        """The agent's id, None when no agent acts."""
        return int(self.name) if self.kind == "agent" else None

    def because(self, event: Event) -> Actor:
        """The same actor, acting on account of `event`; raises TooDeep on a loop."""
        if event.depth >= MAX_DEPTH:
            raise TooDeep(f"event {event.pk} ({event.kind}) is {event.depth} steps deep")
        return replace(self, cause=event.pk, depth=event.depth + 1)


def agent(pk: int) -> Actor:
    """An agent by id."""
    return Actor("agent", str(pk))


def contact(pk: int) -> Actor:
    """A contact by id."""
    return Actor("contact", str(pk))


def system(name: str) -> Actor:
    """A named part of the system, such as `system("intake")`."""
    return Actor("system", name)
