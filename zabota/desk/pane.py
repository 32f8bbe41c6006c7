"""Everything the middle column shows of one ticket, read in one way to the database."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zabota.desk import conversation, deadlines, reasons, timeline
from zabota.desk.menus import menus
from zabota.events import log
from zabota.lib import clock
from zabota.lib.questions import Question, ask_at_once
from zabota.lib.text import shorten
from zabota.sla.queries import promise_of
from zabota.staff import policy
from zabota.staff.models import Agent
from zabota.tickets import deliver, drafts, queries, reading
from zabota.tickets.events import Triaged
from zabota.tickets.models import Direction, Status, Ticket
from zabota.tickets.models.ticket import micros
from zabota.tickets.reading import Said

# Facts that stand in the conversation as messages; the reasons look at one of them.
UNSHOWN = timeline.SAID_ELSEWHERE - {Triaged.kind}


@dataclass(frozen=True)
class Draft:
    """What stands in the composer when the page is drawn: after a refusal, the text typed."""

    text: str = ""
    mode: str = "reply"
    error: str = ""
    to: str = ""
    at: int = 0


@dataclass(frozen=True)
class Held:
    """An answer of this agent that may still be taken back."""

    number: int
    text: str
    left: float  # seconds


# Returned twice for good: the client is warned of before an agent writes.
RETURNS = 2


def content(
    agent: Agent,
    ticket: Ticket,
    view: str,
    *,
    everything: bool = False,
    draft: Draft | None = None,
    error: str = "",
) -> dict[str, Any]:
    """The values of `desk/pane.html`; `error` stands above the conversation."""
    limit = conversation.ALL if everything else conversation.SHOWN
    messages, events, promise, unsent, people = ask_at_once(
        reading.messages_of(ticket.pk, limit + 1),
        log.of_stream(ticket.stream, timeline.SHOWN, without=UNSHOWN),
        promise_of(ticket.pk),
        drafts.open_of(ticket.pk, agent.pk),
        copied(ticket),
    )
    has_more = len(messages) > limit
    messages = messages[-limit:]
    now = policy.company(agent)
    names = timeline.Names.of(now)
    talk = conversation.conversation(messages, events, names, hidden=int(has_more))
    may = queries.may(agent, ticket)
    told = [(_("Why this time"), deadlines.why(promise[1]))] if promise else []
    return {
        "ticket": ticket,
        "view": view,
        "talk": talk,
        "may": may,
        "error": error,
        "why": [*reasons.of(ticket, messages, events, names), *told],
        "due_tone": deadlines.tone(ticket.next_due_at, ticket.burns_at),
        "max_mb": settings.MAX_UPLOAD_MB,
        "was_moved": any(row.kind == "tickets.queue_changed" for row in events),
        "news": micros(ticket.news_at or ticket.last_message_at),
        # The composer, and what stands above it.
        "draft": draft or kept_draft(unsent if may["reply"] else []),
        "held": held_of(unsent if may["reply"] else []),
        "token": secrets.token_urlsafe(12),
        "to": recipient(ticket, messages, people),
        "addresses": address_choices(ticket, messages),
        "why_no_reply": why_no_reply(ticket, may),
        "warning": warning(ticket),
    } | menus(ticket, now)


def held_of(unsent: Iterable[drafts.Open]) -> list[Held]:
    """The answers that may still be taken back, with the seconds that are left."""
    now = clock.now()
    return [
        Held(one.held, shorten(one.text, 120), max(round((one.at - now).total_seconds(), 1), 0))
        for one in unsent
        if one.held is not None
    ]


def kept_draft(unsent: Iterable[drafts.Open]) -> Draft:
    """The newest draft, with the reason when it is a reply that could not be sent."""
    newest = next((one for one in unsent if one.held is None), None)
    if newest is None:
        return Draft()
    return Draft(newest.text, newest.mode, newest.reason, newest.to, drafts.stamp(newest.at))


def copied(ticket: Ticket) -> Question[list[tuple[str, str]]]:
    """Who takes part beside the client, up to one more than gets a copy: his last message may name
    an address that is not his."""
    contact = ticket.contact
    his = (contact.address, *contact.other_addresses) if contact else ()
    return reading.participants_of(ticket.pk, his, deliver.MAX_COPIES + 1)


def recipient(ticket: Ticket, messages: list[Said], people: list[tuple[str, str]]) -> str:
    """Who will get the answer, with the copies, as the composer says it (see tickets.deliver)."""
    if ticket.contact is None:
        return ""
    address = answer_address(ticket, messages)
    others = [one for one in people if one[0] != address][: deliver.MAX_COPIES]
    copies = [one.email for one in deliver.foreign(others, deliver.own_addresses())]
    name = ticket.contact.name
    text = f"{name} <{address}>" if name else address
    if copies:
        text = _("%(name)s, copies: %(copies)s") % {"name": text, "copies": ", ".join(copies)}
    return text


def answer_address(ticket: Ticket, messages: list[Said]) -> str:
    """Where the client wrote from last, as far as his messages are shown."""
    assert ticket.contact is not None
    received = [one for one in messages if one.direction == Direction.IN and not one.robot]
    if received and received[-1].contact_id == ticket.contact_id:
        wanted = deliver.foreign(received[-1].answer_to, deliver.own_addresses())
        if wanted:
            return wanted[0].email
    return ticket.contact.address


def address_choices(ticket: Ticket, messages: list[Said]) -> list[str]:
    """The other addresses of the client an answer may go to; empty when there is no choice."""
    if ticket.contact is None or not ticket.contact.other_addresses:
        return []
    usual = answer_address(ticket, messages)
    known = [ticket.contact.address, *ticket.contact.other_addresses]
    return [one for one in known if one != usual]


def why_no_reply(ticket: Ticket, may: dict[str, bool]) -> str:
    """Why this agent cannot answer here; '' when he can."""
    if not may["reply"]:
        return _("You may read this queue, not answer in it.")
    if ticket.contact is None:
        return _("There is no client to answer to.")
    if ticket.status == Status.CLOSED:
        return _("The ticket is closed: an answer of the client opens a follow-up.")
    return ""


def warning(ticket: Ticket) -> str:
    """What one should know before writing to this client; '' when nothing."""
    contact = ticket.contact
    if contact is None or contact.returned < RETURNS:
        return ""
    return ngettext(
        "Mail to %(address)s came back %(times)d time: the address may be wrong.",
        "Mail to %(address)s came back %(times)d times: the address may be wrong.",
        contact.returned,
    ) % {"address": contact.address, "times": contact.returned}
