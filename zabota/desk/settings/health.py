"""How each inbox is doing, for the list and its own page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from zabota.channels.models import Inbox, Outgoing, OutgoingState, RawMessage, RawState
from zabota.desk.settings import connection
from zabota.lib import clock

# The fetch process passes every minute at least.
LATE = timedelta(minutes=5)
UNSENT = (
    OutgoingState.QUEUED, OutgoingState.SENDING, OutgoingState.DELAYED, OutgoingState.AWAY,
    OutgoingState.PACED, OutgoingState.FAILED,
)  # fmt: skip


@dataclass(frozen=True)
class Health:
    """`state`: works, off, error, never (not fetched yet) or late (no pass for five minutes)."""

    inbox: Inbox
    state: str
    trouble: str
    raw_waiting: int
    oldest_waiting: datetime | None
    outgoing_waiting: int
    outgoing_failed: int


def of(inboxes: list[Inbox]) -> list[Health]:
    """The health of each inbox; three queries for all."""
    pks = [inbox.pk for inbox in inboxes]
    waiting_raw = RawMessage.objects.filter(inbox__in=pks, state=RawState.WAITING)
    raw = {
        pk: (number, oldest)
        for pk, number, oldest in waiting_raw.values_list("inbox").annotate(
            number=Count("pk"), oldest=Min("received_at")
        )
    }
    unsent = Outgoing.objects.filter(inbox__in=pks, state__in=UNSENT)
    failed = Q(state=OutgoingState.FAILED)
    rows = unsent.values_list("inbox").annotate(
        failed=Count("pk", filter=failed), waiting=Count("pk", filter=~failed)
    )
    outgoing = {pk: (waiting, bad) for pk, bad, waiting in rows}
    return [
        Health(
            inbox,
            state(inbox),
            connection.plain(inbox.last_error),
            *raw.get(inbox.pk, (0, None)),
            *outgoing.get(inbox.pk, (0, 0)),
        )
        for inbox in inboxes
    ]


def state(inbox: Inbox) -> str:
    """See Health."""
    if not inbox.is_active:
        return "off"
    if inbox.last_error:
        return "error"
    if inbox.last_ok_at is None:
        return "never"
    return "late" if clock.now() - inbox.last_ok_at > LATE else "works"
