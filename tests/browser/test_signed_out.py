"""A session that ended: sign-in in a small window, the page and what is typed stay."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from tests import make
from tests.browser.windows import Window

pytestmark = pytest.mark.xdist_group("screens")
PASSWORD = "three quiet words 7"


def test_sign_in_over_the_page_keeps_the_text_and_the_next_click_works(window: Window) -> None:
    # A draft may be kept with the page's former secret just when the new session begins.
    window.expect_status(401, 403)
    agent = make.agent("Вера Зорина")
    agent.set_password(PASSWORD)
    agent.save()
    ticket = make.ticket("Не открывается кабинет")
    page = window.open(f"/t/{ticket.pk}/", agent)
    page.locator(".composer-text").fill("Здравствуйте! Проверяем.")
    Session.objects.all().delete()
    page.locator(".button-split .is-primary").first.click()
    dialog = page.locator("#signed-out")
    expect(dialog).to_be_visible()
    with page.context.expect_page() as opened:
        dialog.locator("[data-sign-in]").click()
    small = opened.value
    small.locator("input[name=login]").fill(agent.email)
    small.locator("input[name=password]").fill(PASSWORD)
    small.locator("main button[type=submit]").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".composer-text")).to_have_value("Здравствуйте! Проверяем.")
    assert small.is_closed()
    page.locator(".button-split .is-primary").first.click()
    expect(page.locator(".message.is-out")).to_contain_text("Проверяем.")


def test_whoever_signs_in_as_somebody_else_gets_his_own_page(window: Window) -> None:
    window.expect_status(401)
    vera, olga = make.agent("Вера Зорина"), make.agent("Ольга Щербакова")
    olga.set_password(PASSWORD)
    olga.save()
    make.ticket("Не открывается кабинет")
    page = window.open("/inbox/open/", vera)
    Session.objects.all().delete()
    page.locator("#rows a[data-pane]").first.click()
    with page.context.expect_page() as opened:
        page.locator("#signed-out [data-sign-in]").click()
    small = opened.value
    small.locator("input[name=login]").fill(olga.email)
    small.locator("input[name=password]").fill(PASSWORD)
    small.locator("main button[type=submit]").click()
    expect(page.locator("body")).to_have_attribute("data-user", str(olga.pk))
