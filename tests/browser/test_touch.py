"""What a finger must hit is large enough: 44 CSS pixels each way, but for links in running text."""

from __future__ import annotations

import pytest

from tests.browser import judge, world
from tests.browser.pictures import tour
from tests.browser.windows import Window

pytestmark = pytest.mark.xdist_group("screens")


def test_every_target_is_large_enough_for_a_finger(window: Window) -> None:
    made = world.build("ru")
    found = set()
    phone = {"has_touch": True, "is_mobile": True}
    for screen, page in tour(window, made, width=390, theme="light", names=None, **phone):
        if screen.name == "style-guide":
            continue
        found |= {f"{screen.name}: {one}" for one in judge.small_targets(page)}
    assert not found, "\n".join(sorted(found))
