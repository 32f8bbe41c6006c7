"""What queues really needed lately: first answers measured, their 80th percentile, the usual load.

Done every hour in the background, so that no mail has to wait for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from zabota.calendars import known
from zabota.calendars.worktime import Hours
from zabota.lib import clock
from zabota.lib.rows import ask, ask_all
from zabota.sla.models import FirstAnswer, Load, Need
from zabota.staff.models import Queue

DAYS = timedelta(days=28)
SHARE = 0.8
AT_ONCE = 1000


def measure_all() -> None:
    """Measure new first answers, then reckon what queues need and usually have to do."""
    since = clock.now() - DAYS
    FirstAnswer.objects.filter(answered_at__lt=since).delete()
    measure(since)
    with transaction.atomic():
        Need.objects.all().delete()
        Need.objects.bulk_create(
            Need(queue_id=queue, urgency=urgency, minutes=minutes, cases=cases)
            for queue, urgency, minutes, cases in ask_all(_NEEDS, [SHARE, since])
        )
        Load.objects.all().delete()
        queues = Queue.objects.filter(is_active=True, is_quarantine=False)
        Load.objects.bulk_create(load_of(queue.pk) for queue in queues)


_NEEDS = """
SELECT queue_id, urgency, percentile_cont(%s) WITHIN GROUP (ORDER BY minutes), count(*)
  FROM sla_firstanswer WHERE answered_at >= %s GROUP BY queue_id, urgency
"""
_NEW = """
SELECT t.id, t.queue_id, t.urgency, t.created_at, t.first_answer_at,
       (SELECT m.agent_id FROM tickets_message m WHERE m.ticket_id = t.id
           AND m.direction = 'out' AND m.purpose = '' ORDER BY m.id LIMIT 1)
  FROM tickets_ticket t
 WHERE t.first_answer_at >= %s AND t.first_answer_at >= t.created_at
   AND NOT t.is_robot AND NOT t.arrived_late AND t.type <> 'outreach'
   AND NOT EXISTS (SELECT 1 FROM sla_firstanswer f WHERE f.ticket_id = t.id)
"""


def measure(since: datetime) -> int:
    """Note how many working minutes each first answer since then took; returns how many are new."""
    rows = ask_all(_NEW, [since])
    for start in range(0, len(rows), AT_ONCE):
        FirstAnswer.objects.bulk_create(
            (
                FirstAnswer(
                    ticket_id=ticket,
                    queue_id=queue,
                    agent_id=agent,
                    urgency=urgency,
                    answered_at=answered,
                    minutes=known.of_queue(queue).hours.between(began, answered)
                    / timedelta(minutes=1),
                )
                for ticket, queue, urgency, began, answered, agent in rows[start : start + AT_ONCE]
            ),
            ignore_conflicts=True,
        )
    return len(rows)


def load_of(queue_id: int) -> Load:
    """The usual and the present load of a queue, by the last 28 days."""
    now, hours = clock.now(), known.of_queue(queue_id).hours
    moments = usual_moments(hours, now, _began(queue_id))
    waiting = 0.0
    if moments:
        counted = ask(_UNANSWERED, [moments, queue_id, now - 2 * DAYS])
        waiting = int(counted[0]) / len(moments)
    by_day = ask_all(_AGENTS, [str(hours.zone), queue_id, now - DAYS])
    today = now.astimezone(hours.zone).date()
    before = [agents for day, agents in by_day if day < today]
    so_far = next((agents for day, agents in by_day if day == today), 0)
    usual = sum(before) / len(before) if before else float(so_far)
    # In the morning few have answered yet: the last day tells who works these days.
    duty = max(so_far, before[-1] if before else 0)
    return Load(queue_id=queue_id, waiting=waiting, agents=usual, on_duty=duty)


def usual_moments(hours: Hours, now: datetime, since: datetime | None) -> list[datetime]:
    """This time of day on the working days of the last 28 days, but none before `since`."""
    if since is None:
        return []
    here = now.astimezone(hours.zone)
    found = [here - timedelta(days=days) for days in range(1, DAYS.days + 1)]
    return [one for one in found if hours.of_day(one.date()) and one > since]


def _began(queue_id: int) -> datetime | None:
    """When the queue got its first ticket."""
    found: datetime | None = ask(_FIRST, [queue_id])[0]
    return found


_FIRST = "SELECT min(created_at) FROM tickets_ticket WHERE queue_id = %s"
_UNANSWERED = """
SELECT count(*) FROM unnest(%s::timestamptz[]) AS moment (at) JOIN tickets_ticket t
    ON t.queue_id = %s AND t.created_at > %s AND t.created_at <= moment.at
   AND NOT t.is_robot AND NOT t.arrived_late
   AND coalesce(least(t.first_answer_at, t.solved_at, t.closed_at), 'infinity') > moment.at
"""
_AGENTS = """
SELECT (answered_at AT TIME ZONE %s)::date, count(DISTINCT agent_id) FROM sla_firstanswer
 WHERE queue_id = %s AND answered_at >= %s AND agent_id IS NOT NULL GROUP BY 1 ORDER BY 1
"""
