"""Sign-in without a mouse, and the settings without scripts."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from playwright.sync_api import Page, expect

from tests import make
from tests.browser.windows import Window
from zabota.channels.models import Inbox
from zabota.staff.models import Agent

pytestmark = pytest.mark.xdist_group("screens")
PASSWORD = "three quiet words 7"


def with_password(name: str = "Вера Зорина") -> Agent:
    agent = make.agent(name)
    agent.set_password(PASSWORD)
    agent.save()
    return agent


def typed(page: Page, *words: str) -> None:
    """Each word into the control that has the focus, Tab between them, Enter at the end."""
    for place, word in enumerate(words):
        if place:
            page.keyboard.press("Tab")
        page.keyboard.type(word)
    page.keyboard.press("Enter")


def test_sign_in_by_keys(window: Window) -> None:
    agent = with_password()
    page = window.open("/account/login/")
    expect(page.locator("input[name=login]")).to_be_focused()
    typed(page, agent.email, "wrong password")
    alert = page.locator("main").get_by_role("alert")
    expect(alert).to_be_visible()
    expect(page.locator("input[name=login]")).to_have_value(agent.email)
    expect(page.locator("input[name=login]")).to_be_focused()
    page.keyboard.press("Tab")
    typed(page, PASSWORD)
    expect(page).to_have_url(re.compile("/inbox/mine/"))


@pytest.mark.parametrize("way", ["app", "recovery code"])
def test_the_second_step_by_keys(window: Window, way: str) -> None:
    agent = with_password()
    secret = generate_totp_secret()
    TOTP.activate(agent, secret)
    codes = RecoveryCodes.activate(agent).get_unused_codes()
    page = window.open("/account/login/")
    typed(page, agent.email, PASSWORD)
    field = page.locator("input[name=code]")
    expect(field).to_be_focused()
    typed(page, "000000")
    expect(page.locator(".error, .form-error").first).to_be_visible()
    expect(field).to_be_focused()
    field.fill("")
    counter = next(iter(yield_hotp_counters_from_time()))
    code = format_hotp_value(hotp_value(secret, counter)) if way == "app" else codes[0]
    typed(page, code)
    expect(page).to_have_url(re.compile("/inbox/mine/"))


# Page, control, what is bad there, what is good, and what the page says of the bad.
SETTINGS = [
    ("/settings/agents/{agent}/", "surname", "12", "Зоринова", "буквами"),
    ("/settings/departments/{department}/", "name_ru", "", "Забота", "хотя бы на одном языке"),
    ("/settings/queues/{queue}/", "name_ru", "", "Линия", "хотя бы на одном языке"),
    ("/settings/topics/{topic}/", "name_ru", "", "Вход и пароли", "хотя бы на одном языке"),
    ("/settings/calendars/{calendar}/", "name_ru", "", "Будни", "хотя бы на одном языке"),
    ("/settings/inboxes/{inbox}/", "address", "не адрес", "help@zabota.example", "адрес"),
    ("/settings/clients/{account}/", "name", "", "ООО «Василёк»", "поле"),
    ("/profile/", "surname", "12", "Кузнецова-Ли", "буквами"),
]


def inbox() -> Inbox:
    servers = {"imap_host": "127.0.0.1", "imap_port": 143, "imap_tls": "none"}
    servers |= {"smtp_host": "127.0.0.1", "smtp_port": 25, "smtp_tls": "none"}
    box = make.inbox(config=servers)
    box.set_secret(PASSWORD)
    box.save()
    return box


@pytest.mark.parametrize("case", SETTINGS, ids=[case[0].split("/")[-3] for case in SETTINGS])
def test_settings_need_no_scripts(window: Window, case: tuple[str, str, str, str, str]) -> None:
    window.expect_status(422)
    path, name, bad, good, says = case
    chief = make.administrator()
    numbers = {
        "agent": make.agent().pk,
        "department": make.department().pk,
        "queue": make.queue().pk,
        "topic": make.topic().pk,
        "calendar": make.calendar().pk,
        "inbox": inbox().pk,
        "account": make.account().pk,
    }
    page = window.open(path.format(**numbers), chief, java_script_enabled=False)
    field = page.locator(f"main form [name={name}]").first
    other = page.locator("main form [name=name_en]").first
    if name == "name_ru":
        other.fill("")
    field.fill(bad)
    save = page.locator("main form button.is-primary[type=submit]").first
    save.click()
    field = page.locator(f"main form [name={name}]").first
    expect(field).to_have_attribute("aria-invalid", "true")
    note = (field.get_attribute("aria-describedby") or "").split()[0]
    expect(page.locator(f"[id='{note}']")).to_contain_text(re.compile(says))
    field.fill(good)
    page.locator("main form button.is-primary[type=submit]").first.click()
    expect(page.locator("main .banner.is-ok, main .banner[role=status]").first).to_be_visible()
    page.goto(path.format(**numbers))
    expect(page.locator(f"main form [name={name}]").first).to_have_value(good)
