"""The server's side of the daily balance: all its mail of the last days, counted and looked for.

The passes go by a cursor and the last UIDs; this goes by dates and asks for every message whether
it is kept. What was overlooked is taken now; what cannot be taken is counted as missing.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from zabota.channels.contract import Mailbox, PermanentError, TemporaryError
from zabota.channels.folders import folder_names, mailbox_of, not_taken, take_uids
from zabota.channels.models import Folder, Inbox, ServerCount
from zabota.lib import clock

DAYS = 3  # today and the two before: what comes at midnight, and over a night without fetch
SETTLED = timedelta(minutes=2)  # younger mail may be on its way through a pass


def count(inbox: Inbox, mailbox: Mailbox) -> int:
    """Count the last days of all folders that are read, and take what was overlooked; returns how
    many messages are still missing. While a folder is refused the days keep the count they had: a
    part would pass for the whole. Raises TemporaryError when the connection is lost. Leaves another
    folder selected."""
    now = clock.now()
    days = [now.date() - timedelta(days=back) for back in range(DAYS)]
    on_server: Counter[date] = Counter()
    missing: Counter[date] = Counter()
    is_whole = True
    for name in folder_names(inbox):
        try:
            arrivals, lost = _folder(inbox, mailbox, name, min(days), now)
        except (PermanentError, TemporaryError):
            # The pass tells of a folder that is gone; what the others miss is taken all the same.
            if mailbox.is_lost:
                raise
            is_whole = False
            continue
        on_server.update(arrived.astimezone(UTC).date() for arrived in arrivals.values())
        missing.update(arrivals[uid].astimezone(UTC).date() for uid in lost)
    for day in days if is_whole else []:
        ServerCount.objects.update_or_create(
            inbox=inbox,
            day=day,
            defaults={
                "on_server": on_server[day],
                "missing": missing[day],
                "counted_at": clock.now(),
            },
        )
    return sum(missing.values())


def _folder(
    inbox: Inbox, mailbox: Mailbox, name: str, since: date, now: datetime
) -> tuple[dict[int, datetime], list[int]]:
    """When each message of a folder came, and those that are not kept even now."""
    state = mailbox.select(name)
    cursor = Folder.objects.filter(inbox=inbox, name=name).first()
    known = cursor and (cursor.mailbox, cursor.uidvalidity)
    if cursor is None or known != (mailbox_of(inbox), state.uidvalidity):
        return {}, []  # the next pass begins anew there
    # IMAP SINCE knows days in the server's own zone only.
    uids = mailbox.uids_since(since - timedelta(days=1))
    floor = max(inbox.starts_at.replace(microsecond=0), _midnight(since))
    listed = mailbox.arrivals([uid for uid in uids if uid >= cursor.floor_uid])
    arrivals = {uid: at for uid, at in listed.items() if floor <= at <= now - SETTLED}
    if overlooked := not_taken(inbox, name, state.uidvalidity, sorted(arrivals)):
        take_uids(inbox, mailbox, cursor, overlooked)
    lost = not_taken(inbox, name, state.uidvalidity, overlooked)
    # One that was deleted meanwhile is on the server no more.
    there = mailbox.arrivals(lost) if lost else {}
    gone = set(lost) - set(there)
    return {uid: at for uid, at in arrivals.items() if uid not in gone}, sorted(there)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
