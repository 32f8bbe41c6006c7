"""Who looks at a ticket and who writes: said by browsers, kept for seconds in memory, never stored.

A browser says it again every few seconds (`POST /live/here`); every web process hears it and
forgets whoever falls silent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from zabota.desk.viewers import Viewer
from zabota.events import live
from zabota.lib.rows import ask
from zabota.staff import structure

# What somebody does, the more important last.
RANK = {"view": 0, "draft": 1, "type": 2}
# Seconds that it holds without being said again. Browsers let a tab in the background, where an
# answer was begun, speak once a minute only.
HOLDS, HOLDS_HIDDEN = 8.0, 75.0
LARGEST = 500  # bytes of what a browser says
LONGEST_TAB = 20
MOST_SEATS = 20_000
LAST_TURN = 2**53  # the largest whole number of a browser

Person = tuple[str, str]  # name, what


@dataclass
class Seat:
    """One tab at one ticket; after it left, for some seconds, that it left."""

    queue: int
    name: str
    what: str
    turn: int
    until: float


class Presence:
    """All that this process knows; used in its event loop only."""

    def __init__(self) -> None:
        self._seats: dict[int, dict[tuple[int, str], Seat]] = {}

    def hear(self, ticket: int, said: dict[str, Any]) -> bool:
        """Note what a tab said; True when others must be told."""
        who, before = (int(said["agent"]), str(said["tab"])), self._shown(ticket)
        seats, turn = self._seats.get(ticket, {}), int(said.get("turn", 0))
        # A tab that closes speaks twice at once, by two connections: the later word must stand.
        is_late = who in seats and turn < seats[who].turn
        if not is_late and (who in seats or sum(map(len, self._seats.values())) < MOST_SEATS):
            is_long = said["hidden"] and said["what"]
            until = time.monotonic() + (HOLDS_HIDDEN if is_long else HOLDS)
            seat = Seat(int(said["queue"]), str(said["name"]), said["what"], turn, until)
            self._seats.setdefault(ticket, {})[who] = seat
        return self._shown(ticket) != before

    def expire(self) -> list[int]:
        """Forget who fell silent; the tickets at which that changes something."""
        now, changed = time.monotonic(), []
        for ticket in list(self._seats):
            seats, before = self._seats[ticket], self._shown(ticket)
            for who in [who for who, seat in seats.items() if seat.until < now]:
                del seats[who]
            if not seats:
                del self._seats[ticket]
            if self._shown(ticket) != before:
                changed.append(ticket)
        return changed

    def queue_of(self, ticket: int) -> int:
        """Where the ticket stood when somebody last spoke there; 0 for nobody."""
        return next((seat.queue for seat in self._seats.get(ticket, {}).values()), 0)

    def tickets(self) -> Iterable[int]:
        """Those at which somebody is."""
        return self._seats.keys()

    def people(self, ticket: int, but: int) -> list[Person]:
        """Everybody at the ticket but this agent, by name, with the most important he does."""
        shown = self._shown(ticket)
        return sorted(person for agent, person in shown.items() if agent != but)

    def _shown(self, ticket: int) -> dict[int, Person]:
        shown: dict[int, Person] = {}
        for (agent, _tab), seat in self._seats.get(ticket, {}).items():
            if seat.what and (agent not in shown or RANK[seat.what] > RANK[shown[agent][1]]):
                shown[agent] = (seat.name, seat.what)
        return shown


@dataclass(frozen=True)
class Said:
    """What a browser says."""

    ticket: int
    what: str
    tab: str
    turn: int
    hidden: bool


async def read(request: Request) -> Said | None:
    """What the request says; None for what cannot be read."""
    # A page of another site cannot send this type without being asked first.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return None
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return None
    try:
        given = json.loads(body)
        hidden = given.get("hidden") is True
        words, turn = (str(given["what"]), str(given["tab"])), int(given.get("turn", 0))
        said = Said(int(given["ticket"]), *words, turn, hidden)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    is_in_range = 0 < said.ticket < 2**63 and 0 <= said.turn <= LAST_TURN
    is_tab = said.tab.isalnum() and len(said.tab) <= LONGEST_TAB
    return said if is_in_range and is_tab and said.what in {*RANK, ""} else None


def tell(viewer: Viewer, said: Said) -> bool:
    """Tell all web processes; False, and nothing told, for a ticket the viewer does not see."""
    found = ask("SELECT queue_id FROM tickets_ticket WHERE id = %s", [said.ticket])
    agent = structure.current().agents.get(viewer.agent)
    if found is None or found[0] not in viewer.queues or agent is None:
        return False
    words = {
        "agent": viewer.agent, "name": agent.full_name, "queue": found[0],
        "what": said.what, "tab": said.tab, "turn": said.turn, "hidden": said.hidden,
    }  # fmt: skip
    live.say(f"ticket:{said.ticket}", words)
    return True
