"""The page of all settings, made from what the settings file itself reads."""

from __future__ import annotations

from zabota.lib.environment import OPTIONS

HEAD = """# Settings

All settings are environment variables. This page is made from the code: `zabota docs`.

| variable | default | meaning |
|---|---|---|
"""


def page() -> str:
    """The page as Markdown, sorted by name; the same under every environment."""
    rows = sorted({(option.name, option.default, option.meaning) for option in OPTIONS})
    return HEAD + "".join(
        f"| `{name}` | {f'`{default}`' if default else 'empty'} | {_cell(meaning)} |\n"
        for name, default, meaning in rows
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
