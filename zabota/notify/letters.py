"""The words of mail to agents, in the agent's language."""

from __future__ import annotations

from django.utils import translation
from django.utils.translation import gettext as _

from zabota.lib.text import one_line
from zabota.staff.models import Agent
from zabota.tickets import links
from zabota.tickets.models import Message, Ticket

LONGEST_QUOTE = 1500


def new_message(agent: Agent, ticket: Ticket, message: Message) -> tuple[str, str]:
    """Subject and text: the client wrote in a ticket the agent leads."""
    with translation.override(agent.language):
        subject = _("#%(number)d: the client wrote: %(subject)s") % _names(ticket)
        quote = message.text[:LONGEST_QUOTE]
        return subject, "\n\n".join([quote, _footer(ticket)])


def given(agent: Agent, ticket: Ticket) -> tuple[str, str]:
    """Subject and text: the agent now leads the ticket."""
    with translation.override(agent.language):
        subject = _("#%(number)d is yours now: %(subject)s") % _names(ticket)
        return subject, "\n\n".join([ticket.snippet, _footer(ticket)])


def _names(ticket: Ticket) -> dict[str, object]:
    return {"number": ticket.pk, "subject": one_line(ticket.subject)}


def _footer(ticket: Ticket) -> str:
    return "\n".join(
        [
            links.ticket_url(ticket.pk),
            _("Reply to this email to add an internal note; the client will not see it."),
        ]
    )
