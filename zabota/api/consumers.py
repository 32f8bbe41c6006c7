"""What the programs' door forgets: old answers, and uploads that no message named."""

from __future__ import annotations

from django.db import transaction

from zabota.api.models import KEPT, SPARE, Answered, Waiting
from zabota.channels import unused
from zabota.events.chores import chore
from zabota.lib import clock
from zabota.lib.rows import ask, ask_all

AT_ONCE = 100
# One sweep at a time: two that hold rows of equal content would leave the bytes to each other.
_TURN = "SELECT pg_try_advisory_xact_lock(hashtext('zabota uploads'))"
# A row that a message is taking is locked; should its transaction fail, a later sweep finds it.
_OVER = """
SELECT id, sha256 FROM api_waiting WHERE at < %s AND id > %s ORDER BY id LIMIT %s
   FOR UPDATE SKIP LOCKED
"""


@chore
def forget_answers() -> None:
    """Answers of more than two days are forgotten."""
    Answered.objects.filter(at__lt=clock.now() - KEPT).delete()


@chore
def forget_uploads() -> None:
    """Uploads that no message named in two days are deleted, with their bytes where nothing else
    has the same."""
    last: int | None = 0
    while last is not None:
        last = _forget_some(last)


@transaction.atomic
def _forget_some(after: int) -> int | None:
    """The next uploads whose wait is over; returns the last of them, None when there are no more.

    Bytes go before their row: whoever is killed between finds the row again.
    """
    if not ask(_TURN, [])[0]:
        return None
    rows = ask_all(_OVER, [clock.now() - KEPT - SPARE, after, AT_ONCE])
    for sha256 in sorted({sha256 for _pk, sha256 in rows}):
        _forget_bytes([pk for pk, one in rows if one == sha256], sha256)
    return rows[-1][0] if len(rows) == AT_ONCE else None


def _forget_bytes(rows: list[int], sha256: str) -> None:
    """Delete the rows of one content and the bytes; all stays when the bytes must stay for now."""
    with transaction.atomic():
        # Not named by the rows that go.
        Waiting.objects.filter(pk__in=rows).delete()
        if not unused.drop(sha256):
            transaction.set_rollback(True)
