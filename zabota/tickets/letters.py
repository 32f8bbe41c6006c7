"""The words of all mail to clients, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from html import escape
from typing import Any

from babel.dates import get_day_names, get_month_names
from django.utils import translation
from django.utils.translation import gettext as _

from zabota.lib.html import text_to_html
from zabota.lib.text import one_line
from zabota.staff.models import Agent
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import BEST, Message, Purpose, Ticket


def signature(agent: Agent) -> str:
    """First name and surname, never left out; raises NotPossible when one is missing."""
    if not (agent.first_name.strip() and agent.surname.strip()):
        raise NotPossible(
            _("Fill in your first name and surname: every answer is signed with both.")
        )
    return agent.full_name


def signature_of(ticket: Ticket) -> str:
    """Who signs an automatic message: the owner's full name, else the queue's name."""
    if ticket.owner is not None:
        return signature(ticket.owner)
    return ticket.queue.name_in(ticket.language)


def subject(ticket: Ticket) -> str:
    """`Re: … [#123]`, without piling up either."""
    text = ticket.subject.strip() or "…"
    if not text.lower().startswith("re:"):
        text = f"Re: {text}"
    return f"{text} [#{ticket.pk}]"


def solved_line(language: str) -> str:
    """What a reply sent with "solve" adds below its text."""
    with translation.override(language):
        return _(
            "We consider this request solved. If something is still wrong, just reply to this "
            "email and the request will open again."
        )


def solved_notice(ticket: Ticket) -> str:
    """The notice for a ticket that was solved without an answer of its own."""
    with translation.override(ticket.language):
        return _(
            "Hello!\n\nYour request “%(subject)s” (#%(number)d) is solved. If something is still "
            "wrong, just reply to this email and the request will open again."
        ) % _named(ticket)


def acknowledgement(ticket: Ticket, due: datetime | None = None) -> str:
    """The receipt: number, when to expect an answer (in the zone of `due`), what happens next."""
    with translation.override(ticket.language):
        text = _(
            "Hello!\n\nWe have received your request “%(subject)s” (#%(number)d). One of us will "
            "read it and reply to you here. If you want to add something, just reply to this email."
        ) % _named(ticket)
        if due is None:
            return text
        expected = _("Expect our answer by: %(when)s.") % {"when": moment(due, ticket.language)}
        return f"{text}\n\n{expected}"


def moment(at: datetime, language: str) -> str:
    """Weekday, date and time with the offset of the moment's own zone, as a letter says them:
    `Tuesday, 1 December, 13:00 (UTC+3)`."""
    weekdays, months = _names(language)
    return f"{weekdays[at.weekday()]}, {at.day} {months[at.month]}, {at:%H:%M} ({offset(at)})"


@cache
def _names(language: str) -> tuple[Mapping[Any, str], Mapping[Any, str]]:
    """Weekdays and months as they stand in a date."""
    return get_day_names("wide", locale=language), get_month_names("wide", locale=language)


def offset(at: datetime) -> str:
    """`UTC+3`, `UTC+5:30` or `UTC-4`: what the clock of the moment's zone shows against UTC."""
    minutes = int((at.utcoffset() or timedelta(0)).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    tail = f":{rest:02d}" if rest else ""
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{tail}"


def tracking_line(url: str, language: str) -> str:
    """Where the client sees how his request stands."""
    with translation.override(language):
        return _("See how your request stands: %(link)s") % {"link": url}


def asks_for_mark(message: Message) -> bool:
    """The mails that tell of a solution ask how it was, unless he wants no marks."""
    contact = message.ticket.contact
    wanted = contact is None or contact.wants_marks
    return wanted and (message.solves or message.purpose == Purpose.SOLVED)


def mark_lines(link: str, language: str) -> str:
    """One link for each mark; opening one changes nothing, its page does."""
    with translation.override(language):
        lines = [_("How did we do? Press a mark:")]
        lines += [f"{mark}: {link}rate/{mark}/" for mark in range(BEST, 0, -1)]
        return "\n".join(lines)


def mark_html(link: str, language: str) -> str:
    """`mark_lines` as one row of figures."""
    with translation.override(language):
        question, name = escape(_("How did we do? Press a mark:")), _("%(mark)d of 5")
    row = " ".join(
        f'<a href="{escape(link)}rate/{mark}/" title="{escape(name % {"mark": mark})}">'
        f"&nbsp;{mark}&nbsp;</a>"
        for mark in range(1, BEST + 1)
    )
    return f"<p>{question} {row}</p>"


def full_html(message: Message, link: str = "") -> str:
    """`full_text` as HTML."""
    html = text_to_html(full_text(message, link, marks=False))
    if link and asks_for_mark(message):
        html += mark_html(link, message.ticket.language)
    return html


def full_text(message: Message, link: str = "", *, marks: bool = True) -> str:
    """The plain text of an outgoing message with solved line, the client's link and signature."""
    parts = [message.text]
    if message.solves:
        parts.append(solved_line(message.ticket.language))
    if link:
        parts.append(tracking_line(link, message.ticket.language))
    if link and marks and asks_for_mark(message):
        parts.append(mark_lines(link, message.ticket.language))
    parts.append(f"-- \n{message.signed}")
    return "\n\n".join(parts)


def _named(ticket: Ticket) -> dict[str, object]:
    return {"number": ticket.pk, "subject": one_line(ticket.subject) or _("(no subject)")}
