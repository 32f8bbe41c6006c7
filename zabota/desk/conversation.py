"""The conversation of a ticket: its messages as bubbles, the changes between them folded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from zabota.channels.models import OutgoingState
from zabota.channels.wording import in_words
from zabota.desk import bodies, timeline
from zabota.desk.cards import Bubble, EventLine, FileItem, Stretch
from zabota.events.models import Event
from zabota.lib import html, times
from zabota.tickets import files
from zabota.tickets.models import AttachmentState, Direction, Purpose
from zabota.tickets.reading import Said

SHOWN = 60
ALL = 2000
FAILED = frozenset(
    {OutgoingState.FAILED, OutgoingState.DELAYED, OutgoingState.AWAY, OutgoingState.RETURNED}
)
KNOWN = {
    OutgoingState.SENT.value: "sent",
    OutgoingState.FAILED.value: "failed",
    OutgoingState.RETURNED.value: "failed",
}
KINDS = {"image": "image", "text": "text", "message": "mail"}
ARCHIVES = frozenset({"zip", "rar", "7z", "gz", "tar", "bz2", "xz"})


@dataclass(frozen=True)
class Conversation:
    """Stretches to draw; `hidden` counts the older messages that are not among them."""

    stretches: list[Stretch]
    last: int
    hidden: int
    first_received: Said | None
    last_received: Said | None


def conversation(
    messages: list[Said], events: Iterable[Event], names: timeline.Names, hidden: int = 0
) -> Conversation:
    """Messages and the changes between them, by time; changes before the first shown are left out
    when older messages are hidden."""
    start = messages[0].received_at if hidden and messages else None
    entries: list[tuple[datetime, int, Bubble | EventLine]] = [
        (message.received_at, 0, bubble(message)) for message in messages
    ]
    entries += [
        (row.at, 1, timeline.line(row, names))
        for row in events
        if row.kind not in timeline.SAID_ELSEWHERE and (start is None or row.at >= start)
    ]
    entries.sort(key=lambda entry: entry[:2])
    received = [message for message in messages if message.direction == Direction.IN]
    return Conversation(
        stretches=_stretches(entries),
        last=last_public(messages),
        hidden=hidden,
        first_received=received[0] if received else None,
        last_received=received[-1] if received else None,
    )


def last_public(messages: Iterable[Said]) -> int:
    """The id of the newest message that client or colleagues wrote for the outside."""
    return max((message.id for message in messages if message.is_public), default=0)


def bubble(message: Said) -> Bubble:
    """One message in the viewer's words."""
    number, is_framed = message.ticket_id, bodies.needs_frame(message)
    address = reverse("desk:body", args=[number, message.id]) if is_framed else ""
    remote = is_framed and html.has_remote(message.html)
    state = _delivery(message)
    return Bubble(
        id=message.id,
        kind=message.direction,
        author=author(message),
        at=message.at,
        text=_text(message),
        quoted=message.quoted,
        frame=address,
        remote=f"{address}?remote=1" if remote else "",
        via=_via(message),
        language=message.language if message.direction == Direction.IN else "",
        original=reverse("desk:original", args=[number, message.id]) if message.raw_id else "",
        delivery=state,
        delivery_label=_delivery_label(message, state),
        retry=reverse("desk:retry", args=[number, message.id]) if _may_retry(message) else "",
        files=tuple(
            file_item(number, file)
            for file in message.files
            if not (is_framed and file["is_inline"] and file["state"] == AttachmentState.OK)
        ),
    )


def author(message: Said) -> str:
    """Who speaks: our people with the name they signed, the client with his."""
    if message.direction != Direction.IN:
        return message.signed
    if message.contact_name is None:
        return _("Unreadable mail")
    return message.contact_name or _("no name")


def file_item(number: int, file: dict[str, Any]) -> FileItem:
    """A file of a message; a picture gets a thumbnail, a refused one the reason."""
    state, kind = file["state"], file["content_type"]
    address = reverse("desk:file", args=[number, file["id"]])
    is_picture = kind in files.SHOWN and state == AttachmentState.OK
    refused = {
        AttachmentState.TOO_LARGE: _("too large, not taken; it stays in the mailbox"),
        AttachmentState.BLOCKED: _("dangerous type, not given out"),
        AttachmentState.INFECTED: _("infected, not given out"),
    }
    ending = file["name"].rpartition(".")[2].lower()
    family = "archive" if ending in ARCHIVES else KINDS.get(kind.partition("/")[0], "file")
    return FileItem(
        name=file["name"],
        size=file["size"],
        href="" if state in refused else address,
        kind=family,
        thumbnail=f"{address}?show=1" if is_picture else "",
        blocked=refused.get(state, ""),
    )


def _stretches(entries: list[tuple[datetime, int, Bubble | EventLine]]) -> list[Stretch]:
    """Neighbouring changes become one stretch; the first of each day carries it."""
    found: list[Stretch] = []
    day = None
    for is_change, run in groupby(entries, key=lambda entry: entry[1] == 1):
        group = list(run)
        pieces = [group] if is_change else [[entry] for entry in group]
        for piece in pieces:
            at = piece[0][0]
            today = timezone.localtime(at).date()
            shown = at if today != day else None
            day = today
            first = piece[0][2]
            if isinstance(first, Bubble):
                found.append(Stretch(bubble=first, day=shown))
            else:
                lines = tuple(entry[2] for entry in piece if isinstance(entry[2], EventLine))
                found.append(Stretch(events=lines, day=shown))
    return found


def _text(message: Said) -> str:
    if message.direction != Direction.CALL:
        return message.text or ("" if message.quoted else _("(no text)"))
    call = message.call
    parts = [message.text]
    if call.get("topic"):
        parts.insert(0, _("Topic: %(topic)s") % {"topic": call["topic"]})
    if call.get("advice"):
        parts.append(_("Advice: %(advice)s") % {"advice": call["advice"]})
    return "\n\n".join(parts)


def _via(message: Said) -> str:
    if message.direction == Direction.CALL:
        way = _("incoming") if message.call.get("came_in", True) else _("outgoing")
        minutes = message.call.get("minutes") or 0
        return way + ", " + _("%(n)d min") % {"n": minutes} if minutes else way
    if message.purpose:
        return str(Purpose(message.purpose).label)
    if message.robot:
        return _("written by a robot")
    return _("with the solution") if message.solves else ""


def _delivery(message: Said) -> str:
    if message.direction != Direction.OUT:
        return ""
    return KNOWN.get(message.outgoing_state or "", "queued")


def _delivery_label(message: Said, state: str) -> str:
    if not state:
        return ""
    label = timeline.delivery_label(message.outgoing_state or "queued")
    label = label[:1].upper() + label[1:]
    if message.outgoing_state == OutgoingState.PACED and message.outgoing_next:
        return _("%(state)s until %(when)s") % {
            "state": label,
            "when": times.moment(message.outgoing_next),
        }
    if message.outgoing_error and message.outgoing_state in {*FAILED, OutgoingState.HELD}:
        return f"{label}: {in_words(message.outgoing_error)}"
    return label


def _may_retry(message: Said) -> bool:
    return message.outgoing_state in FAILED
