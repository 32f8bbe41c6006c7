"""A client's link to his ticket is taken out of force; his next mail brings a new one."""

from __future__ import annotations

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock
from zabota.tickets.events import LinkRevoked
from zabota.tickets.locking import changing
from zabota.tickets.models import Ticket, TrackingLink


def revoke_link(ticket: Ticket, link_id: int, *, by: Actor) -> bool:
    """Revoke one link of the ticket; False when there is none in force with this id."""
    with changing(ticket) as row:
        links = TrackingLink.objects.filter(ticket=row, pk=link_id, revoked_at=None)
        if not links.update(revoked_at=clock.now()):
            return False
        record(LinkRevoked(ticket=row.pk, link=link_id), stream=row.stream, by=by)
    return True
