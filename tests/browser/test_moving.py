"""Back and forward, drafts, news below a list that is being read, a line that was cut."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests import make
from tests.browser.windows import Window
from zabota.tickets.models import Ticket

pytestmark = pytest.mark.xdist_group("screens")
SOON = 5000


def shows(page: Page, ticket: Ticket) -> None:
    expect(page.locator("#pane")).to_have_attribute("data-ticket", str(ticket.pk))
    assert f"/t/{ticket.pk}/" in page.url


def test_back_and_forward_go_through_the_tickets_that_were_open(window: Window) -> None:
    first = make.ticket("Первое")
    second = make.ticket("Второе", who=make.MARIA)
    page = window.open("/inbox/open/", make.agent())
    page.locator(f"#row-{first.pk} a").click()
    shows(page, first)
    page.locator(".composer-text").fill("Начало ответа")
    page.locator(f"#row-{second.pk} a").click()
    shows(page, second)
    expect(page.locator(".composer-text")).to_have_value("")
    page.go_back()
    shows(page, first)
    expect(page.locator(".composer-text")).to_have_value("Начало ответа")
    expect(page.locator(f"#row-{first.pk} a")).to_have_attribute("aria-current", "true")
    page.go_forward()
    shows(page, second)
    page.go_back()
    page.reload()
    shows(page, first)
    expect(page.locator(".composer-text")).to_have_value("Начало ответа")
    page.go_back()
    expect(page).to_have_url(re.compile("/inbox/open/"))


def filled(window: Window) -> Page:
    """A list that is longer than the window, scrolled down."""
    for number in range(30):
        make.ticket(f"Обращение {number}", who=(f"c{number}@firm.example", "Клиент"))
    page = window.open("/inbox/solved/", make.agent())
    page.goto("/inbox/open/")
    expect(page.locator(".row")).to_have_count(30)
    page.locator("#list-scroll").evaluate("box => box.scrollTo(0, 400)")
    return page


def test_news_do_not_move_a_list_that_is_being_read(window: Window) -> None:
    page = filled(window)
    top = page.locator("#list-scroll").evaluate("box => box.scrollTop")
    seen = page.locator(".row").nth(8)
    place = seen.bounding_box()
    assert top > 300
    for number in range(2):
        make.ticket(f"Свежее {number}", who=(f"n{number}@firm.example", "Новый"))
    bar = page.locator("#list-new")
    expect(bar).to_be_visible(timeout=SOON)
    expect(bar.locator("b")).to_have_text("2", timeout=SOON)
    assert page.locator("#list-scroll").evaluate("box => box.scrollTop") == top
    assert seen.bounding_box() == place
    expect(page.locator(".row", has_text="Свежее")).to_have_count(0)
    expect(page.locator("#announce")).to_have_text("Пришло новое обращение.")
    bar.click()
    expect(bar).to_be_hidden()
    expect(page.locator(".row", has_text="Свежее")).to_have_count(2)
    assert page.locator("#list-scroll").evaluate("box => box.scrollTop") == 0


def test_a_cut_line_is_told_of_and_what_was_missed_is_shown(window: Window) -> None:
    window.expect_offline()
    make.ticket("Первое")
    page = window.context(make.agent()).new_page()
    cut: list[Route] = []

    def refuse(route: Route) -> None:
        cut.append(route)
        route.abort()

    page.route("**/live/stream*", refuse)
    page.goto("/inbox/open/")
    banner = page.locator("#not-live")
    expect(banner).to_be_visible(timeout=SOON)
    expect(banner.locator("b")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    make.ticket("Пока линии не было", who=make.MARIA)
    expect(page.locator("#list")).not_to_contain_text("Пока линии не было", timeout=500)
    page.unroute("**/live/stream*")
    expect(page.locator("#list")).to_contain_text("Пока линии не было", timeout=30_000)
    expect(banner).to_be_hidden(timeout=30_000)
    assert cut


def test_remote_pictures_come_for_one_mail_when_asked(window: Window) -> None:
    html = '<p>Счёт</p><img src="https://tracker.example/{}.gif" width="40" height="40" alt="">'
    ticket = make.ticket(text="Счёт", html=html.format("first"))
    make.incoming("Ещё", html=html.format("second"), joins=ticket)
    page = window.context(make.agent()).new_page()
    asked: list[str] = []
    page.route("https://tracker.example/**", lambda route: route.abort())
    page.on("request", lambda request: asked.append(request.url))
    window.expect_offline()
    page.goto(f"/t/{ticket.pk}/")
    notes = page.locator(".remote-note")
    expect(notes).to_have_count(2)
    assert not [url for url in asked if "tracker" in url]
    with page.expect_request("https://tracker.example/first.gif"):
        notes.first.locator("[data-remote]").click()
    expect(notes.first).to_be_hidden()
    expect(notes.nth(1)).to_be_visible()
    assert not [url for url in asked if "second.gif" in url]
