"""Drawn parts of pages kept for the next page that shows the same.

A conversation is drawn again after each reply, each live change and for each colleague, and almost
all of it is what it was; so are the buttons of every page. What a part shows must follow from its
arguments, the viewer's language and zone, and the day: nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone, translation
from markupsafe import Markup

from zabota.lib import clock

MOST = 8192  # parts
LARGEST = 8192  # characters of one part

_drawn: dict[tuple[Any, ...], Markup] = {}


def kept(name: str, draw: Callable[..., Markup], dated: bool = False) -> Callable[..., Markup]:
    """The macro `draw` under its name, drawn once for equal arguments (mappings, lists included);
    `dated`: its words depend on zone and day too."""
    viewer = _viewer if dated else translation.get_language

    def part(*given: Any, **named: Any) -> Markup:
        more = [(key, _fixed(value)) for key, value in named.items()]
        key = (name, viewer(), *map(_fixed, given), *more)
        found = _drawn.get(key)
        if found is None:
            found = draw(*given, **named)
            if len(found) <= LARGEST:
                if len(_drawn) >= MOST:
                    _drawn.clear()
                _drawn[key] = found
        return found

    return part


def _viewer() -> tuple[Any, ...]:
    today = timezone.localtime(clock.now()).date()
    return translation.get_language(), timezone.get_current_timezone_name(), today


def _fixed(value: Any) -> Any:
    # Markup is equal to its text, but one of them is still to be escaped; True is equal to 1.
    if isinstance(value, dict):
        return tuple((key, _fixed(one)) for key, one in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_fixed, value))
    return (type(value), value) if isinstance(value, str | bool) else value
