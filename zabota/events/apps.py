from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class EventsConfig(AppConfig):
    name = "zabota.events"

    def ready(self) -> None:
        # Its chore registers itself.
        from zabota.events import alarms  # noqa: F401

        # Consumers and chores register themselves when their module is imported: by these names.
        autodiscover_modules(
            "consumers", "intake", "deliver", "triage", "outbox", "search", "webhooks", "balance",
            "limits", "visits", "confirming",
        )  # fmt: skip
