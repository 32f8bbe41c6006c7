"""A mail address with a likely slip of the finger: what was meant."""

from __future__ import annotations

from difflib import get_close_matches

KNOWN = (
    "gmail.com", "yandex.ru", "ya.ru", "mail.ru", "bk.ru", "inbox.ru", "list.ru", "rambler.ru",
    "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "internet.ru", "yandex.com",
    "live.com", "proton.me", "protonmail.com", "gmx.de", "gmx.net",
)  # fmt: skip
# Real providers whose names are near another's.
ALSO_REAL = frozenset({"email.com", "ymail.com", "mail.com", "gmx.com", "me.com", "mac.com"})
NEAR = 0.8


def meant(address: str) -> str:
    """The address with the domain that was probably meant; '' when nothing looks wrong."""
    local, _at, domain = address.lower().rpartition("@")
    if not local or domain in KNOWN or domain in ALSO_REAL:
        return ""
    near = get_close_matches(domain, KNOWN, n=1, cutoff=NEAR)
    return f"{local}@{near[0]}" if near and abs(len(near[0]) - len(domain)) <= 2 else ""
