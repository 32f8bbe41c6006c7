"""Time zones to choose from, with what their clocks show against UTC today."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.core import get_global
from django.utils import translation

from zabota.lib import clock

REGIONS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian",
           "Pacific")  # fmt: skip


def choices() -> list[tuple[str, str]]:
    """All zones named for a place, by that place; the label ends with (UTC+3)."""
    places = [name for name in available_timezones() if name.partition("/")[0] in REGIONS]
    names: dict[str, str] = {}
    for name in sorted(places, key=lambda name: (name != _present(name), name)):
        names.setdefault(label(name), name)
    return [("UTC", "UTC"), *((names[text], text) for text in sorted(names))]


def label(name: str) -> str:
    """`Москва (UTC+3)`: the place in the viewer's language."""
    return f"{city(name)} ({offset(name)})"


def city(name: str) -> str:
    """The place a zone is named for, in the viewer's language as far as Babel knows it."""
    known = _cities(translation.get_language() or "ru").get(_present(name))
    return known or name.rpartition("/")[2].replace("_", " ")


def _present(name: str) -> str:
    """The name in use today of a zone that was renamed."""
    return str(get_global("zone_aliases").get(name, name))


@cache
def _cities(language: str) -> dict[str, str]:
    """Babel keeps a city under an older name of its zone now and then."""
    zones = Locale.parse(language, sep="-").time_zones
    return {_present(name): str(zone["city"]) for name, zone in zones.items() if "city" in zone}


def offset(name: str) -> str:
    """`UTC+3`, `UTC+5:30` or `UTC-4` for a zone, today."""
    shift = clock.now().astimezone(ZoneInfo(name)).utcoffset()
    minutes = int(shift.total_seconds() // 60) if shift else 0
    hours, rest = divmod(abs(minutes), 60)
    tail = f":{rest:02d}" if rest else ""
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{tail}"
