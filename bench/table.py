"""Results: one row per kind of work, and the verdict over all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

ALLOWED = 1.5  # a miss beyond this factor fails the run


@dataclass(frozen=True)
class Goal:
    """A figure with its target. `at_least`: more is better."""

    name: str
    value: float
    target: float
    unit: str = ""
    at_least: bool = False

    @property
    def factor(self) -> float:
        """How many times worse than the target; up to 1 is reached."""
        if self.at_least:
            return self.target / max(self.value, 1e-9)
        return self.value / self.target

    def __str__(self) -> str:
        mark = "ok" if self.factor <= 1 else "short" if self.factor <= ALLOWED else "MISSED"
        sign = "≥" if self.at_least else "≤"
        return f"{self.name} {self.value:.4g} {self.unit} ({sign} {self.target:g}: {mark})"


@dataclass
class Line:
    """What was measured of one kind of work."""

    work: str
    goals: list[Goal] = field(default_factory=list)
    told: str = ""
    wrong: str = ""

    def __str__(self) -> str:
        parts = [str(goal) for goal in self.goals]
        if self.told:
            parts.append(self.told)
        if self.wrong:
            parts.append(f"WRONG ANSWER: {self.wrong}")
        return f"{self.work}\n    " + "\n    ".join(parts)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def results(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Every figure with its target, for other programs."""
    return [
        {
            "name": f"{line.work}: {goal.name}",
            "value": round(goal.value, 3),
            "unit": goal.unit,
            "target": goal.target,
            "met": goal.factor <= 1,
        }
        for line in lines
        for goal in line.goals
    ]


def verdict(lines: Sequence[Line]) -> tuple[str, int]:
    """The last line to print, and the exit status."""
    goals = [goal for line in lines for goal in line.goals]
    reached = sum(goal.factor <= 1 for goal in goals)
    missed = sum(goal.factor > ALLOWED for goal in goals)
    wrong = sum(bool(line.wrong) for line in lines)
    text = (
        f"bench: {reached} of {len(goals)} targets reached, "
        f"{len(goals) - reached - missed} short by less than {ALLOWED:g} times, {missed} missed, "
        f"{wrong} with wrong answers"
    )
    return text, int(bool(missed or wrong))
