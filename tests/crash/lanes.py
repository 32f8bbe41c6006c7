"""The killing: one lane per process, so that one recovers while another is killed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.crash.house import House
from tests.crash.plan import FETCH_POINTS, WEB_POINTS, Plan

HIT_LIMIT = 5.0  # seconds after which an armed point is armed again unless the run is over
AWAY_LIMIT = 60.0  # seconds in which a killed process must be back


class Stuck(Exception):
    """A process did not come back."""


@dataclass
class Lane:
    """Kills of one process in a fixed order: fault points ("") or the process at random moments.

    `steps` holds pairs (who, point); an empty point is a random moment. `pause`: the least and most
    seconds of life before the next kill.
    """

    house: House
    steps: list[tuple[str, str]]
    dice: random.Random
    stopping: threading.Event
    pause: tuple[float, float]
    done: int = 0

    def run(self) -> None:
        """Work through the steps."""
        for who, point in self.steps:
            self._wait_for(who)
            if self.stopping.wait(self.dice.uniform(*self.pause)):
                return
            if point:
                while not self.house.hit(point, who, HIT_LIMIT):
                    if self.stopping.is_set():
                        return
            else:
                self._kill(who)
            self.done += 1

    def _kill(self, who: str) -> None:
        while not self.house.kill(who):
            self._wait_for(who)
        if who == "zabota up":
            self.house.bring_back()

    def _wait_for(self, who: str) -> None:
        deadline = time.monotonic() + AWAY_LIMIT
        while self.house.find(who) is None:
            if time.monotonic() > deadline:
                raise Stuck(f"{who} did not come back in {AWAY_LIMIT:.0f} s")
            if self.stopping.wait(0.05):
                return


def lanes(house: House, plan: Plan, dice: random.Random, stopping: threading.Event) -> list[Lane]:
    """The lanes of a plan: fetch, worker, web, and the database with the supervisor."""
    fetch = [("fetch", point) for point in plan.points if point in FETCH_POINTS]
    web = [("web", point) for point in plan.points if point in WEB_POINTS]
    worker = [("worker", point) for point in plan.points if point not in FETCH_POINTS + WEB_POINTS]

    def mixed(points: list[tuple[str, str]], names: Iterable[str]) -> list[tuple[str, str]]:
        steps = points * plan.hits
        steps += [(name, "") for name in names for _ in range(plan.random.get(name, 0))]
        dice.shuffle(steps)
        return steps

    def lane(steps: list[tuple[str, str]], least: float, most: float) -> Lane:
        return Lane(house, steps, dice, stopping, (least * plan.rest, most * plan.rest))

    # The rarer kills are spread over the time the many kills of the worker need.
    return [
        lane(mixed(fetch, ["fetch"]), 2.0, 10.0),
        lane(mixed(worker, ["worker"]), 2.0, 5.0),
        lane(mixed(web, ["web", "web process"]), 5.0, 20.0),
        lane(mixed([], ["postmaster", "backend", "zabota up"]), 4.0, 18.0),
    ]


class Runner:
    """Runs pieces of work in threads and keeps what went wrong."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.threads: list[threading.Thread] = []

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run `work`; its error ends only itself and is told in the verdict."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:
                self.errors.append(f"{name}: {type(error).__name__}: {error}")

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self.threads.append(thread)
        thread.start()

    def busy(self) -> bool:
        """Whether some piece is not done."""
        return any(thread.is_alive() for thread in self.threads)
