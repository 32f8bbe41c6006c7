from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta
from typing import Any

from zabota.lib import clock
from zabota.lib.questions import Question
from zabota.lib.rows import ask
from zabota.sla.clocks import Told
from zabota.sla.expecting import Inputs

PERIOD = timedelta(days=28)

_PROMISE = "SELECT made_at, due_at, inputs::text FROM sla_promise WHERE ticket_id = %s"
# What was solved or closed in time without an answer of a person neither kept nor broke it.
_KEPT = """
SELECT count(*) FILTER (WHERE t.first_answer_at <= p.due_at), count(*)
  FROM sla_promise p JOIN tickets_ticket t ON t.id = p.ticket_id
 WHERE p.queue_id = %s AND p.due_at > %s
   AND (t.first_answer_at IS NOT NULL OR p.due_at < %s)
   AND NOT (t.first_answer_at IS NULL AND coalesce(t.solved_at, t.closed_at, 'infinity') < p.due_at)
"""


def promise_of(ticket_id: int) -> Question[tuple[Told, Inputs] | None]:
    """What the client of the ticket was told, and from what it was reckoned."""
    return Question(_PROMISE, [ticket_id], _promise)


def _promise(rows: list[Any]) -> tuple[Told, Inputs] | None:
    if not rows:
        return None
    found = rows[0]
    kept = json.loads(found[2])
    known = {one.name for one in fields(Inputs)}
    return Told(found[0], found[1]), Inputs(**{k: v for k, v in kept.items() if k in known})


def kept_share(queue_id: int) -> tuple[int, int]:
    """Promises of the last 28 days that were kept, and all that were kept or broken."""
    now = clock.now()
    kept, every = ask(_KEPT, [queue_id, now - PERIOD, now])
    return int(kept), int(every)
