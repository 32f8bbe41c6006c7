from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class EventsConfig(AppConfig):
    name = "zabota.events"

    def ready(self) -> None:
        # Its chore registers itself.
        from zabota.events import alarms  # noqa: F401

        # Consumers register themselves when their module is imported: by these file names.
        autodiscover_modules(
            "consumers", "intake", "deliver", "triage", "outbox", "search", "webhooks"
        )
