from __future__ import annotations

from django.apps import AppConfig

from zabota.lib import actives, moments


class DeskConfig(AppConfig):
    name = "zabota.desk"

    def ready(self) -> None:
        actives.settle()
        moments.settle()
