from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from zabota.channels.models import RawMessage
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock
from zabota.lib.html import text_to_html
from zabota.lib.text import clean, shorten
from zabota.staff.models import Agent
from zabota.tickets import readmarks
from zabota.tickets.actions.answer import Upload, attach, posted
from zabota.tickets.events import CallLogged, NoteAdded
from zabota.tickets.locking import NotPossible, changing
from zabota.tickets.models import Direction, Message, Ticket


def add_note(
    ticket: Ticket,
    body: str,
    *,
    agent: Agent,
    by: Actor,
    files: Sequence[Upload] = (),
    raw: RawMessage | None = None,
    content_key: str | None = None,
    message_id: str = "",
    ends_draft: bool = False,
) -> Message:
    """An internal note, never sent; raises NotPossible for an empty one.

    `raw` is the mail it came by (an agent answered a notification). The same `content_key` adds
    one note only. `ends_draft`: it was his draft.
    """
    body = clean(body).strip()
    if not body:
        raise NotPossible(_("The note is empty."))
    with changing(ticket) as row:
        if before := posted(row, content_key):
            return before
        message = Message.objects.create(
            ticket=row,
            direction=Direction.NOTE,
            agent=agent,
            signed=agent.full_name,
            text=body,
            html=text_to_html(body),
            raw=raw,
            content_key=content_key,
            message_id=message_id,
        )
        attach(message, files)
        row.news_at = message.at
        readmarks.wrote(row.pk, agent.pk, message.at, "note" if ends_draft else "")
        record(NoteAdded(ticket=row.pk, message=message.pk), stream=row.stream, by=by)
    return message


def log_call(
    ticket: Ticket,
    summary: str,
    *,
    agent: Agent,
    by: Actor,
    topic: str = "",
    advice: str = "",
    came_in: bool = True,
    minutes: int = 0,
    at: datetime | None = None,
    key: str | None = None,
) -> Message:
    """A call with its topic, summary and advice; raises NotPossible without a summary.

    `minutes` is its length; `at` when it was held (aware), now by default. The same `key` logs one
    call only.
    """
    summary = clean(summary).strip()
    if not summary:
        raise NotPossible(_("Write what the call was about: a call needs a summary."))
    if not 0 <= minutes <= 24 * 60:
        raise NotPossible(_("The length of the call must be between 0 and 1440 minutes."))
    with changing(ticket) as row:
        if before := posted(row, key):
            return before
        message = Message.objects.create(
            ticket=row,
            direction=Direction.CALL,
            content_key=key,
            agent=agent,
            signed=agent.full_name,
            contact=row.contact,
            at=at or clock.now(),
            text=summary,
            html=text_to_html(summary),
            call={
                "topic": clean(topic).strip()[:200],
                "advice": clean(advice).strip()[:5000],
                "came_in": came_in,
                "minutes": minutes,
            },
        )
        row.last_message_at = row.news_at = clock.now()
        readmarks.wrote(row.pk, agent.pk, row.news_at)
        row.snippet = shorten(summary, 160)
        record(CallLogged(ticket=row.pk, message=message.pk), stream=row.stream, by=by)
    return message
