"""Sending limits: how many messages may leave an inbox, or go to one domain, in a time.

A message that may leave takes a place in its inbox's window (and its domain's); one over a limit
takes the next place that gets free, after those that wait already, and its timer brings it back
then. Nobody sleeps, so no other inbox or recipient waits behind it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from zabota.channels.models import Inbox, Outgoing, OutgoingState
from zabota.lib import clock
from zabota.lib.rows import ask, tell

# Keys of an inbox's config, and the seconds of their windows.
WINDOWS = {"per_minute": 60, "per_hour": 3600, "per_day": 86400}
MINUTE = 60
# So small a part of a domain's limit each process sends without asking the database.
QUIET_PART = 10
MOST_DOMAINS = 5000
LOCKS = {"inbox": 7414, "domain": 7415}
STEP = timedelta(milliseconds=1)

_sent: dict[str, deque[datetime]] = {}
_guard = threading.Lock()


def limits_of(inbox: Inbox) -> list[tuple[int, int]]:
    """(messages, seconds) of each limit that is set for the inbox."""
    given = ((inbox.config.get(name), seconds) for name, seconds in WINDOWS.items())
    return [(int(most), seconds) for most, seconds in given if most]


def domain_of(row: Outgoing) -> str:
    """The domain of the recipient."""
    return row.recipient.rpartition("@")[2]


def domain_limit(domain: str) -> int:
    """Messages a minute to this domain; 0: no limit."""
    limits: dict[str, int] = settings.DOMAIN_LIMITS
    return limits.get(domain, settings.DOMAIN_PER_MINUTE)


def wait_until(row: Outgoing, inbox: Inbox) -> datetime | None:
    """When the message may leave, with its place taken; None: now. `inbox`: the one it leaves by.

    Without limits of the inbox, and with little mail to the domain, the database is not asked.
    """
    limits, domain = limits_of(inbox), domain_of(row)
    most = _left_of(domain)
    if not limits and most is None:
        return None
    with transaction.atomic():
        if most is not None:
            until = _place(row, "domain", _DOMAIN, domain, [(most, MINUTE)])
            if until is not None:
                return until
        return _place(row, "inbox", _INBOX, inbox.pk, limits) if limits else None


def forget() -> None:
    """What this process has sent lately."""
    with _guard:
        _sent.clear()


def _left_of(domain: str) -> int | None:
    """How many places the database may give for this domain's minute; None: it need not be asked,
    this message is noted here."""
    limit = domain_limit(domain)
    if limit <= 0:
        return None
    now = clock.now()
    with _guard:
        if len(_sent) > MOST_DOMAINS:
            _sent.clear()
        noted = _sent.setdefault(domain, deque())
        # A moved clock may have noted later times.
        while noted and not now - timedelta(seconds=MINUTE) < noted[0] <= now:
            noted.popleft()
        if len(noted) < limit // QUIET_PART:
            noted.append(now)
            return None
        return max(1, limit - len(noted))


def _place(
    row: Outgoing, scope: str, where: str, key: int | str, limits: Sequence[tuple[int, int]]
) -> datetime | None:
    """Take a place: now (None), else the next that gets free."""
    tell("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCKS[scope], str(key)])
    now, column = clock.now(), f"{scope}_slot"
    mine: datetime | None = getattr(row, column)
    # Its turn has come: those behind it, whose places are later, do not count.
    is_due = mine is not None and row.next_try in {row.inbox_slot, row.domain_slot}
    values: dict[str, Any] = {"key": key, "id": row.pk, "now": now, "is_due": is_due}
    until = now
    if not is_due or _next(column, where, values, limits) > now:
        until = _next(column, where, values | {"is_due": False}, limits)
    setattr(row, column, until)
    tell(f"UPDATE channels_outgoing SET {column} = %s WHERE id = %s", [until, row.pk])  # noqa: S608
    return until if until > now else None


def _next(
    column: str, where: str, values: dict[str, Any], limits: Sequence[tuple[int, int]]
) -> datetime:
    """The first moment from now on at which every window has room."""
    now = values["now"]
    assert isinstance(now, datetime)
    found = now
    for most, seconds in limits:
        window = timedelta(seconds=seconds)
        given = values | {"since": now - window, "before": most - 1}
        # The last place but (most - 1): until it has left the window, the window is full.
        row = ask(_NTH.format(column=column, where=where), given)
        if row is not None:
            found = max(found, row[0] + window)
    if found > now:
        last = ask(_LAST.format(column=column, where=where), values)
        if last[0] is not None:
            found = max(found, last[0] + STEP)
    return found


# Mail of the house itself names no inbox and leaves by the first one; it counts for each.
_INBOX = "inbox_slot IS NOT NULL AND (inbox_id = %(key)s OR inbox_id IS NULL)"
_DOMAIN = "domain_slot IS NOT NULL AND split_part(recipient, '@', 2) = %(key)s"
_NTH = """
SELECT {column} FROM channels_outgoing WHERE {where} AND {column} > %(since)s AND id <> %(id)s
   AND (NOT %(is_due)s OR {column} <= %(now)s)
 ORDER BY {column} DESC OFFSET %(before)s LIMIT 1
"""
_LAST = """
SELECT max({column}) FROM channels_outgoing
 WHERE {where} AND {column} > %(now)s AND id <> %(id)s AND state = 'paced'
"""


def waiting(inbox: Inbox) -> tuple[int, datetime | None]:
    """How many messages of the inbox wait because of a limit, and when the first may leave."""
    rows = Outgoing.objects.filter(inbox=inbox.pk, state=OutgoingState.PACED)
    first = rows.order_by("next_try").values_list("next_try", flat=True).first()
    return (rows.count(), first) if first else (0, None)
