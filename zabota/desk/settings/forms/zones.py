"""Time zones to choose from, with what their clocks show against UTC today."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

from zabota.lib import clock

REGIONS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian",
           "Pacific")  # fmt: skip


def choices() -> list[tuple[str, str]]:
    """All zones named for a place, by name; the label ends with (UTC+3)."""
    places = [name for name in available_timezones() if name.partition("/")[0] in REGIONS]
    return [("UTC", "UTC"), *((name, f"{name} ({offset(name)})") for name in sorted(places))]


def offset(name: str) -> str:
    """`UTC+3`, `UTC+5:30` or `UTC-4` for a zone, today."""
    shift = clock.now().astimezone(ZoneInfo(name)).utcoffset()
    minutes = int(shift.total_seconds() // 60) if shift else 0
    hours, rest = divmod(abs(minutes), 60)
    tail = f":{rest:02d}" if rest else ""
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{tail}"
