"""Budgets of size, hashes of vendored files, contrast of tokens, names in templates."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import engines
from django.test import RequestFactory

from zabota.config.jinja import MODULES, SHEETS
from zabota.desk.views.styleguide import sample_context, sample_rows
from zabota.ops import vendor

STATIC = vendor.VENDOR.parent
TEMPLATES = STATIC.parent / "desk" / "jinja2"
INBOX_JS = [STATIC / "vendor" / "htmx.min.js", *(STATIC / f"js/{name}.js" for name in MODULES)]
SOFT = ("ok", "warn", "late", "info", "violet", "accent")
INKS = ("text", "text-2", "text-3")
TEXT_PAIRS = [
    *((text, ground) for text in INKS for ground in ("bg", "surface", "surface-2")),
    *((tone, f"{tone}-soft") for tone in SOFT),
    *((tone, "surface") for tone in SOFT),
    *((text, "accent-soft") for text in INKS),
    *((text, "note") for text in ("text", "text-2", "note-text")),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("accent", "bg"),
]  # fmt: skip
CONTROL_PAIRS = [
    ("border-strong", "surface"), ("border-strong", "bg"),
    ("note-border", "note"), ("note-border", "surface"),
]  # fmt: skip


def zipped(paths: list[Path]) -> int:
    """Bytes on the wire: each file compressed by itself, as it is served."""
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in paths)


def tokens() -> dict[str, tuple[str, str]]:
    """Name → (light, dark) of every colour token."""
    text = (STATIC / "css" / "tokens.css").read_text()
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", text)
    return {name: (light, dark) for name, light, dark in pairs}


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2)."""
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def render(name: str) -> str:
    """A page of the style guide as an anonymous visitor would get it."""
    request = RequestFactory().get("/styleguide/")
    request.user = AnonymousUser()
    return str(engines["jinja2"].get_template(name).render(sample_context(), request))


def test_contrast_formula_agrees_with_the_known_extreme() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_there_are_enough_pairs() -> None:
    assert len(TEXT_PAIRS) >= 30


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "ground", "least"),
    [(*pair, 4.5) for pair in TEXT_PAIRS] + [(*pair, 3.0) for pair in CONTROL_PAIRS],
)
def test_contrast_of_tokens(front: str, ground: str, least: float, theme: int) -> None:
    known = tokens()
    assert contrast(known[front][theme], known[ground][theme]) >= least


def test_scripts_of_the_inbox_stay_in_budget() -> None:
    assert zipped(INBOX_JS) <= 45_000


def test_own_scripts_stay_in_budget() -> None:
    assert zipped(INBOX_JS[1:]) <= 30_000


def test_style_sheets_stay_in_budget() -> None:
    assert zipped(sorted((STATIC / "css").glob("*.css"))) <= 20_000


def test_fifty_rows_stay_in_budget() -> None:
    rows = [replace(row, number=100_000 + n) for n, row in enumerate((sample_rows() * 5)[:50])]
    source = '{% from "desk/parts/row.html" import rows as many %}{{ many(cards, "mine") }}'
    html = engines["jinja2"].from_string(source).render({"cards": rows})
    assert html.count("<li ") == 50
    assert len(html.encode()) <= 41_000  # in Russian: two bytes a letter


def test_every_module_and_sheet_is_listed_and_exists() -> None:
    modules = {
        path.relative_to(STATIC / "js").with_suffix("").as_posix()
        for path in (STATIC / "js").rglob("*.js")
    }
    sheets = {path.stem for path in (STATIC / "css").glob("*.css")}
    assert modules == {*MODULES, "rate"}
    assert sheets == {*SHEETS, "styleguide", "mail", "settings", "portal"}


def test_vendored_files_are_those_of_the_notes() -> None:
    noted = dict(
        re.findall(
            r"^\| (\S+) \| ([0-9a-f]{64}) \|$", (vendor.VENDOR / "VENDOR.md").read_text(), re.M
        )
    )
    found = {
        path.relative_to(vendor.VENDOR).as_posix(): vendor.digest(path)
        for path in vendor.VENDOR.rglob("*")
        if path.is_file() and path.name != "VENDOR.md"
    }
    assert noted == found


def test_the_sprite_holds_exactly_the_listed_icons() -> None:
    ids = re.findall(r'<symbol id="([\w-]+)"', (vendor.VENDOR / "icons.svg").read_text())
    assert ids == sorted(vendor.ICONS)


@pytest.mark.parametrize("page", ["styleguide", "styleguide_inbox", "styleguide_plain"])
def test_pages_of_the_guide_use_known_icons_and_nothing_inline(page: str) -> None:
    html = render(f"desk/{page}.html")
    assert set(re.findall(r"icons\.svg#([\w-]+)", html)) <= set(vendor.ICONS)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", html)
    assert html.count("<h1") == 1
    assert len(set(re.findall(r'\sid="([^"]+)"', html))) == len(re.findall(r'\sid="([^"]+)"', html))


def test_named_icons_of_templates_are_in_the_sprite() -> None:
    for path in TEMPLATES.rglob("*.html"):
        used = set(re.findall(r'\bicon(?:_button)?\("([\w-]+)"', path.read_text()))
        assert used <= set(vendor.ICONS), path.name


def test_no_emoji_in_templates_scripts_and_styles() -> None:
    files = [
        *TEMPLATES.rglob("*.html"),
        *(STATIC / "js").rglob("*.js"),
        *(STATIC / "css").glob("*.css"),
    ]
    for path in files:
        assert not re.search("[\U0001f000-\U0001ffff\u2600-\u27bf]", path.read_text()), path.name
