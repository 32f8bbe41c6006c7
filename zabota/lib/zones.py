"""Time zones by the names we store: IANA names, and `UTC+03:00` as it is guessed from mail."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

OFFSET = re.compile(r"UTC([+-])(\d{2}):(\d{2})", re.ASCII)


def zone(name: str) -> tzinfo | None:
    """The zone of a stored name; None for '' and for a name that is not known here."""
    if name == "UTC":
        return UTC
    if found := OFFSET.fullmatch(name):
        shift = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-shift if found[1] == "-" else shift)
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None
