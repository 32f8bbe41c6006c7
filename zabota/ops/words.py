"""Translations for commands, before and without Django's own (which need all rooms loaded)."""

from __future__ import annotations

import functools
import gettext as catalogues
import os
import sys

from zabota import __file__ as _package_file

FOLDER = os.path.join(os.path.dirname(_package_file), "locale")


def language() -> str:
    """ "ru" or "en", from the terminal's locale (LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "ru" if value.lower().startswith("ru") else "en"
    return "en"


@functools.cache
def _catalogue(code: str) -> catalogues.NullTranslations:
    return catalogues.translation("django", FOLDER, languages=[code], fallback=True)


def lend() -> None:
    """Let argparse find its own sentences in our catalogue (see config/borrowed.py)."""
    catalogues.bindtextdomain("django", FOLDER)
    catalogues.textdomain("django")


def gettext(text: str) -> str:
    """`text` in the terminal's language."""
    return _catalogue(language()).gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """The form of a sentence that goes with `count`, in the terminal's language."""
    return _catalogue(language()).ngettext(one, many, count)


def say(text: str) -> None:
    """One line for the person at the terminal, seen at once; letters it cannot show become "?"."""
    stream = sys.stderr
    encoding = stream.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), file=stream, flush=True)
