"""axe-core finds nothing on any screen, and nothing sticks out sideways."""

from __future__ import annotations

import pytest

from tests.browser import judge, world
from tests.browser.pictures import tour
from tests.browser.windows import Window

pytestmark = pytest.mark.xdist_group("screens")

QUICK = [("light", "ru", 1440), ("dark", "en", 390)]
ALL = [(t, lang, w) for t in ("light", "dark") for lang in ("ru", "en") for w in (1440, 390)]
LONG = [pytest.param(*one, marks=pytest.mark.long) if one not in QUICK else one for one in ALL]


@pytest.mark.parametrize(("theme", "language", "width"), LONG)
def test_nothing_is_found(window: Window, theme: str, language: str, width: int) -> None:
    made = world.build(language)
    found = []
    for screen, page in tour(window, made, width=width, theme=theme, bypass_csp=True):
        for one in judge.violations(page):
            words = f"{screen.name}: {one['impact']} {one['id']}"
            found += [f"{words}: {node}" for node in one["nodes"]]
        found += [f"{screen.name}: sticks out: {part}" for part in judge.overflow(page)]
    assert not found, "\n".join(found)
