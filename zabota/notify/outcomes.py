"""What a call came to, and when the next one is made."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from zabota.lib import clock
from zabota.lib.calling import Answer, Failed
from zabota.lib.text import clean

# After the last one a person decides, except where the program was not reached at all.
BACKOFF = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 360, 720, 1440, 1440, 1440))
# A refusal that time alone will hardly mend.
FEW = 4
LONGEST = timedelta(days=1)
EXCERPT = 2000
# The program, or what stands before it, says that it cannot at present.
_AWAY = frozenset({429, 502, 503, 504})
_LATER = frozenset({408, 409, 423, 425})


@dataclass(frozen=True)
class Outcome:
    """`sort`: good, gone, away (it was not reached, so nothing else reaches it either), refused
    (this delivery, at present) or wrong (this delivery, hardly ever). `error` is a code that the
    screens put in words; `took` milliseconds."""

    sort: str
    status: int | None = None
    error: str = ""
    detail: str = ""
    answer: str = ""
    after: timedelta | None = None
    took: int = 0

    @property
    def most(self) -> int | None:
        """After how many tries a person decides; None: never."""
        return {"refused": len(BACKOFF) + 1, "wrong": FEW}.get(self.sort)


def of_answer(answer: Answer, took: int) -> Outcome:
    """By the status; nothing else counts."""
    status = answer.status
    text = clean(answer.body.decode("utf-8", "replace"))[:EXCERPT]
    given = {"status": status, "answer": text, "took": took}
    if 200 <= status < 300:
        return Outcome("good", **given)  # type: ignore[arg-type]
    sort, error = _sort(status)
    after = _after(answer.headers.get("retry-after", ""))
    return Outcome(sort, error=error, after=after, **given)  # type: ignore[arg-type]


def of_failure(failed: Failed, took: int) -> Outcome:
    """No answer came."""
    return Outcome("away", error=failed.code, detail=clean(failed.detail), took=took)


def delay(tries: int, after: timedelta | None = None) -> timedelta:
    """How long to wait after so many failed tries; up to a tenth longer, so that what failed
    together does not come back together."""
    step = BACKOFF[min(tries, len(BACKOFF)) - 1]
    return max(step, after or step) * random.uniform(1.0, 1.1)


def _sort(status: int) -> tuple[str, str]:
    if status == 410:
        return "gone", "gone"
    if status in _AWAY:
        return "away", "busy" if status == 429 else "status"
    if status >= 500 or status in _LATER:
        return "refused", "status"
    return "wrong", "redirect" if 300 <= status < 400 else "status"


def _after(text: str) -> timedelta | None:
    """Retry-After, RFC 9110 section 10.2.3: seconds or a date; never more than a day."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), LONGEST)
    try:
        moment: datetime = parsedate_to_datetime(text)
        left = moment - clock.now()
    except (TypeError, ValueError):
        return None
    return min(left, LONGEST) if left > timedelta(0) else None
