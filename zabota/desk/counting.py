"""How many tickets stand in each view: remembered queue by queue until something happens there.

To count costs the database more than the rest of a list, most of all while tickets change
(docs/adr/0014). This process hears of each change by its live line; while it hears nothing, it
remembers nothing. What it missed is as old as MOST_AGE at most.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from zabota.lib.questions import Question, known
from zabota.staff import policy
from zabota.staff.models import Agent
from zabota.tickets import queries

MOST_AGE = 5.0  # seconds; tickets begin to burn by time alone


class _Tally(NamedTuple):
    """What was counted at the moment `at`; `turn`: how often something had happened before."""

    turn: Any
    at: float
    counts: dict[str, int]


class Counting:
    """The tallies of one process, shared by its threads."""

    def __init__(self) -> None:
        self._hears: Callable[[], bool] | None = None
        self._turns: defaultdict[int, int] = defaultdict(int)
        self._of_queue: dict[int, _Tally] = {}
        self._of_agent: dict[int, _Tally] = {}

    def listen(self, hears: Callable[[], bool] | None) -> None:
        """Remember as long as `hears` says that changes are heard; None: no longer."""
        self._hears = hears
        self.forget()

    def changed(self, queues: Iterable[int]) -> None:
        """Something happened to tickets of these queues."""
        for queue in queues:
            self._turns[queue] += 1

    def forget(self) -> None:
        """Something may have happened anywhere."""
        self._of_queue, self._of_agent = {}, {}

    def asked(self, agent: Agent) -> Question[dict[str, int]]:
        """Tickets per view, each up to COUNT_CAP; the database is asked for what is not known."""
        queues = sorted(policy.queues_at(agent))
        turns = {queue: self._turns[queue] for queue in queues}
        own_turn = tuple(turns.items())
        of_queue, of_agent = self._of_queue, self._of_agent
        found = {queue: of_queue[queue] for queue in queues if queue in of_queue}
        found = {q: one for q, one in found.items() if self._is_fresh(one, turns[q])}
        own = of_agent.get(agent.pk)
        own = own if own and self._is_fresh(own, own_turn) else None
        missing = [queue for queue in queues if queue not in found]
        if own and not missing:
            return known(_sums(agent, found, own))
        at = time.monotonic()

        question = queries.tallies_of(agent, missing, with_own=own is None)

        def read(rows: list[Any]) -> dict[str, int]:
            # Written into the stores that were looked at: what was forgotten meanwhile stays so.
            mine = own
            for queue, counts in question.read(rows):
                if queue == queries.OWN:
                    mine = of_agent[agent.pk] = _Tally(own_turn, at, counts)
                else:
                    found[queue] = of_queue[queue] = _Tally(turns[queue], at, counts)
            assert mine is not None
            return _sums(agent, found, mine)

        return Question(question.sql, question.values, read)

    def _is_fresh(self, tally: _Tally, turn: Any) -> bool:
        is_young = time.monotonic() - tally.at < MOST_AGE
        return is_young and tally.turn == turn and self._hears is not None and self._hears()


def _sums(agent: Agent, found: Mapping[int, _Tally], own: _Tally) -> dict[str, int]:
    """What lies in quarantine has a view of its own, and stands besides in the list of whoever
    leads it."""
    sums = dict.fromkeys(queries.VIEWS, 0) | own.counts
    quarantine = policy.company(agent).quarantine
    for queue, tally in found.items():
        if queue in quarantine:
            sums["quarantine"] += tally.counts["open"] + tally.counts["robots"]
            continue
        for view, count in tally.counts.items():
            sums[view] += count
    return {view: min(count, queries.COUNT_CAP) for view, count in sums.items()}


counting = Counting()
