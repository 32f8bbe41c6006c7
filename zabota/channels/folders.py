"""One pass over one folder of a mailbox: what is new there, and what was overlooked.

The cursor is UIDVALIDITY and UID, never the Seen flag; nothing on the server is changed. The last
200 UIDs are listed again each time, because a server may show a UID after a higher one.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from zabota.channels.contract import FolderState, Mailbox, PermanentError, TemporaryError
from zabota.channels.models import Folder, Inbox, RawMessage
from zabota.channels.receive import receive
from zabota.events.actor import system
from zabota.lib.faults import reach

log = logging.getLogger(__name__)
LISTED_AGAIN = 200
BY = system("fetch")


def start_from_now(inbox: Inbox, mailbox: Mailbox) -> None:
    """Set the cursors of a new inbox, or of folders newly chosen: what lies there now is the past
    and waits for an import. Folders that were read before keep their cursor."""
    read = set(inbox.cursors.exclude(uidvalidity=0).values_list("name", flat=True))
    for name in folder_names(inbox):
        if name in read:
            continue
        state = mailbox.select(name)
        Folder.objects.update_or_create(
            inbox=inbox,
            name=name,
            defaults={
                "mailbox": mailbox_of(inbox),
                "uidvalidity": state.uidvalidity,
                "last_uid": state.uidnext - 1,
                "floor_uid": state.uidnext,
            },
        )


def folder_names(inbox: Inbox) -> list[str]:
    """The folders chosen for this inbox, INBOX without a choice."""
    return list(inbox.folders) or ["INBOX"]


def mailbox_of(inbox: Inbox) -> str:
    """A short name of the mailbox behind the inbox: another server or user is another mailbox,
    whose numbers say nothing about the mails of this one."""
    parts = [str(inbox.config.get(name) or "").lower() for name in ("imap_host", "imap_user")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def take_new(inbox: Inbox, mailbox: Mailbox, name: str) -> int:
    """Keep every new message of the folder; returns how many. The cursor waits at a failed one."""
    state = mailbox.select(name)
    cursor, _ = Folder.objects.get_or_create(
        inbox=inbox, name=name, defaults={"mailbox": mailbox_of(inbox)}
    )
    known = (cursor.mailbox, cursor.uidvalidity)
    changed = known != (mailbox_of(inbox), state.uidvalidity)
    if changed:
        uids = _begin_anew(inbox, mailbox, cursor, state)
    else:
        listed = {*mailbox.uids_after(cursor.last_uid), *mailbox.last_uids(LISTED_AGAIN)}
        uids = sorted(uid for uid in listed if uid >= cursor.floor_uid)
    reach("fetch.listed")
    new = not_taken(inbox, name, state.uidvalidity, uids)
    taken, first_failed = take_uids(inbox, mailbox, cursor, new)
    seen = max([cursor.last_uid, *uids, state.uidnext - 1 if changed else 0])
    cursor.last_uid = min(seen, first_failed - 1) if first_failed else seen
    cursor.save()
    if first_failed:
        raise TemporaryError(f"Message {first_failed} of {name} could not be read; trying again.")
    return taken


def _begin_anew(inbox: Inbox, mailbox: Mailbox, cursor: Folder, state: FolderState) -> list[int]:
    """Renumbered by the server, another mailbox, or never seen: known mails come again under other
    numbers. Kept before anything is fetched, so that what this pass cannot read is still known as
    the past in a later one."""
    since = inbox.starts_at
    if cursor.uidvalidity and inbox.last_ok_at:
        since = max(since, inbox.last_ok_at - timedelta(days=1))
    uids = _arrived_since(mailbox, since)
    cursor.silent_below = state.uidnext if cursor.uidvalidity else 0
    cursor.mailbox, cursor.uidvalidity = mailbox_of(inbox), state.uidvalidity
    cursor.floor_uid = min(uids, default=state.uidnext)
    cursor.last_uid = cursor.floor_uid - 1
    cursor.save()
    return uids


def place_of(inbox: Inbox, folder: str, uidvalidity: int, uid: int) -> str:
    """The name under which a message of a mailbox is taken once."""
    return f"{mailbox_of(inbox)}:{folder}:{uidvalidity}:{uid}"


def _arrived_since(mailbox: Mailbox, moment: datetime) -> list[int]:
    # IMAP SINCE knows days in the server's own zone only: a day more, then the exact time.
    uids = mailbox.uids_since((moment - timedelta(days=1)).date())
    # INTERNALDATE has whole seconds.
    floor = moment.replace(microsecond=0)
    arrivals = mailbox.arrivals(uids)
    return sorted(uid for uid, arrived in arrivals.items() if arrived >= floor)


def not_taken(inbox: Inbox, name: str, uidvalidity: int, uids: Sequence[int]) -> list[int]:
    """Those of the UIDs whose messages are not kept, in order."""
    places = {place_of(inbox, name, uidvalidity, uid): uid for uid in uids}
    taken = RawMessage.objects.filter(inbox=inbox, place__in=places).values_list("place", flat=True)
    return sorted({*places.values()} - {places[place] for place in taken})


def take_uids(
    inbox: Inbox,
    mailbox: Mailbox,
    cursor: Folder,
    uids: Sequence[int],
) -> tuple[int, int | None]:
    """Fetch and keep; one unreadable message does not hold back the others."""
    taken, first_failed = 0, None
    for uid in uids:
        try:
            found = mailbox.fetch(uid, settings.MAX_MESSAGE_MB * 1024 * 1024)
        except (TemporaryError, PermanentError) as error:
            log.warning("message not fetched", extra={"inbox": inbox.pk, "uid": uid})
            if mailbox.is_lost:
                raise
            first_failed = first_failed or uid
            log.debug("%s", error)
            continue
        if found is None:
            continue
        row = receive(
            inbox,
            found.raw,
            place=place_of(inbox, cursor.name, cursor.uidvalidity, uid),
            arrived_at=found.arrived_at,
            by=BY,
            silent_reason="uidvalidity" if uid < cursor.silent_below else "",
            cut_from=found.size if found.is_cut else 0,
        )
        taken += row is not None
    return taken, first_failed
