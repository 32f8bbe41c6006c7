"""Reading settings from the environment; what is read is noted for `docs/settings.md`."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """One environment variable: its name, default and meaning (for the generated page)."""

    name: str
    default: str
    meaning: str


OPTIONS: list[Option] = []


def env(name: str, default: str, meaning: str) -> str:
    """The value of `name` from the environment, documented on the way."""
    OPTIONS.append(Option(name, default, meaning))
    return os.environ.get(name, default)


def env_flag(name: str, default: bool, meaning: str) -> bool:
    """A yes/no variable: 1, true, yes, on mean yes."""
    return env(name, "1" if default else "0", meaning).strip().lower() in {"1", "true", "yes", "on"}


def env_int(name: str, default: int, meaning: str) -> int:
    """A whole number; raises SystemExit with a plain message otherwise."""
    value = env(name, str(default), meaning)
    try:
        return int(value)
    except ValueError:
        raise SystemExit(f"{name} must be a whole number, not {value!r}") from None


def env_list(name: str, default: str, meaning: str) -> list[str]:
    """Comma-separated words."""
    return [word.strip() for word in env(name, default, meaning).split(",") if word.strip()]


def env_counts(name: str, default: str, meaning: str) -> dict[str, int]:
    """Comma-separated `name=number`; raises SystemExit with a plain message otherwise."""
    found = {}
    for pair in env_list(name, default, meaning):
        word, _, number = pair.partition("=")
        if not word or not number.strip().isdigit():
            raise SystemExit(f"{name} must look like first=10,second=20, not {pair!r}")
        found[word.strip().lower()] = int(number)
    return found
