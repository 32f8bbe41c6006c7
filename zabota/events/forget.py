"""Taking whole streams out of the log: only for demonstration data, which never happened."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

AT_ONCE = 2000


def forget(streams: Sequence[str]) -> None:
    """Delete events, timers and waiting jobs of these streams, in the caller's transaction."""
    for start in range(0, len(streams), AT_ONCE):
        part = list(streams[start : start + AT_ONCE])
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM procrastinate_jobs WHERE status <> 'doing'"
                " AND (args->>'event_id')::bigint IN"
                " (SELECT id FROM events_event WHERE stream = ANY(%s))",
                [part],
            )
            cursor.execute("DELETE FROM events_event WHERE stream = ANY(%s)", [part])
            cursor.execute("DELETE FROM events_timer WHERE stream = ANY(%s)", [part])
            cursor.execute(
                "DELETE FROM events_joberror e WHERE NOT EXISTS "
                "(SELECT FROM procrastinate_jobs j WHERE j.id = e.job)"
            )
