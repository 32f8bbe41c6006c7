"""A database on another machine: what is set so that a silent end is noticed at both ends.

A host that dies or loses its cable says nothing. Without this the server would keep its sessions
for hours, and with them the locks of its tickets and inboxes; and ours would wait for a server that
is gone.
"""

from __future__ import annotations

KEEPALIVES = {"idle": 8, "interval": 4, "count": 3}  # seconds, seconds, times
SILENCE_MS = 20_000
CONNECT_SECONDS = 10


def connection_options(session: str, given: dict[str, str]) -> dict[str, str | int]:
    """libpq's options: ours, over them those `given` in DATABASE_URL. `session`: settings of every
    session, as `-c name=value`; those in the given `options` come after them."""
    there = [f"-c tcp_keepalives_{name}={value}" for name, value in KEEPALIVES.items()]
    every = [session, *there, f"-c tcp_user_timeout={SILENCE_MS}", given.get("options", "")]
    return {
        **{f"keepalives_{name}": value for name, value in KEEPALIVES.items()},
        "tcp_user_timeout": SILENCE_MS,
        "connect_timeout": CONNECT_SECONDS,
        **given,
        "options": " ".join(every).strip(),
    }
