from __future__ import annotations

from zabota.channels import registry, standstill
from zabota.channels.contract import PermanentError
from zabota.channels.events import CopyWanted
from zabota.channels.models import Outgoing
from zabota.channels.outbox import load
from zabota.events.log import consumer
from zabota.events.models import Event
from zabota.lib import clock


@consumer("channels.sent_copy", CopyWanted, atomic=False)
def keep_copy(event: Event, fact: CopyWanted) -> None:
    """A copy into the Sent folder, where the provider makes none (inbox option `sent_copy`)."""
    row = Outgoing.objects.select_related("inbox").get(pk=fact.outgoing)
    if row.copied_at or row.inbox is None or standstill.is_on():
        return
    try:
        registry.kind(row.inbox.kind).keep_copy(row.inbox, load(row.envelope))
    except PermanentError:
        # No Sent folder there; the message itself stands in the ticket.
        return
    row.copied_at = clock.now()
    row.save(update_fields=["copied_at"])
