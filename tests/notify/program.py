"""A webhook of a program, as tests use it, and what its receiver must find in a call."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.test import override_settings

from tests import make
from tests.api.program import integration
from tests.drain import drain, run_timers
from tests.receiver import Heard, Receiver
from zabota.lib import clock
from zabota.lib.networks import Reach, networks
from zabota.notify import actions, hearing
from zabota.notify.models import Webhook
from zabota.staff.models import Agent

LOOPBACK = override_settings(FETCH_REACH=Reach(networks(["127.0.0.0/8"])))


def webhook(
    target: Receiver | str, *kinds: str, agent: Agent | None = None, **fields: Any
) -> tuple[Webhook, str]:
    """A webhook that hears these kinds (all without any), and its secret."""
    address = target if isinstance(target, str) else target.url
    hook = Webhook(
        name=fields.pop("name", "CRM"),
        address=address,
        agent=agent or integration(),
        kinds=list(kinds or hearing.KNOWN),
        **fields,
    )
    return hook, actions.save_webhook(hook, ["name"], by=make.BY)


def signs(heard: Heard, *secrets: str) -> list[bool]:
    """Which of the secrets signed the call, reckoned as its convention says."""
    named = heard.headers
    content = b".".join(
        (named["webhook-id"].encode(), named["webhook-timestamp"].encode(), heard.body)
    )
    given = named["webhook-signature"].split()
    found = []
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
        found.append(f"v1,{digest}" in given)
    return found


def kinds(target: Receiver) -> list[str]:
    """What it was told, in order."""
    return [one.json["kind"] for one in target.heard]


@contextmanager
def later(**span: float) -> Iterator[None]:
    """Inside, so much time has passed, and timers and jobs are done."""
    with clock.shifted(timedelta(**span)):
        run_timers()
        drain()
        yield


def statuses(rows: Iterable[Any]) -> list[tuple[str, str]]:
    """Kind and state of deliveries."""
    return [(row.kind, row.state) for row in rows]
