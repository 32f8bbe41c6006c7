from __future__ import annotations

from django.utils.translation import gettext as _

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.staff import policy
from zabota.staff.models import Agent, Level
from zabota.tickets.events import OwnerChanged
from zabota.tickets.locking import NotPossible, changing
from zabota.tickets.models import Ticket


def take(ticket: Ticket, *, agent: Agent, by: Actor) -> Ticket:
    """The agent becomes owner of a free ticket; raises NotPossible when somebody was faster."""
    with changing(ticket) as row:
        if row.owner_id == agent.pk:
            return row
        if row.owner is not None:
            raise NotPossible(
                _("%(name)s already leads this ticket.") % {"name": row.owner.full_name}
            )
        give(row, agent, by)
    return row


def assign(ticket: Ticket, *, agent: Agent | None, by: Actor) -> Ticket:
    """Another owner (None: nobody); raises NotPossible for one who may not answer in this queue."""
    with changing(ticket) as row:
        if row.owner_id == (agent.pk if agent else None):
            return row
        if agent is not None and not policy.allows(agent, Level.REPLY, row.queue_id):
            raise NotPossible(
                _("%(name)s may not answer in this queue.") % {"name": agent.full_name}
            )
        give(row, agent, by)
    return row


def give(row: Ticket, agent: Agent | None, by: Actor) -> None:
    """Set the owner of a locked ticket and record it."""
    was, row.owner = row.owner_id, agent
    fact = OwnerChanged(ticket=row.pk, was=was, now=agent.pk if agent else None)
    record(fact, stream=row.stream, by=by)
