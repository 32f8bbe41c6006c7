"""Taking an answer back by key, also from the next ticket; a draft on another device."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests import make
from tests.browser.windows import Window
from tests.drain import run_timers
from zabota.lib import clock
from zabota.tickets.models import Draft, HeldReply, Message

pytestmark = pytest.mark.xdist_group("screens")
TEXT = "Готово, проверьте"


def sent() -> int:
    return Message.objects.filter(direction="out", text=TEXT).count()


def test_z_takes_the_answer_back_into_the_composer(window: Window) -> None:
    vera = make.agent(undo_seconds=30)
    ticket = make.ticket()
    page = window.open(f"/t/{ticket.pk}/", vera)
    page.locator(".composer-text").fill(TEXT)
    page.keyboard.press("Control+Enter")
    line = page.locator(".banner.is-held")
    expect(line).to_contain_text("Ваш ответ уйдёт через несколько секунд")
    left = int(line.locator("care-left").inner_text())
    assert 20 < left <= 30
    expect(page.locator(".composer-text")).to_have_value("")
    page.locator("#pane-title").click()
    page.keyboard.press("KeyZ")
    expect(page.locator(".composer-text")).to_have_value(TEXT)
    expect(line).to_have_count(0)
    assert not HeldReply.objects.exists()
    with clock.at(clock.now() + timedelta(minutes=1)):
        run_timers()
    assert sent() == 0


def test_from_the_next_ticket_the_note_leads_back(window: Window) -> None:
    vera = make.agent(undo_seconds=30)
    first, second = make.ticket("Первое"), make.ticket("Второе", who=make.MARIA)
    page = window.open("/inbox/open/", vera)
    page.locator(f"#row-{first.pk} a").click()
    expect(page.locator("#pane")).to_have_attribute("data-ticket", str(first.pk))
    page.locator(".composer-text").fill(TEXT)
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("#pane")).to_have_attribute("data-ticket", str(second.pk))
    note = page.locator(".toast")
    expect(note).to_contain_text("Ответ уходит")
    note.get_by_role("button", name="Вернуть").click()
    expect(page.locator("#pane")).to_have_attribute("data-ticket", str(first.pk))
    expect(page.locator(".composer-text")).to_have_value(TEXT)
    assert not HeldReply.objects.exists()


def test_without_scripts_it_is_taken_back_by_its_button(window: Window) -> None:
    vera = make.agent(undo_seconds=30)
    ticket = make.ticket()
    page = window.open(f"/t/{ticket.pk}/", vera, java_script_enabled=False)
    page.locator(".composer-text").fill(TEXT)
    page.get_by_role("button", name="Отправить ответ").click()
    page.locator(".banner.is-held button").click()
    expect(page.locator(".composer-text")).to_have_value(TEXT)
    assert not HeldReply.objects.exists()


def test_a_draft_goes_on_in_another_browser(window: Window) -> None:
    vera = make.agent()
    ticket = make.ticket()
    page = window.open(f"/t/{ticket.pk}/", vera)
    page.locator(".composer-text").press_sequentially("Начало")
    page.wait_for_timeout(1800)
    assert Draft.objects.get().text == "Начало"
    other = window.open(f"/t/{ticket.pk}/", vera)
    expect(other.locator(".composer-text")).to_have_value("Начало")
    other.locator(".composer-text").press_sequentially(" и конец")
    other.wait_for_timeout(1800)
    page.reload()
    expect(page.locator(".composer-text")).to_have_value("Начало и конец")
    page.get_by_role("radio", name="Заметка").click()
    page.wait_for_timeout(1500)
    assert list(Draft.objects.values_list("mode", "text")) == [("note", "Начало и конец")]
    page.keyboard.press("Control+Enter")
    expect(page.locator(".composer-text")).to_have_value("")
    page.wait_for_timeout(1500)
    assert not Draft.objects.exists()
