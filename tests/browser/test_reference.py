"""The reference for programs: by keyboard, without scripts, on a phone and beside an index."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser.windows import Window

pytestmark = pytest.mark.xdist_group("screens")
PATH = "/settings/programs/reference/"


def follow(page: Page, name: str) -> None:
    """The link of the index by keyboard; the page goes there."""
    page.get_by_role("navigation", name="On this page").get_by_role("link", name=name).focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no scripts"])
def test_the_index_stands_beside_and_leads_on(window: Window, javascript: bool) -> None:
    chief = make.administrator(language="en")
    page = window.open(PATH, chief, java_script_enabled=javascript)
    expect(page.locator(".api > details")).to_be_hidden()
    follow(page, "Answer the client")
    expect(page).to_have_url(re.compile("#reply$"))
    expect(page.locator("#reply")).to_be_in_viewport()
    # Index and place are seen together.
    expect(page.get_by_role("link", name="Answer the client").first).to_be_in_viewport()
    section = page.locator("section", has=page.locator("#reply"))
    section.locator("summary").focus()
    page.keyboard.press("Enter")
    section.get_by_role("link", name="422 not-possible").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#problem-not-possible")).to_be_in_viewport()


def test_on_a_phone_the_index_folds(window: Window) -> None:
    chief = make.administrator(language="en")
    page = window.open(PATH, chief, width=390, height=844, java_script_enabled=False)
    index = page.locator(".api > details")
    expect(index.get_by_role("link", name="List agents")).to_be_hidden()
    index.locator("summary").click()
    follow(page, "List agents")
    expect(page.locator("#list_agents")).to_be_in_viewport()
