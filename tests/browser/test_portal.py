"""The clients' pages in a browser without scripts, phone first: axe, widths, keyboard, pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser import judge
from tests.browser.windows import Window
from tests.drain import drain
from tests.portal import visitor
from zabota.staff import asking
from zabota.staff.models import Topic
from zabota.tickets import actions, tracking
from zabota.tickets.models import Message, Rating, Urgency

pytestmark = pytest.mark.xdist_group("screens")

PETR = make.PETR[0]
PICTURES = os.environ.get("SCREENS", "")
QUICK = [("light", "ru", 390), ("dark", "en", 1440)]
ALL = [(t, lang, w) for t in ("light", "dark") for lang in ("ru", "en") for w in (1440, 390)]
LONG = [pytest.param(*one, marks=pytest.mark.long) if one not in QUICK else one for one in ALL]


@pytest.fixture(autouse=True)
def mails_by_the_outbox(settings: Any) -> None:
    settings.EMAIL_BACKEND = "zabota.channels.systemmail.OutboxBackend"


def form_topic() -> Topic:
    """Two topics are offered, payment with its fields; a consent is asked."""
    text = "Я согласен на обработку моих данных ради ответа на обращение."
    asking.set_consent(text, "I agree that my data are used to answer my request.", by=make.BY)
    Topic.objects.filter(pk=make.topic().pk).update(is_public=True)
    payment = make.topic("Оплата", "Payment")
    payment.fields, payment.is_public = asking.preset("payment"), True
    payment.save()
    return payment


def pages() -> dict[str, str]:
    """Paths of the clients' pages by name, over a ticket with everything."""
    vera = make.agent()
    ticket = make.ticket(
        "Не приходит код для входа в личный кабинет", files=(make.file("журнал входов.txt"),)
    )
    drain()
    new = visitor.page_of(PETR)
    other = make.ticket("Сертификат истекает завтра", who=make.MARIA)
    drain()
    actions.reply(
        other, "Мария, здравствуйте!\n\nПродлили: https://zabota.example/c/4471", agent=vera,
        by=vera.actor, files=[make.upload()], solve=True,
    )  # fmt: skip
    drain()
    visitor.browser().post(
        f"{new}message/", {"text": "Нашёл письмо.", "address": PETR, "key": visitor.key()}
    )
    drain()
    confirm = visitor.links(visitor.mails(PETR)[-1])[0]
    assert ticket.pk
    payment = form_topic()
    return {
        "topics": "/request/",
        "request": f"/request/{payment.pk}/",
        "new": new,
        "receipt": f"/r/{tracking.receipt_for(ticket.pk)}/",
        "solved": visitor.page_of(make.MARIA[0]),
        "rate": f"{visitor.page_of(make.MARIA[0])}rate/4/",
        "my": "/my/",
        "confirm": confirm,
        "over": "/r/nothing/",
    }


@pytest.mark.parametrize(("theme", "language", "width"), LONG)
def test_nothing_is_found(window: Window, theme: str, language: str, width: int) -> None:
    window.expect_status(410, 422)
    found = []
    locale = "ru-RU" if language == "ru" else "en-GB"
    context = window.context(width=width, theme=theme, bypass_csp=True, locale=locale)
    page = context.new_page()
    for name, path in pages().items():
        page.goto(path)
        if name == "request":
            seen(page, "request-empty", f"{theme}-{language}-{width}")
            page.locator("button[type=submit]").click()
        assert page.locator("html").get_attribute("lang") == language
        found += seen(page, name, f"{theme}-{language}-{width}")
    assert not found, "\n".join(found)


def seen(page: Page, name: str, look: str) -> list[str]:
    """What is wrong with the page, and its picture."""
    if PICTURES:
        folder = Path(PICTURES) / look
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"portal-{name}.png", full_page=True)
    found = [f"{name}: no icon {one}" for one in judge.missing_icons(page)]
    for one in judge.violations(page):
        found += [f"{name}: {one['impact']} {one['id']}: {node}" for node in one["nodes"]]
    return found + [f"{name}: sticks out: {part}" for part in judge.overflow(page)]


def test_writing_by_keyboard_alone_without_scripts(window: Window) -> None:
    make.ticket()
    drain()
    page = window.context(width=390, height=844, java_script_enabled=False).new_page()
    page.goto(visitor.page_of(PETR))
    page.get_by_role("textbox", name="Ваше сообщение").focus()
    page.keyboard.type("Код так и не пришёл")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type(PETR)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Остался один шаг")).to_be_visible()
    drain()
    page.goto(visitor.links(visitor.mails(PETR)[-1])[0])
    page.get_by_role("button", name="Добавить сообщение").press("Enter")
    expect(page.get_by_text("Код так и не пришёл")).to_be_visible()
    expect(page.get_by_text(f"Вы пишете как {PETR}")).to_be_visible()
    assert Message.objects.filter(text="Код так и не пришёл").count() == 1


def test_a_request_by_phone_in_russian_without_scripts(window: Window) -> None:
    """From the form to the open desk within a second, the answer, and back to the client's page."""
    vera = make.agent()
    make.inbox()
    form_topic()
    desk = window.open("/inbox/open/", vera)
    expect(desk.locator("body")).to_have_attribute("data-live", "/live/stream")
    desk.wait_for_timeout(1500)
    phone = window.context(width=390, height=844, java_script_enabled=False).new_page()
    phone.goto("/request/")
    phone.get_by_role("link", name="Оплата").click()
    window.expect_status(422)
    phone.get_by_role("textbox", name="О чём обращение").fill("Двойное списание")
    phone.get_by_role("textbox", name="Что случилось?").fill("Списали дважды.")
    phone.get_by_role("textbox", name="Номер заказа").fill("4471")
    phone.get_by_role("textbox", name="Сумма").fill("1 234,56")
    phone.get_by_label("День оплаты").fill("2026-11-20")
    phone.get_by_role("combobox", name="Как вы платили?").select_option("картой")
    phone.get_by_role("radio", name="да, прямо сейчас").check()
    phone.get_by_role("textbox", name="Ваше имя").fill("Пётр Лебедев")
    phone.get_by_role("textbox", name="Ваш адрес почты").fill("petr@gmial.com")
    phone.get_by_role("checkbox", name="Я согласен").check()
    phone.wait_for_timeout(3200)
    phone.get_by_role("button", name="Отправить обращение").click()
    expect(phone.get_by_text("Возможно, вы имели в виду petr@gmail.com?")).to_be_visible()
    phone.get_by_role("textbox", name="Ваш адрес почты").fill(PETR)
    phone.get_by_role("button", name="Отправить обращение").click()
    expect(phone.get_by_role("heading", name="Обращение #")).to_be_visible()
    expect(desk.get_by_text("Двойное списание").first).to_be_visible(timeout=1000)
    message = Message.objects.get(direction="in")
    assert message.ticket.urgency == Urgency.LOSES_MONEY
    expect(phone.get_by_text(f"Обращение #{message.ticket_id}")).to_be_visible()
    expect(phone.get_by_text("Ответим не позднее")).to_be_visible()
    actions.reply(message.ticket, "Вернули деньги.", agent=vera, by=vera.actor, solve=True)
    phone.reload()
    expect(phone.get_by_text("Решено")).to_be_visible()
    expect(phone.get_by_text("Вернули деньги.")).not_to_be_visible()
    drain()
    phone.goto(visitor.page_of(PETR))
    expect(phone.get_by_text("Вернули деньги.")).to_be_visible()
    expect(phone.get_by_text("Вера Зорина").first).to_be_visible()
    drain()
    phone.get_by_role("link", name="5: отлично").click()
    assert not Rating.objects.exists()
    phone.get_by_role("textbox", name="Несколько слов").fill("Быстро")
    phone.get_by_role("button", name="Отправить оценку").click()
    expect(phone.get_by_text("Сохранено: 5 из 5")).to_be_visible()
    assert Rating.objects.get().comment == "Быстро"
    phone.get_by_role("link", name="К обращению").click()
    phone.get_by_role("button", name="Да, решён").click()
    expect(phone.get_by_text("Вы подтвердили, что вопрос решён")).to_be_visible()


def test_the_first_movement_of_a_person_posts_the_mark(window: Window) -> None:
    vera = make.agent()
    ticket = make.ticket()
    actions.reply(ticket, "Готово", agent=vera, by=vera.actor, solve=True)
    drain()
    page = window.open(f"{visitor.page_of(PETR)}rate/4/")
    page.wait_for_timeout(500)
    page.evaluate("dispatchEvent(new PointerEvent('pointermove'))")
    page.wait_for_timeout(300)
    assert not Rating.objects.exists()
    page.mouse.move(50, 50)
    page.mouse.move(90, 90)
    expect(page.get_by_role("status")).to_contain_text("Оценка сохранена")
    assert Rating.objects.get().mark == 4


def test_the_cabinet_by_mail_link_without_scripts(window: Window) -> None:
    make.ticket("Моё обращение")
    drain()
    page = window.context(width=390, height=844, java_script_enabled=False).new_page()
    page.goto("/my/")
    page.get_by_role("textbox", name="Ваш адрес почты").fill(PETR)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Проверьте почту")).to_be_visible()
    page.goto(visitor.links(visitor.mails(PETR)[-1])[0])
    page.get_by_role("button", name="Посмотреть мои обращения").click()
    expect(page.get_by_text(f"Вы — {PETR}")).to_be_visible()
    page.set_viewport_size({"width": 1440, "height": 900})
    assert not judge.overflow(page)
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "portal-my-list.png")
    page.get_by_role("button", name="Моё обращение").press("Enter")
    expect(page.get_by_role("heading", name="Моё обращение")).to_be_visible()
    expect(page.get_by_text(f"Вы пишете как {PETR}")).to_be_visible()
