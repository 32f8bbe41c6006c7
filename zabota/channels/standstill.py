"""A restored copy neither fetches nor sends until an administrator says so: the original may still
be at work."""

from __future__ import annotations

from django.db import transaction

from zabota.channels.events import RetryDue, StandstillBegan, StandstillEnded
from zabota.channels.models import Outgoing, OutgoingState, Standstill
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib.remembered import Remembered

STREAM = "standstill"
REMEMBERED = 5.0  # seconds
WAITING = (
    OutgoingState.QUEUED,
    OutgoingState.SENDING,
    OutgoingState.DELAYED,
    OutgoingState.AWAY,
    OutgoingState.PACED,
)


def is_on() -> bool:
    """Whether this installation stands still."""
    return Standstill.objects.exists()


def is_shown() -> bool:
    """`is_on` for the screens, which ask on every page: up to five seconds old."""
    return _SHOWN.get()


_SHOWN = Remembered(is_on, REMEMBERED)
forget = _SHOWN.forget


@transaction.atomic
def begin(made_at: str, *, by: Actor) -> None:
    """From now on nothing is fetched or sent; `made_at` is the time of the backup."""
    if not is_on():
        Standstill.objects.create(made_at=made_at)
        record(StandstillBegan(made_at=made_at), stream=STREAM, by=by)
    forget()


@transaction.atomic
def end(*, by: Actor) -> int:
    """Fetch and send again; how many letters had waited and leave now."""
    if not Standstill.objects.all().delete()[0]:
        return 0
    # Without the letters themselves, which may be many and large.
    letters = Outgoing.objects.only("id", "recipient").filter(state__in=WAITING)
    waiting = list(letters.order_by("id"))
    record(StandstillEnded(waiting=len(waiting)), stream=STREAM, by=by)
    for row in waiting:
        record(RetryDue(outgoing=row.pk), stream=row.stream, by=by)
    forget()
    return len(waiting)
