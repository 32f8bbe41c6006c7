"""The one outbox: everything that leaves the house. Network calls run outside transactions."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from zabota.channels import away, pace, registry
from zabota.channels.contract import (
    Address,
    Envelope,
    NoPermission,
    OutgoingFile,
    PermanentError,
    Receipt,
    TemporaryError,
    Unreachable,
)
from zabota.channels.events import (
    CameBack,
    CopyWanted,
    Queued,
    RetryDue,
    SendDelayed,
    SendFailed,
    Sent,
)
from zabota.channels.models import Inbox, Outgoing, OutgoingState
from zabota.events.actor import Actor, system
from zabota.events.log import consumer, record
from zabota.events.models import Event
from zabota.events.timers import set_timer, versions
from zabota.lib import clock, crypto
from zabota.lib.faults import reach
from zabota.lib.rows import Joined, Rows, ask, insert_unless, update
from zabota.lib.signing import with_tokens

log = logging.getLogger(__name__)

# After the last one a person decides.
BACKOFF = [timedelta(minutes=m) for m in (1, 5, 30, 120, 360, 720, 1440, 2880)]
# Until an administrator connects the mailbox anew, which sends at once, nothing is given up.
HOLD = timedelta(hours=1)
# How the keys of messages begin: those to clients, and system mail with its one-time links.
TO_CLIENT = "message:"
SYSTEM = "system:"
RETURNED = OutgoingState.RETURNED
PUT_OFF = frozenset({OutgoingState.DELAYED, OutgoingState.PACED})
NOTE_LIMIT = 30.0  # seconds; a restart of the database is over by then
NOTE_PAUSE = 0.5


class NotRetryable(Exception):
    """Only a message that failed or is delayed can be tried again by hand."""


def new_message_id(address: str, mark: object) -> str:
    """An id for a message from our `address`, minted before it is sent; ASCII also where the domain
    is not, for an id with other letters cannot be answered by old programs."""
    domain = address.rpartition("@")[2]
    try:
        host = domain.encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    return f"{uuid.uuid4()}.{mark}@{host or 'zabota.invalid'}"


def enqueue(
    envelope: Envelope, *, key: str, inbox: Inbox | None, by: Actor, first: bool = False
) -> Outgoing:
    """Put a message into the outbox in the caller's transaction; the same key, the same row.

    `first`: before all that waits, as an answer of a person must not wait behind arriving mail.
    """
    recipient = envelope.to[0].email if envelope.to else ""
    row = Outgoing(
        key=key,
        inbox=inbox,
        recipient=recipient,
        message_id=envelope.message_id,
        envelope=_dump(envelope),
    )
    # Not asked for before: a second time is rare, and then the constraint says so.
    if not insert_unless(row):
        found = Outgoing.objects.filter(key=key).first()
        if found is None:
            raise IntegrityError(f"another message of the outbox has the id {envelope.message_id}")
        return found
    record(Queued(outgoing=row.pk, first=first), stream=row.stream, by=by)
    return row


def _turn(fact: Queued | RetryDue) -> int:
    return 5 if isinstance(fact, Queued) and fact.first else 0


@consumer("channels.outbox", Queued, RetryDue, atomic=False, priority=_turn)
def send(event: Event, fact: Queued | RetryDue) -> None:
    """Hand one message to its channel. A crash between the server's OK and our note sends it twice,
    with the same Message-ID (RFC 1047: SMTP knows no better)."""
    begun = _begin(fact.outgoing)
    if begun is None:
        return
    row, first = begun
    by = system("outbox").because(event)
    if first is not None and first < row.pk:
        _stand_behind(row.pk, by)
        return
    is_there = _try(row, by)
    if first is None:
        return
    if is_there:
        away.release(row.inbox_id, by=by)
    else:
        away.keep_asking(row.inbox_id)


def _try(row: Outgoing, by: Actor) -> bool:
    """Hand it over, and note how that went; whether the server was there."""
    try:
        inbox = _inbox_of(row)
        until = pace.wait_until(row, inbox)
        if until is not None:
            _wait_its_turn(row.pk, until, by)
            return False
        reach("outbox.before_send")
        receipt = _hand_over(inbox, row)
    except NoPermission as error:
        _hold(row.pk, str(error), by)
        return False
    except Unreachable as error:
        _wait_for_server(row.pk, str(error), by)
        return False
    except TemporaryError as error:
        _delay(row.pk, str(error), by)
    except PermanentError as error:
        _fail(row.pk, str(error), by)
    else:
        reach("outbox.after_send")
        _note_surely(row, receipt, by)
        reach("outbox.noted")
    return True


def _hand_over(inbox: Inbox, row: Outgoing) -> Receipt:
    """Raises nothing but TemporaryError and PermanentError: whatever goes wrong in composing or
    sending stands beside the message, with a retry, and not "being sent" for ever."""
    try:
        return registry.kind(inbox.kind).send(inbox, load(row.envelope))
    except (TemporaryError, PermanentError):
        raise
    except crypto.WrongKey as error:
        raise PermanentError(str(error)) from error
    except Exception as error:
        log.exception("message not sent", extra={"outgoing": row.pk})
        reason = f"An error of our own stopped the sending: {type(error).__name__}"
        raise PermanentError(reason) from error


def retry(outgoing_id: int, *, by: Actor) -> None:
    """Try again now on a person's order; raises NotRetryable."""
    with transaction.atomic():
        row = Outgoing.objects.select_for_update().get(pk=outgoing_id)
        if row.state == OutgoingState.AWAY:
            # Alone it would only stand behind the others again.
            away.ask_now(row.inbox_id)
            return
        if row.state not in {OutgoingState.FAILED, OutgoingState.DELAYED, RETURNED}:
            raise NotRetryable
        row.state, row.attempts, row.next_try = OutgoingState.QUEUED, 0, None
        row.save(update_fields=["state", "attempts", "next_try"])
        record(Queued(outgoing=row.pk), stream=row.stream, by=by)


def take_back(message_id: str, status: str, *, by: Actor) -> tuple[Outgoing, bool] | None:
    """What the receiver's side tells of a sent message (RFC 3463 `status`; 4.x.x: it still tries);
    the message and whether this was new. None for a message that is not ours or never left."""
    with transaction.atomic():
        row = Outgoing.objects.select_for_update().filter(message_id=message_id).first()
        if row is None or row.state not in {OutgoingState.SENT, OutgoingState.HELD, RETURNED}:
            return None
        state = OutgoingState.HELD if status.startswith("4") else RETURNED
        if row.state in {state, RETURNED}:
            return row, False
        row.state = state
        code = status or "5.0.0"
        row.last_error = f"The receiver's server answered {code[0]}50 {code}"
        update(row, "state", "last_error")
        record(CameBack(outgoing=row.pk, state=state, status=status), stream=row.stream, by=by)
    return row, True


def _begin(outgoing_id: int) -> tuple[Outgoing, int | None] | None:
    """Mark as being sent; with it the first letter that waits for the server of its inbox, if any.
    None when it is done or waits for a person."""
    found = ask(_SENDING.sql, [outgoing_id])
    if found is None:
        return None
    row, inbox = _SENDING.made(found)
    row.inbox = inbox
    return row, found[-1]


_SENDING = Joined(
    [Rows(Outgoing, "o"), Rows(Inbox, "i")],
    "FROM o LEFT JOIN channels_inbox i ON i.id = o.inbox_id",
    "(SELECT min(id) FROM channels_outgoing a WHERE a.state = 'away' "
    "AND a.inbox_id IS NOT DISTINCT FROM o.inbox_id)",
    before="WITH o AS (UPDATE channels_outgoing SET state = 'sending' "
    "WHERE id = %s AND state NOT IN ('sent', 'failed') "
    # A restored copy sends nothing; what waits is taken up when its standstill ends.
    "AND NOT EXISTS (SELECT 1 FROM channels_standstill) RETURNING *)",
)


def _inbox_of(row: Outgoing) -> Inbox:
    inbox = row.inbox or Inbox.objects.filter(is_active=True).order_by("id").first()
    if inbox is None:
        raise PermanentError("There is no inbox to send from. Add one under Settings, Inboxes.")
    if not inbox.is_active:
        raise PermanentError(f"The inbox {inbox.address} is switched off.")
    return inbox


def _delay(pk: int, error: str, by: Actor) -> None:
    with transaction.atomic():
        row = Outgoing.objects.select_for_update().get(pk=pk)
        if row.attempts >= len(BACKOFF):
            _set_failed(row, error, by)
            return
        row.next_try = clock.now() + BACKOFF[row.attempts]
        row.attempts += 1
        _put_off(row, error, by)


def _wait_for_server(pk: int, error: str, by: Actor) -> None:
    """That was no try of the letter, so nothing counts as one."""
    with transaction.atomic():
        row = Outgoing.objects.select_for_update().get(pk=pk)
        is_news, due_at = row.next_try is None, away.line_up(row)
        if away.is_given_up(row):
            _set_failed(row, error, by)
        else:
            row.next_try = due_at
            _line_up(row, error, by, is_news=is_news)


def _stand_behind(pk: int, by: Actor) -> None:
    """Others of its inbox wait for the server: it goes when they go."""
    with transaction.atomic():
        row = Outgoing.objects.select_for_update().get(pk=pk)
        row.next_try = None
        _line_up(row, "", by)
        away.keep_asking(row.inbox_id)


def _line_up(row: Outgoing, error: str, by: Actor, *, is_news: bool = True) -> None:
    row.state, row.last_error = OutgoingState.AWAY, error[:500]
    update(row, "next_try", "state", "last_error")
    if is_news:
        record(SendDelayed(outgoing=row.pk, attempts=row.attempts), stream=row.stream, by=by)


def _hold(pk: int, error: str, by: Actor) -> None:
    """Nothing was tried, so nothing counts as a try."""
    with transaction.atomic():
        row = Outgoing.objects.select_for_update().get(pk=pk)
        row.next_try = clock.now() + HOLD
        _put_off(row, error, by)


def _wait_its_turn(pk: int, until: datetime, by: Actor) -> None:
    """Over a sending limit: a timer brings it back when its turn comes."""
    with transaction.atomic():
        row = Outgoing.objects.select_for_update().get(pk=pk)
        row.next_try = until
        _put_off(row, "", by, OutgoingState.PACED)


def release(inbox_id: int, *, by: Actor) -> None:
    """The limits of the inbox were changed: what waits because of them asks again, in its order."""
    rows = Outgoing.objects.filter(inbox=inbox_id, state=OutgoingState.PACED)
    with transaction.atomic():
        for row in rows.only("id", "recipient").order_by("next_try", "id"):
            record(RetryDue(outgoing=row.pk), stream=row.stream, by=by)


def _put_off(
    row: Outgoing,
    error: str,
    by: Actor,
    state: OutgoingState = OutgoingState.DELAYED,
) -> None:
    assert row.next_try is not None
    row.state, row.last_error = state, error[:500]
    row.save(update_fields=["next_try", "attempts", "state", "last_error"])
    set_timer(
        RetryDue(outgoing=row.pk),
        subject=f"outgoing:{row.pk}",
        stream=row.stream,
        due_at=row.next_try,
        version=row.attempts,
    )
    record(SendDelayed(outgoing=row.pk, attempts=row.attempts), stream=row.stream, by=by)


def _fail(pk: int, error: str, by: Actor) -> None:
    with transaction.atomic():
        _set_failed(Outgoing.objects.select_for_update().get(pk=pk), error, by)


def _set_failed(row: Outgoing, error: str, by: Actor) -> None:
    row.state, row.last_error, row.next_try = OutgoingState.FAILED, error[:500], None
    row.attempts += 1
    row.save(update_fields=["state", "last_error", "next_try", "attempts"])
    record(SendFailed(outgoing=row.pk, attempts=row.attempts), stream=row.stream, by=by)


def _note_surely(row: Outgoing, receipt: Receipt, by: Actor) -> None:
    """The server has it: while the database is away, wait; a failed job would send it again."""
    deadline = time.monotonic() + NOTE_LIMIT
    while True:
        try:
            _note_sent(row, receipt, by)
            return
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(NOTE_PAUSE)


def _note_sent(row: Outgoing, receipt: Receipt, by: Actor) -> None:
    refused = "; ".join(f"{to}: {why}" for to, why in receipt.refused)[:500]
    with transaction.atomic():
        noted = ask(_SENT, [clock.now(), refused, row.pk])
        if noted is None:
            return
        if row.key.startswith(SYSTEM):
            # A link that lets somebody in must not lie in the database and its backups.
            row.envelope = row.envelope | {"text": "", "html": ""}
            update(row, "envelope")
        record(Sent(outgoing=row.pk, attempts=noted[0]), stream=row.stream, by=by)
        # Sign-in links and agents' notices are no business of those who read the mailbox.
        is_copied = row.inbox is not None and bool(row.inbox.config.get("sent_copy"))
        if is_copied and row.key.startswith(TO_CLIENT):
            record(CopyWanted(outgoing=row.pk), stream=row.stream, by=by)


_SENT = """
UPDATE channels_outgoing SET state = 'sent', sent_at = %s, last_error = %s, next_try = NULL,
       attempts = attempts + 1 WHERE id = %s AND state <> 'sent' RETURNING attempts
"""


def _version(pk: int) -> int | None:
    row = Outgoing.objects.filter(pk=pk).values_list("attempts", "state").first()
    return row[0] if row and row[1] in PUT_OFF else None


versions("outgoing", _version)


def _dump(envelope: Envelope) -> dict[str, Any]:
    data = asdict(envelope)
    data["date"] = (envelope.date or clock.now()).isoformat()
    return data


def load(data: dict[str, Any]) -> Envelope:
    """The envelope as it was put into the outbox."""

    def addresses(rows: list[dict[str, str]]) -> tuple[Address, ...]:
        return tuple(Address(**row) for row in rows)

    return Envelope(
        **data
        | {
            "text": with_tokens(data["text"]),
            "html": with_tokens(data["html"]),
            "sender": Address(**data["sender"]),
            "to": addresses(data["to"]),
            "cc": addresses(data["cc"]),
            "reply_to": addresses(data["reply_to"]),
            "references": tuple(data["references"]),
            "files": tuple(OutgoingFile(**row) for row in data["files"]),
            "date": datetime.fromisoformat(data["date"]),
        }
    )
