"""Every operation of the URLconf, and its address with numbers of a test in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.urls import URLPattern, get_resolver

from tests import make
from tests.api.program import Program, integration
from tests.notify.program import webhook
from zabota.notify.models import Webhook, WebhookDelivery


def routes() -> Iterator[str]:
    """Every operation of the URLconf, as written there."""

    def walk(patterns: list[Any], before: str) -> Iterator[str]:
        for one in patterns:
            route = before + str(one.pattern)
            if isinstance(one, URLPattern):
                yield "account/password/reset/key/" if "^password/reset" in route else route
            else:
                yield from walk(one.url_patterns, route)

    yield from walk(get_resolver().url_patterns, "")


ROUTES = list(routes())


def address(route: str, numbers: Mapping[str, int]) -> str:
    """The route with these numbers in it."""
    if route == "account/password/reset/key/":
        return "/account/password/reset/key/1-set-password/"
    if route.startswith("settings/"):
        numbers = {**numbers, "pk": setting(route.split("/")[1])}
    path = re.sub(r"<int:(\w+)>", lambda found: str(numbers[found[1]]), route)
    return "/" + path.replace("<slug:view>", "open").replace("<str:token>", "guessed")


def hook() -> Webhook:
    """A webhook whose address is closed."""
    return webhook("https://127.0.0.1:1/", "tickets.made")[0]


def told(by: Webhook) -> WebhookDelivery:
    """A delivery that was given up."""
    return WebhookDelivery.objects.create(webhook=by, event=1, kind="tickets.made", state="failed")


def setting(sort: str) -> int:
    """The number of something that the settings show."""
    known: dict[str, Callable[[], Any]] = {
        "agents": make.agent,
        "departments": make.department,
        "queues": make.queue,
        "topics": make.topic,
        "calendars": make.calendar,
        "inboxes": make.inbox,
        "clients": make.account,
        "programs": lambda: Program(integration()).token,
        "webhooks": hook,
        "webhook-deliveries": lambda: told(hook()),
    }
    return int(known[sort]().pk) if sort in known else 0
