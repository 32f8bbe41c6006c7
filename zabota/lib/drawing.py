"""Drawn parts of pages kept for the next page that shows the same.

A conversation is drawn again after each reply, each live change and for each colleague, and almost
all of it is what it was; so are the buttons of every page. What a part shows must follow from its
arguments, the viewer's language and zone, and the day: nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.utils import timezone, translation
from markupsafe import Markup, escape

from zabota.lib import clock

MOST = 6_000_000  # characters of all parts, two bytes each in Russian
LARGEST = 65_536  # of one part


class _Store:
    """The parts by what they were drawn from. When half of what may be kept is new, what nobody
    asked for meanwhile is forgotten."""

    def __init__(self) -> None:
        self.parts: dict[tuple[Any, ...], Markup] = {}
        self.older: dict[tuple[Any, ...], Markup] = {}
        self.size = 0

    def get(self, key: tuple[Any, ...]) -> Markup | None:
        found = self.parts.get(key)
        if found is None and (found := self.older.pop(key, None)) is not None:
            self.put(key, found)
        return found

    def put(self, key: tuple[Any, ...], part: Markup) -> None:
        if len(part) > LARGEST:
            return
        if self.size + len(part) > MOST // 2:
            self.older, self.parts, self.size = self.parts, {}, 0
        self.parts[key] = part
        self.size += len(part)

    def clear(self) -> None:
        self.parts, self.older, self.size = {}, {}, 0


_store = _Store()


class Options(tuple[Any, ...]):
    """What a menu offers, made once and shared: equal is only the same one, so that a key need not
    look into it."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


_PLACE = re.compile("<!--([a-z_]+)-->")


def place(name: str) -> Markup:
    """Stands in a kept part for what each page says there (`filled`). What people write is escaped:
    it never looks so."""
    return Markup(f"<!--{name}-->")  # noqa: S704 (our own names)


def filled(part: Markup, **values: object) -> Markup:
    """The part with these values, escaped, in their places; other places stay."""

    def put(match: re.Match[str]) -> str:
        return str(escape(values[match[1]])) if match[1] in values else match[0]

    return Markup(_PLACE.sub(put, part))  # noqa: S704 (drawn by a template, values escaped)


def kept(name: str, draw: Callable[..., Markup], dated: bool = False) -> Callable[..., Markup]:
    """The macro `draw` under its name, drawn once for equal arguments (mappings, lists included);
    `dated`: its words depend on zone and day too."""
    viewer = _viewer if dated else translation.get_language

    def part(*given: Any, **named: Any) -> Markup:
        more = [(key, _fixed(value)) for key, value in named.items()]
        key = (name, viewer(), *map(_fixed, given), *more)
        return drawn(key, lambda: draw(*given, **named))

    return part


def drawn(key: tuple[Any, ...], draw: Callable[[], Markup]) -> Markup:
    """What `draw` makes, drawn once for a key that says all it depends on."""
    found = _store.get(key)
    if found is None:
        found = draw()
        _store.put(key, found)
    return found


def _viewer() -> tuple[Any, ...]:
    today = timezone.localtime(clock.now()).date()
    return translation.get_language(), timezone.get_current_timezone_name(), today


def _fixed(value: Any) -> Any:
    # Markup is equal to its text, but one of them is still to be escaped; True is equal to 1.
    if isinstance(value, Options):
        return value
    if isinstance(value, dict):
        return tuple((key, _fixed(one)) for key, one in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_fixed, value))
    return (type(value), value) if isinstance(value, str | bool) else value
