"""One server and one browser for the tests of a file; a new window for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.browser import windows
from tests.browser.windows import Window
from tests.site import Site, serving


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: Any) -> Iterator[Site]:
    with django_db_blocker.unblock(), serving() as running:
        yield running


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with windows.chromium(chromium) as running:
        yield running


@pytest.fixture
def window(browser: Browser, site: Site, transactional_db: None) -> Iterator[Window]:
    """Opens pages; the test fails on any error in any of them."""
    # The flush between tests leaves the library's tables: jobs of events that are gone.
    ProcrastinateJob.objects.all().delete()
    made = Window(browser, site)
    yield made
    made.close()
    assert not made.wrong()
