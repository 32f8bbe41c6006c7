"""A client's link to his ticket is taken out of force; his next mail brings a new one."""

from __future__ import annotations

from zabota.customers.models import Contact
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


def revoke_links_of_manager(contact: Contact, *, by: Actor) -> int:
    """Who no longer manages his account loses his links to the requests of others; how many."""
    links = TrackingLink.objects.filter(
        address__in=contact.identities.filter(kind="mail").values("value"),
        ticket__account_id=contact.account_id,
        revoked_at=None,
    ).exclude(ticket__contact=contact)
    found = [
        (link.ticket, link.pk)
        for link in links.select_related("ticket").order_by("ticket_id")
        if not link.ticket.participants.filter(address=link.address).exists()
    ]
    return sum(revoke_link(ticket, pk, by=by) for ticket, pk in found)
