"""The kinds of channels this installation speaks."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from zabota.channels.contract import Kind

MODULES = {"mail": "zabota.channels.kinds.mail"}


@cache
def kind(name: str) -> Kind:
    """The channel kind called `name`; raises KeyError for an unknown one."""
    found: Kind = import_module(MODULES[name]).KIND
    return found
