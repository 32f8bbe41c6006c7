"""Imported into a process of the tests, it lets its clock jump by what a file says."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from zabota.lib import clock

FILE = Path(os.environ["TEST_CLOCK"])


class Jumped(datetime):
    """The time of the machine, and the seconds in the file."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(seconds=float(FILE.read_text()))


vars(clock)["datetime"] = Jumped
