from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the report. `is_task`: nothing is wrong here, but a person should look."""

    is_good: bool
    text: str
    is_task: bool = False
