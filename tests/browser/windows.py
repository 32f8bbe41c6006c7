"""Windows of a real Chromium that write down everything that goes wrong in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests import make
from tests.site import Site
from zabota.staff.models import Agent

ARGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run --disable-quic --force-color-profile=srgb"
).split()
# What a page says by itself about an answer of 4xx; tests name the ones they provoke.
STATUS = "the server responded with a status of {}"


@dataclass
class Window:
    """Opens pages for people; `troubles` are violated policies, page errors and console errors."""

    browser: Browser
    site: Site
    troubles: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """The site's address."""
        return f"http://127.0.0.1:{self.site.port}"

    def context(
        self,
        person: Agent | None = None,
        *,
        width: int = 1440,
        height: int = 900,
        theme: str = "light",
        **options: Any,
    ) -> BrowserContext:
        """A browser of this person (signed in), with nothing else in it."""
        given: dict[str, Any] = {
            "viewport": {"width": width, "height": height},
            "base_url": self.origin,
            "locale": "ru-RU" if person is None or person.language == "ru" else "en-GB",
            "timezone_id": "Europe/Moscow",
            "reduced_motion": "reduce",
        }
        made = self.browser.new_context(**given | options)
        cookies = {"zabota_theme": theme}
        if person is not None:
            cookies["sessionid"] = str(make.browser(person).session.session_key)
        made.add_cookies(
            [{"name": name, "value": value, "url": self.origin} for name, value in cookies.items()]
        )
        made.set_default_timeout(8000)
        made.on("page", self._watch)
        self.contexts.append(made)
        return made

    def open(self, path: str, person: Agent | None = None, **options: Any) -> Page:
        """A page in a browser of its own."""
        page = self.context(person, **options).new_page()
        page.goto(path)
        return page

    def expect_status(self, *codes: int) -> None:
        """Answers of these statuses belong to the test."""
        self.expected += [STATUS.format(code) for code in codes]

    def expect_offline(self) -> None:
        """The test cuts the line."""
        self.expected += ["net::ERR_"]

    def wrong(self) -> list[str]:
        """Troubles nobody expected."""
        return [one for one in self.troubles if not any(part in one for part in self.expected)]

    def close(self) -> None:
        """End all browsers of the test."""
        for one in self.contexts:
            one.close()
        self.contexts.clear()

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.troubles.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._heard(page, message))

    def _heard(self, page: Page, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            place = message.location.get("url", "")
            self.troubles.append(f"{page.url}: {message.text} ({place})")


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """A running browser. Playwright keeps an event loop in this thread, which Django takes for
    asynchronous code and refuses; the tests' own queries are plain ones."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            running = playwright.chromium.launch(executable_path=path, args=ARGS)
            try:
                yield running
            finally:
                running.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
