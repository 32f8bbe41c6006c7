"""The page of all settings, made from what the settings file itself reads."""

from __future__ import annotations

import importlib
from typing import Any

from django.conf import settings

HEAD = """# Settings

All settings are environment variables. This page is made from the code: `zabota docs`.

| variable | default | meaning |
|---|---|---|
"""


def page() -> str:
    """The page as Markdown, sorted by name; the same under every environment."""
    # The settings are read by name: rooms never import config, which stands above them.
    options: list[Any] = importlib.import_module(settings.SETTINGS_MODULE).OPTIONS
    rows = sorted({(option.name, option.default, option.meaning) for option in options})
    return HEAD + "".join(
        f"| `{name}` | {f'`{default}`' if default else 'empty'} | {_cell(meaning)} |\n"
        for name, default, meaning in rows
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
