"""One ticket from the list to its solution without a mouse, and news that come by themselves."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests import make
from tests.browser.windows import Window
from zabota.tickets import actions
from zabota.tickets.models import Direction, Message, Status, Ticket

pytestmark = pytest.mark.xdist_group("screens")
# A live change is to be seen within two seconds; a busy machine gets some more.
SOON = 5000


def inbox(window: Window) -> Page:
    page = window.open("/inbox/open/", make.agent())
    expect(page.locator(".row").first).to_be_visible()
    return page


def leave_composer(page: Page) -> None:
    """What was sent is gone from the composer, and letters are keys again."""
    text = page.locator(".composer-text")
    expect(text).to_have_value("")
    text.blur()


def test_a_ticket_is_answered_noted_and_solved_by_keys_alone(window: Window) -> None:
    ticket = make.ticket()
    make.ticket(subject="Другое обращение", who=make.MARIA)
    page = inbox(window)
    # Who waits longest stands first: to the second and back.
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("#pane")).to_have_attribute("data-ticket", str(ticket.pk))
    page.keyboard.press("r")
    page.keyboard.type("Проверьте папку «Спам».")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#messages")).to_contain_text("Проверьте папку «Спам».")
    leave_composer(page)
    page.keyboard.press("n")
    page.keyboard.type("Третье обращение за день.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#messages")).to_contain_text("Третье обращение за день.")
    leave_composer(page)
    page.keyboard.press("e")
    expect(page.get_by_text("Решено: клиент получит уведомление")).to_be_attached()
    ticket.refresh_from_db()
    assert ticket.status == Status.SOLVED
    said = Message.objects.filter(ticket=ticket).exclude(direction=Direction.IN)
    assert {one.direction for one in said} == {Direction.OUT, Direction.NOTE}


def test_new_mail_and_a_colleagues_answer_appear_by_themselves(window: Window) -> None:
    first = make.ticket()
    page = inbox(window)
    page.locator(".row a").first.click()
    expect(page.locator("#pane")).to_have_attribute("data-ticket", str(first.pk))
    page.locator(".composer-text").fill("Черновик, который никто не тронет")
    make.ticket(subject="Пришло само", who=make.MARIA)
    expect(page.locator("#list")).to_contain_text("Пришло само", timeout=SOON)
    colleague = make.agent("Алексей Орлов")
    actions.reply(first, "Ответ коллеги", agent=colleague, by=colleague.actor)
    expect(page.locator("#messages")).to_contain_text("Ответ коллеги", timeout=SOON)
    assert page.locator(".composer-text").input_value() == "Черновик, который никто не тронет"


def test_mail_that_comes_while_the_page_opens_is_seen(window: Window) -> None:
    make.ticket()
    page = window.context(make.agent()).new_page()
    held: list[Route] = []
    page.route("**/live/stream*", lambda route: held.append(route))  # until it is taken back
    with page.expect_request("**/live/stream*"):
        page.goto("/inbox/open/")
    expect(page.locator(".row")).to_have_count(1)
    make.ticket(subject="Пока страница открывалась", who=make.MARIA)
    page.unroute("**/live/stream*")
    assert held
    expect(page.locator("#list")).to_contain_text("Пока страница открывалась", timeout=SOON)


def test_a_foreign_queue_is_never_heard(window: Window) -> None:
    make.ticket()
    page = inbox(window)
    foreign = make.ticket(subject="Чужое", queue=make.billing(), who=make.JOHN)
    make.ticket(subject="Своё", who=make.MARIA)
    expect(page.locator("#list")).to_contain_text("Своё", timeout=SOON)
    expect(page.locator("#list")).not_to_contain_text("Чужое")
    window.expect_status(404)
    answer = page.goto(f"/t/{foreign.pk}/")
    assert answer is not None
    assert answer.status == 404


def test_everything_works_without_scripts(window: Window) -> None:
    ticket = make.ticket()
    page = window.open("/inbox/open/", make.agent(), java_script_enabled=False)
    page.locator(".row a").first.click()
    page.locator(".composer-text").fill("Ответ без скриптов")
    page.locator(".composer button[type=submit]").first.click()
    expect(page.locator("#messages")).to_contain_text("Ответ без скриптов")
    assert Ticket.objects.get(pk=ticket.pk).status == Status.OPEN


def test_active_mail_does_nothing_and_pictures_wait_for_a_word(window: Window) -> None:
    html = (
        '<p>Счёт</p><script>parent.document.title="broken"</script>'
        '<form action="https://evil.example"><input name="x"></form>'
        '<img src="https://tracker.example/pixel.gif" width="40" height="40">'
        '<style>p { background: url("https://tracker.example/style.gif") }</style>'
    )
    ticket = make.ticket(text="Счёт", html=html)
    page = window.context(make.agent()).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/t/{ticket.pk}/")
    frame = page.frame_locator("#messages iframe").first
    expect(frame.locator("p")).to_contain_text("Счёт")
    assert frame.locator("form, script, style").count() == 0
    assert page.title() != "broken"
    assert not [url for url in asked if "example/" in url and "tracker" in url]
