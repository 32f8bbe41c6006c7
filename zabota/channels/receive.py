"""The outside world's bytes become a raw row and one fact; only then may the sender be told."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from zabota.channels import blobs
from zabota.channels.events import RawReceived
from zabota.channels.models import Inbox, RawMessage
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock
from zabota.lib.faults import reach


def receive(
    inbox: Inbox,
    raw: bytes,
    *,
    place: str,
    arrived_at: datetime,
    by: Actor,
    silent_reason: str = "",
    cut_from: int = 0,
) -> RawMessage | None:
    """Keep `raw` and announce it; None when this place was taken before.

    `place` names where it lay (folder, UIDVALIDITY, UID); `arrived_at` is the server's time.
    `cut_from` is the whole size in bytes of a message over the limit, of which `raw` is the head.
    Raises OSError when the disk is full: then nothing was taken and the next pass tries again.
    """
    if RawMessage.objects.filter(inbox=inbox, place=place).exists():
        return None
    sha256, size = blobs.put([raw])
    reach("receive.stored")
    with transaction.atomic():
        row, made = RawMessage.objects.get_or_create(
            inbox=inbox,
            place=place,
            defaults={
                "sha256": sha256,
                "size": cut_from or size,
                "received_at": clock.now(),
                "arrived_at": arrived_at,
                "is_cut": bool(cut_from),
                "is_silent": bool(silent_reason),
                "silent_reason": silent_reason,
            },
        )
        if not made:
            return None
        record(RawReceived(raw=row.pk, inbox=inbox.pk), stream=f"raw:{row.pk}", by=by)
    reach("receive.committed")
    return row
