"""Every string a person sees exists in Russian, whole and with the same placeholders."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[1]
RUSSIAN = ROOT / "zabota" / "locale" / "ru" / "LC_MESSAGES" / "django.po"
KEYWORDS = (
    "gettext_lazy",
    "gettext_noop",
    "ngettext_lazy:1,2",
    "pgettext:1c,2",
    "pgettext_lazy:1c,2",
    "npgettext:1c,2,3",
    "npgettext_lazy:1c,2,3",
)
PLACEHOLDER = re.compile(r"%\(\w+\)[-0-9.]*[a-z]|%[sd]|\{\w*\}|\n\n")


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """All strings of code and templates, as `make messages` collects them."""
    path = tmp_path_factory.mktemp("messages") / "django.pot"
    command = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "babel.cfg"]
    for keyword in KEYWORDS:
        command += ["-k", keyword]
    subprocess.run([*command, "-o", str(path), "."], cwd=ROOT, check=True)
    with path.open("rb") as file:
        return read_po(file)


@pytest.fixture(scope="module")
def russian() -> Catalog:
    with RUSSIAN.open("rb") as file:
        return read_po(file, locale="ru")


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def first(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[-1]


def test_every_string_is_translated(wanted: Catalog, russian: Catalog) -> None:
    assert len(wanted) > 100, "the extraction found nothing: see babel.cfg"
    missing = []
    for message in wanted:
        if not message.id:
            continue
        known = russian.get(message.id, message.context)
        count = 1 if isinstance(message.id, str) else 3
        if known is None or known.fuzzy or len(forms(known)) != count or not all(forms(known)):
            missing.append(first(message))
    assert missing == []


def test_placeholders_survive_translation(russian: Catalog) -> None:
    wrong = []
    for message in russian:
        if not message.id or not all(forms(message)):
            continue
        expected = sorted(set(PLACEHOLDER.findall(first(message))))
        wrong += [
            text for text in forms(message) if sorted(set(PLACEHOLDER.findall(text))) != expected
        ]
    assert wrong == []


def test_russian_is_typeset_as_russian(russian: Catalog) -> None:
    texts = [text for message in russian if message.id for text in forms(message)]
    assert [text for text in texts if re.search(r'["“”]|\.\.\.| - |  ', text)] == []


def test_nothing_obsolete_stays(wanted: Catalog, russian: Catalog) -> None:
    unused = [
        first(message)
        for message in russian
        if message.id and wanted.get(message.id, message.context) is None
    ]
    assert unused == []
    assert not russian.obsolete
