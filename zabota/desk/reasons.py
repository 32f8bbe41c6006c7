"""Why this ticket stands in this queue and why this mail joined it, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from zabota.automation.events import LossTold, SignalFound
from zabota.channels.wording import in_words
from zabota.desk import timeline
from zabota.events.models import Event
from zabota.tickets.events import Triaged
from zabota.tickets.models import Direction, Ticket, Urgency
from zabota.tickets.reading import Said
from zabota.tickets.threading import How


def of(
    ticket: Ticket, messages: list[Said], events: Iterable[Event], names: timeline.Names
) -> list[tuple[str, str]]:
    """(question, answer) pairs that apply to this ticket; the newest client message counts."""
    received = [message for message in messages if message.direction == Direction.IN]
    events = list(events)
    found = [(_("Why this queue"), queue_reason(ticket))]
    if urgent := _urgent(ticket, events):
        found.append((_("Why this urgency"), urgent))
    if received:
        last = received[-1]
        found.append((_("Why this ticket"), thread_reason(last)))
        if last.robot:
            found.append((_("Sign of a robot"), in_words(last.robot_sign) or last.robot))
        repairs = list(dict.fromkeys(text for one in received for text in one.repairs))
        if repairs:
            words = "; ".join(in_words(str(text)) for text in repairs)
            found.append((_("Repaired on the way"), words))
    if ticket.arrived_late:
        found.append(
            (_("Arrived late"), _("Taken in long after it was sent, so nobody was told of it."))
        )
    quiet = _quiet(events)
    if quiet:
        found.append((_("Not acknowledged because"), quiet))
    return found


def queue_reason(ticket: Ticket) -> str:
    """How the ticket came into its queue."""
    inbox = ticket.inbox.address if ticket.inbox else ""
    known: dict[str, str] = {
        "inbox": _("The mailbox %(address)s leads here.") % {"address": inbox},
        "topic": _("The topic “%(topic)s” leads here.") % {"topic": ticket.topic or _("no topic")},
        "follow_up": _("It follows a closed ticket of this queue."),
        "quarantine": _("The mail could not be read, so it waits in quarantine."),
        "recovery": _("A client gave a low mark: this queue looks after it."),
        "undo": _("A move was taken back."),
        "hand": _("Somebody moved it here."),
        "api": _("The program that brought it chose this queue."),
    }
    if ticket.queue_reason in known:
        return known[ticket.queue_reason]
    return _("Moved by hand: %(reason)s") % {"reason": ticket.queue_reason or "—"}


def thread_reason(message: Said) -> str:
    """Why this mail belongs to this ticket."""
    detail: dict[str, Any] = {"detail": message.thread_detail}
    words = {
        How.ADDRESS: _("It was sent to this ticket's own address %(detail)s."),
        How.OUR_MESSAGE_ID: _("It answers our message %(detail)s."),
        How.HIS_MESSAGE_ID: _("It answers the client's own message %(detail)s."),
        How.SUBJECT: _("The subject names %(detail)s, and the sender takes part in it."),
        How.NEW: _("It answers nothing we know: a new ticket."),
        How.STRANGER: _(
            "It points to another ticket (%(detail)s), but its sender takes no part there."
        ),
        How.NOTE: _("An agent answered a notification."),
        How.FOLLOW_UP: _("It answers the closed ticket %(detail)s."),
        How.BOUNCE: _("The receiver's server tells of our message %(detail)s."),
        How.FORWARDED: _("%(detail)s forwarded it: the ticket belongs to the original sender."),
        How.FLOOD: _("Its sender sent more than %(detail)s mails within an hour: they stand here."),
        How.BY_HAND: _("Somebody put it here."),
        How.PAGE: _("It was written on the client's page of this ticket."),
        How.FORM: _("It came by the request form: a new ticket."),
        How.API: _("A program of yours brought it: a new ticket."),
    }
    if message.thread_how not in How._value2member_map_:
        return "—"
    return words[How(message.thread_how)] % detail


def _urgent(ticket: Ticket, events: list[Event]) -> str:
    """By which signal words the ticket became urgent; '' when a person or nobody made it so."""
    found = [row.facts["phrase"] for row in events if row.kind == SignalFound.kind]
    told = any(row.kind == LossTold.kind for row in events)
    if not (found or told) or ticket.urgency != Urgency.LOSES_MONEY:
        return ""
    return timeline.signal_words(found[-1]) if found else str(_("The client says so in the form."))


def _quiet(events: Iterable[Event]) -> str:
    """Why the first treated message got no receipt; '' when one did."""
    reasons = [row.facts for row in events if row.kind == Triaged.kind]
    if not reasons or any(facts["acknowledged"] for facts in reasons):
        return ""
    return timeline.why_quiet(reasons[0]["why_not"])
