"""When a mail is taken in silently: no acknowledgement, no notice, no clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from zabota.channels.contract import ParsedMessage
from zabota.channels.models import RawMessage

LATE = timedelta(hours=24)


def silent_reason(raw: RawMessage, parsed: ParsedMessage) -> str:
    """Why (`import`, `uidvalidity`, `restored`, `late`), '' for a mail that came in time."""
    if raw.is_silent:
        return raw.silent_reason
    before = raw.inbox.silent_before
    if before and raw.arrived_at < before:
        return "restored"
    if raw.received_at - raw.arrived_at > LATE:
        return "late"
    # A moved mailbox stamps old mail as new; the top Received line still tells its age.
    # The Date header alone is not believed: a client's wrong clock must not silence him.
    stamped = _last_hop(parsed)
    if stamped and raw.received_at - stamped > LATE:
        return "late"
    return ""


def _last_hop(parsed: ParsedMessage) -> datetime | None:
    _, _, date = parsed.headers.get("received", "").rpartition(";")
    try:
        moment = parsedate_to_datetime(date.strip())
    except (ValueError, TypeError, IndexError):
        return None
    return moment if moment.tzinfo else None
