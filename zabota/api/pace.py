"""How many requests a token may send in a minute; counted in the database for all processes."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from zabota.lib import clock
from zabota.lib.rows import ask

WINDOW = 60
_COUNT = """
INSERT INTO api_window AS w (token_id, minute, requests) VALUES (%s, %s, 1)
ON CONFLICT (token_id) DO UPDATE SET minute = excluded.minute,
    requests = CASE WHEN w.minute = excluded.minute THEN w.requests + 1 ELSE 1 END
RETURNING requests
"""


@dataclass(frozen=True)
class Room:
    """What is left of the minute: `used` of `most` requests, `reset` seconds till the next."""

    used: int
    most: int
    reset: int

    @property
    def is_over(self) -> bool:
        """This request is one too many."""
        return self.used > self.most

    def headers(self) -> dict[str, str]:
        """The headers that tell it."""
        return {
            "RateLimit-Limit": str(self.most),
            "RateLimit-Remaining": str(max(self.most - self.used, 0)),
            "RateLimit-Reset": str(self.reset),
        }


def count(token_id: int) -> Room:
    """Count one request."""
    second = int(clock.now().timestamp())
    used = int(ask(_COUNT, [token_id, second // WINDOW])[0])
    return Room(used, settings.API_PER_MINUTE, WINDOW - second % WINDOW)
