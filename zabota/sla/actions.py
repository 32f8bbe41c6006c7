from __future__ import annotations

from django.db import transaction

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.sla.events import TargetChanged
from zabota.sla.expecting import target_of
from zabota.sla.models import Target
from zabota.staff.models import Queue


@transaction.atomic
def set_target(queue: Queue, minutes: int, *, by: Actor) -> None:
    """How many working minutes the first answer of the queue may take; promises already made stay
    as they were told."""
    Queue.objects.select_for_update().get(pk=queue.pk)
    was = target_of(queue.pk)
    if was == minutes:
        return
    Target.objects.update_or_create(queue=queue, defaults={"minutes": minutes})
    fact = TargetChanged(queue=queue.pk, was=was, now=minutes)
    record(fact, stream=f"queue:{queue.pk}", by=by)
