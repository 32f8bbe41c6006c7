"""One stream for many tabs; nothing is missed when its tab dies, the line sleeps or the server
restarts; who else is there."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests import make
from tests.browser.cable import cable
from tests.browser.windows import Window
from tests.site import Site, serving
from zabota.events.live import say_bye
from zabota.staff.models import Agent, Level
from zabota.tickets.models import ReadMark, Ticket

pytestmark = pytest.mark.xdist_group("screens")
SOON = 8000


def news(number: int) -> Ticket:
    return make.ticket(f"Новость {number}", who=(f"n{number}@firm.example", f"Клиент {number}"))


def shown(page: Page, *tickets: Ticket) -> None:
    for ticket in tickets:
        expect(page.locator(f"#row-{ticket.pk}")).to_have_count(1, timeout=SOON)


def tabs(context: BrowserContext, count: int) -> list[Page]:
    found = [context.new_page() for _ in range(count)]
    for page in found:
        page.goto("/inbox/open/")
    return found


def live(page: Page) -> None:
    expect(page.locator("#not-live")).to_be_hidden(timeout=SOON)


def test_eight_tabs_hear_by_one_stream(window: Window) -> None:
    context = window.context(make.agent())
    streams: list[str] = []
    context.on(
        "request", lambda one: streams.append(one.url) if "/live/stream" in one.url else None
    )
    first = make.ticket("Первое")
    pages = tabs(context, 8)
    pages[3].wait_for_timeout(800)
    ticket = news(1)
    for page in pages:
        shown(page, first, ticket)
        live(page)
    pages[-1].goto(f"/t/{ticket.pk}/")
    expect(pages[-1].locator("#pane")).to_have_attribute("data-ticket", str(ticket.pk))
    # Each change of what all tabs show together opens one stream and closes one.
    assert len(streams) <= 4, streams


def test_when_the_tab_with_the_stream_dies_another_reads_on(window: Window) -> None:
    context = window.context(make.agent())
    make.ticket("Первое")
    pages = tabs(context, 3)
    pages[2].wait_for_timeout(800)
    made = [news(1)]
    shown(pages[1], *made)
    pages[0].close()
    made += [news(2), news(3)]
    for page in pages[1:]:
        shown(page, *made)
        live(page)


def through(window: Window, site: Site) -> Window:
    """The same browser and list of troubles at another address."""
    return Window(window.browser, site, window.troubles, window.expected, window.contexts)


def test_what_came_while_the_line_was_cut_is_heard_afterwards(window: Window, site: Site) -> None:
    window.expect_offline()
    first = make.ticket("Первое")
    with cable(site) as line:
        page, other = tabs(through(window, line.site).context(make.agent()), 2)
        shown(page, first)
        page.wait_for_timeout(500)
        line.cut()
        made = [news(1), news(2)]
        for one in (page, other):
            expect(one.locator("#not-live")).to_be_visible(timeout=15_000)
        made.append(news(3))
        line.mend()
        for one in (page, other):
            expect(one.locator("#not-live")).to_be_hidden(timeout=30_000)
            shown(one, *made)


def test_nothing_is_missed_over_a_restart(window: Window) -> None:
    window.expect_offline()
    make.ticket("Первое")
    with serving() as first, cable(first) as line:
        page = through(window, line.site).open("/inbox/open/", make.agent())
        page.wait_for_timeout(500)
        made = [news(1)]
        shown(page, *made)
        say_bye()
        line.cut()
        made.append(news(2))
        with serving() as second:
            line.lead_to(second)
            made.append(news(3))
            line.mend()
            shown(page, *made)
            live(page)
            made.append(news(4))
            shown(page, *made)


def test_who_else_is_there_is_seen_in_row_and_head(window: Window) -> None:
    ticket = make.ticket("Не приходит код")
    olga = make.agent("Ольга Щербакова")
    hers = window.open("/inbox/open/", olga)
    his = window.open(f"/t/{ticket.pk}/", make.agent())
    his.bring_to_front()
    row = hers.locator(f"#row-{ticket.pk} .row-people")
    expect(row).to_contain_text("Зорина", timeout=SOON)
    hers.locator(f"#row-{ticket.pk} a").click()
    expect(hers.locator("#people")).to_contain_text("Зорина", timeout=SOON)
    his.locator(".composer-text").press_sequentially("Здрав")
    expect(hers.locator("#people .is-type")).to_have_count(1, timeout=SOON)
    expect(his.locator("#people")).to_contain_text("Щербакова", timeout=SOON)
    his.close()
    expect(hers.locator("#people .person")).to_have_count(0, timeout=10_000)
    expect(row).to_have_count(0)


def test_a_second_of_looking_marks_as_read_and_u_puts_it_back(window: Window) -> None:
    vera = make.agent()
    ticket = make.ticket("Не приходит код")
    page = window.open("/inbox/open/", vera)
    row = page.locator(f"#row-{ticket.pk}")
    expect(row).to_have_class("row is-unread")
    row.locator("a").click()
    expect(row).to_have_class("row", timeout=SOON)
    assert ReadMark.objects.get().agent == vera
    page.locator("#pane-title").click()
    page.keyboard.press("KeyU")
    expect(page.locator(".toast")).to_contain_text("непрочитанн")
    expect(row).to_have_class("row is-unread", timeout=SOON)
    page.wait_for_timeout(1500)
    expect(row).to_have_class("row is-unread")


def stopped(window: Window, text: str) -> tuple[Page, Ticket]:
    """An answer written while the client wrote once more, and sent."""
    window.expect_status(409)
    ticket = make.ticket("Не приходит код")
    page = window.open(f"/t/{ticket.pk}/", make.agent())
    page.route("**/live/stream*", lambda route: route.abort())
    page.reload()
    window.expect_offline()
    page.locator(".composer-text").fill(text)
    make.incoming("Уже не надо", joins=ticket)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".composer-guard")).to_be_visible()
    expect(page.locator(".composer-error")).to_contain_text("Клиент тем временем написал")
    return page, ticket


def answers(ticket: Ticket) -> int:
    return ticket.messages.filter(direction="out", purpose="").count()


def test_an_answer_that_crossed_is_sent_when_the_writer_insists(window: Window) -> None:
    page, ticket = stopped(window, "Готово")
    expect(page.locator("#messages .message, #messages article")).not_to_have_count(0)
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Всё равно отправить").click()
    expect(page.locator(".composer-text")).to_have_value("")
    assert answers(ticket) == 1


def test_or_it_is_edited_or_discarded(window: Window) -> None:
    page, ticket = stopped(window, "Готово")
    page.get_by_role("button", name="Изменить", exact=True).click()
    expect(page.locator(".composer-guard")).to_be_hidden()
    expect(page.locator(".composer-text")).to_be_focused()
    expect(page.locator(".composer-text")).to_have_value("Готово")
    make.incoming("Уже не надо", joins=ticket)
    page.keyboard.press("Control+Enter")
    page.locator("[data-guard=discard]").click()
    expect(page.locator(".composer-text")).to_have_value("")
    assert answers(ticket) == 0
    page.reload()
    expect(page.locator(".composer-text")).to_have_value("")


def test_the_agent_who_looks_may_be_one_without_rights_to_write(window: Window) -> None:
    ticket = make.ticket("Не приходит код")
    hers = window.open(f"/t/{ticket.pk}/", make.agent("Ольга Щербакова"))
    looks: Agent = make.agent("Анна Кузнецова", level=Level.SEE)
    window.open(f"/t/{ticket.pk}/", looks).bring_to_front()
    expect(hers.locator("#people")).to_contain_text("Кузнецова", timeout=SOON)
