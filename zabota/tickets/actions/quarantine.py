"""The three ways out of quarantine: retry, make ticket, discard."""

from __future__ import annotations

from dataclasses import replace

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from zabota.channels import blobs, registry
from zabota.channels.contract import Address, ParsedMessage, ParseError
from zabota.channels.models import RawMessage, RawState
from zabota.channels.wording import in_words
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock
from zabota.lib.text import clean
from zabota.tickets import intake
from zabota.tickets.actions.solving import shut
from zabota.tickets.events import QuarantineLeft
from zabota.tickets.locking import NotPossible, changing
from zabota.tickets.models import CloseReason, Message, Ticket


def retry_parse(ticket: Ticket, *, by: Actor) -> Message | None:
    """Read the original once more; raises NotPossible with the reason when it still fails."""
    with changing(ticket) as row:
        raw = _waiting(row)
        try:
            parsed = _parse(raw)
            sender = intake.sender_of(parsed)
            if not sender.email:
                raise ParseError(_("The mail names no sender."))
            return _leave(row, raw, parsed, sender, "retried", by)
        except ParseError as error:
            words = {"error": in_words(str(error))}
            raise NotPossible(_("Still unreadable: %(error)s") % words) from None
        except intake.PASSING:
            raise
        except Exception as error:
            words = {"error": in_words(intake.stumbled(error))}
            raise NotPossible(_("Still unreadable: %(error)s") % words) from error


def make_ticket(ticket: Ticket, *, address: str, subject: str, by: Actor) -> Message | None:
    """Take the original in as a mail of this sender; raises NotPossible for a wrong address."""
    address = address.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise NotPossible(_("Write the sender's mail address.")) from None
    with changing(ticket) as row:
        raw = _waiting(row)
        sender = Address(address)
        try:
            parsed = _parse(raw)
        except intake.PASSING:
            raise
        except Exception as error:
            told = str(error) if isinstance(error, ParseError) else intake.stumbled(error)
            parsed = _unread(raw, sender, told)
        parsed = replace(parsed, sender=sender, subject=subject.strip() or parsed.subject)
        return _leave(row, raw, parsed, sender, "made_ticket", by)


def discard(ticket: Ticket, *, reason: str, by: Actor) -> Ticket:
    """Close without a word; the original stays. Raises NotPossible without a reason."""
    reason = clean(reason).strip()
    if not reason:
        raise NotPossible(_("Write why it is discarded."))
    with changing(ticket) as row:
        raw = _waiting(row)
        raw.state, raw.discard_reason = RawState.DISCARDED, reason[:500]
        raw.save(update_fields=["state", "discard_reason"])
        fact = QuarantineLeft(ticket=row.pk, how="discarded", became=None)
        record(fact, stream=row.stream, by=by)
        shut(row, CloseReason.QUARANTINE, by)
    return row


def _waiting(row: Ticket) -> RawMessage:
    raw = row.quarantined
    if raw is None or raw.state != RawState.QUARANTINE:
        raise NotPossible(_("This message has already left quarantine."))
    return raw


def _parse(raw: RawMessage) -> ParsedMessage:
    return registry.kind(raw.inbox.kind).parse(blobs.get(raw.sha256))


def _unread(raw: RawMessage, sender: Address, error: str) -> ParsedMessage:
    return ParsedMessage(
        sender=sender,
        reply_to=(),
        to=(),
        cc=(),
        subject="",
        message_id="",
        in_reply_to=(),
        references=(),
        date=clock.now(),
        text=error,
        html="",
        reply=error,
        quoted="",
    )


def _leave(
    row: Ticket, raw: RawMessage, parsed: ParsedMessage, sender: Address, how: str, by: Actor
) -> Message | None:
    """Move the raw message from the quarantine ticket to where it belongs."""
    Message.objects.filter(ticket=row, raw=raw).update(raw=None)
    raw.state, raw.error = RawState.WAITING, ""
    raw.save(update_fields=["state", "error"])
    message = intake.place(raw, parsed, sender, by)
    became = message.ticket_id if message else None
    fact = QuarantineLeft(ticket=row.pk, how=how, became=became)
    record(fact, stream=row.stream, by=by)
    shut(row, CloseReason.QUARANTINE, by)
    return message
