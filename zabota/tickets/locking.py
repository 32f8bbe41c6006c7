from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from zabota.tickets.models import Ticket


class NotPossible(Exception):
    """The action does not fit the ticket's state; the message is for the person who tried."""


@contextmanager
def changing(ticket: Ticket) -> Iterator[Ticket]:
    """The ticket's row, locked and fresh; on leaving it is saved as the next version.

    The lock comes before any `record`: jobs of one stream run in the order of insertion.
    """
    with transaction.atomic():
        row = Ticket.objects.select_for_update().get(pk=ticket.pk)
        yield row
        row.version += 1
        row.save()
