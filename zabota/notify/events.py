"""Facts about webhooks; all stand in the stream `webhook:<id>`."""

from __future__ import annotations

from dataclasses import dataclass

from zabota.events.facts import Fact


@dataclass(frozen=True)
class WebhookDue(Fact, kind="notify.webhook_due"):
    """Something for the program waits, or the time to try again has come."""

    webhook: int


@dataclass(frozen=True)
class WebhookSwitched(Fact, kind="notify.webhook_switched"):
    """`reason` of an end: hand, gone (the program said so) or week (of failures); `waiting`
    deliveries were set aside, or go out now."""

    webhook: int
    is_on: bool
    reason: str
    waiting: int


@dataclass(frozen=True)
class WebhookSecretChanged(Fact, kind="notify.webhook_secret_changed"):
    """A new secret; the former one signs too for so many hours."""

    webhook: int
    hours: int


@dataclass(frozen=True)
class WebhookReplayed(Fact, kind="notify.webhook_replayed"):
    """So many deliveries are sent again on a person's order."""

    webhook: int
    count: int


@dataclass(frozen=True)
class WebhookTested(Fact, kind="notify.webhook_tested"):
    """A person tried the address."""

    webhook: int
    is_good: bool
