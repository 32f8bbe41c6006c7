"""By whose work Zabota works, and under which licences: read from what is installed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageMetadata, distributions
from pathlib import Path

from django.conf import settings

VENDOR = Path("vendor")
_LINE = re.compile(r"- (\S+) (\S+)")
# Files for browsers carry a text, no field: its title in SPDX's words.
BROWSER = {"htmx.org": "0BSD", "inter": "OFL-1.1", "lucide-static": "ISC"}
UNKNOWN = "?"


@dataclass(frozen=True)
class Part:
    """One piece of software of others; `text` is its licence where it lies in our folder."""

    name: str
    version: str
    licence: str
    url: str = ""
    text: str = ""


@lru_cache(maxsize=1)
def installed() -> list[Part]:
    """Everything that Python finds, by name; what is installed does not change while we run."""
    found: dict[str, Part] = {}
    for one in distributions():
        name = one.metadata["Name"]
        if name and name.lower() not in found:
            about = one.metadata
            found[name.lower()] = Part(name, one.version, _licence(about), _url(about))
    return [found[name] for name in sorted(found)]


def _licence(about: PackageMetadata) -> str:
    """The expression, else the classifiers, else the first line of the free text."""
    if expression := _field(about, "License-Expression"):
        return expression
    classes = about.get_all("Classifier") or []
    named = [one.rpartition("::")[2].strip() for one in classes if one.startswith("License ::")]
    named = [one for one in dict.fromkeys(named) if one != "OSI Approved"]
    if named:
        return ", ".join(named)
    first = _field(about, "License").partition("\n")[0]
    return first[:80] or UNKNOWN


def _field(about: PackageMetadata, name: str) -> str:
    return about[name].strip() if name in about else ""


def _url(about: PackageMetadata) -> str:
    links = [_field(about, "Home-page")]
    links += [one.partition(",")[2].strip() for one in about.get_all("Project-URL") or []]
    return next((link for link in links if link.startswith("https://")), "")


@lru_cache(maxsize=1)
def browser() -> list[Part]:
    """What is sent to browsers, from the list that is made with it."""
    folder = Path(settings.PACKAGE) / "static" / VENDOR
    found = []
    for line in (folder / "VENDOR.md").read_text(encoding="utf-8").splitlines():
        if named := _LINE.fullmatch(line):
            text = (folder / "LICENSES" / f"{named[1]}.txt").read_text(encoding="utf-8")
            found.append(Part(named[1], named[2], BROWSER.get(named[1], UNKNOWN), "", text))
    return found
