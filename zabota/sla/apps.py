from __future__ import annotations

from django.apps import AppConfig


class SlaConfig(AppConfig):
    name = "zabota.sla"
