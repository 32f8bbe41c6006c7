"""axe-core finds nothing on any screen, nothing sticks out sideways, no icon is missing, and on a
phone what a finger must hit is large enough.

`make screens` runs all eight combinations and keeps a picture of each screen.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.browser import judge, world
from tests.browser.pictures import tour
from tests.browser.windows import Window

pytestmark = pytest.mark.xdist_group("screens")

PICTURES = os.environ.get("SCREENS", "")
QUICK = [("light", "ru", 390), ("dark", "en", 1440)]
ALL = [(t, lang, w) for t in ("light", "dark") for lang in ("ru", "en") for w in (1440, 390)]
PHONE = {"has_touch": True, "is_mobile": True}
LONG = [pytest.param(*one, marks=pytest.mark.long) if one not in QUICK else one for one in ALL]


@pytest.mark.parametrize(("theme", "language", "width"), LONG)
def test_nothing_is_found(window: Window, theme: str, language: str, width: int) -> None:
    made = world.build(language)
    found = []
    options: dict[str, Any] = {"bypass_csp": True} | (PHONE if width < 760 else {})
    for screen, page in tour(window, made, width=width, theme=theme, **options):
        if PICTURES:
            folder = Path(PICTURES) / f"{theme}-{language}-{width}"
            folder.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=folder / f"{screen.name}.png")
        found += [f"{screen.name}: no icon {name}" for name in judge.missing_icons(page)]
        for one in judge.violations(page):
            words = f"{screen.name}: {one['impact']} {one['id']}"
            found += [f"{words}: {node}" for node in one["nodes"]]
        found += [f"{screen.name}: sticks out: {part}" for part in judge.overflow(page)]
        # The style guide shows small things on purpose.
        if width < 760 and screen.name != "style-guide":
            found += [f"{screen.name}: small: {part}" for part in judge.small_targets(page)]
    assert not found, "\n".join(found)


WIDTHS = (320, 760, 1280)
FEW = {
    "sign-in",
    "inbox",
    "ticket",
    "ticket-properties",
    "ticket-client",
    "undelivered",
    "settings",
}


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_at_any_width(window: Window, width: int) -> None:
    made = world.build("ru")
    found = []
    for screen, page in tour(window, made, width=width, theme="light", names=FEW):
        found += [f"{screen.name}: {part}" for part in judge.overflow(page)]
    assert not found, "\n".join(found)
