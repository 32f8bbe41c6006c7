"""The numbers in the rail come beside the page, and are part of their links' names."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests import make
from tests.browser.windows import Window
from tests.drain import drain
from zabota.channels.models import Outgoing
from zabota.lib import clock

pytestmark = pytest.mark.xdist_group("screens")


def test_the_rail_tells_how_many_burn(window: Window) -> None:
    make.ticket("Ждёт давно", at=clock.now() - timedelta(hours=20))
    drain()
    page = window.open("/inbox/open/", make.administrator())
    link = page.get_by_role("link", name="Горит 1 обращение", exact=True)
    expect(link.locator(".rail-badge")).to_have_text("1")
    link.click()
    row = page.locator("#rows .row")
    expect(row).to_contain_text("Ждёт давно")
    expect(row).to_contain_text("горит, до")


def test_the_rail_tells_how_much_waits_for_a_person(window: Window) -> None:
    for number in range(3):
        Outgoing.objects.create(
            key=f"notice:{number}", message_id=f"{number}@zabota.example", envelope={},
            recipient="anna@zabota.example", state="failed",
        )  # fmt: skip
    page = window.open("/inbox/open/", make.administrator())
    link = page.get_by_role("link", name="Недоставленное: 3 ждут человека", exact=True)
    expect(link).to_be_visible()
    expect(link.locator(".rail-badge")).to_have_text("3")
    link.click()
    page.get_by_role("button", name="Отправить снова все 3 письма").click()
    expect(page.get_by_text("3 письма отправляются снова")).to_be_visible()
