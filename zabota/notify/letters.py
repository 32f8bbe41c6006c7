"""The words of mail to agents, in the agent's language."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zabota.channels.events import BalanceBroken
from zabota.channels.models import Inbox
from zabota.events.alarms import Alarm
from zabota.lib.text import one_line
from zabota.notify.events import WebhookSwitched
from zabota.notify.models import OffReason, Webhook
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


def flood(agent: Agent, ticket: Ticket) -> tuple[str, str]:
    """Subject and text: somebody sends more mails than a person would."""
    with translation.override(agent.language):
        names = _names(ticket) | {"sender": ticket.contact.address if ticket.contact else ""}
        subject = _("#%(number)d: very many mails of %(sender)s") % names
        text = _(
            "%(sender)s sent more than twenty mails within an hour. The next ones are kept in this "
            "ticket and not acknowledged, until the hour is over."
        )
        return subject, "\n\n".join([text % names, _footer(ticket)])


def guard(agent: Agent, ticket: Ticket, percent: int) -> tuple[str, str]:
    """Subject and text: so much of the 24 hours is over, and nobody has answered."""
    with translation.override(agent.language):
        names = _names(ticket) | {"percent": percent}
        if percent >= 100:
            subject = _("#%(number)d: 24 hours without an answer: %(subject)s") % names
        else:
            subject = _("#%(number)d: %(percent)d%% of 24 hours are over: %(subject)s") % names
        return subject, "\n\n".join([ticket.snippet, _footer(ticket)])


def unbalanced(agent: Agent, inbox: Inbox, fact: BalanceBroken) -> tuple[str, str]:
    """Subject and text: mail of a day is missing, late or lost."""
    with translation.override(agent.language):
        names = {"inbox": inbox.name, "day": fact.day}
        subject = _("%(inbox)s: the mail of %(day)s does not come out even") % names
        parts = []
        if fact.missing:
            text = ngettext(
                "%(count)d message lies on the server and could not be fetched.",
                "%(count)d messages lie on the server and could not be fetched.",
                fact.missing,
            )
            parts.append(text % {"count": fact.missing})
        if fact.late:
            text = ngettext(
                "%(count)d message is kept and has been waiting to become a ticket for more than "
                "15 minutes.",
                "%(count)d messages are kept and have been waiting to become tickets for more than "
                "15 minutes.",
                fact.late,
            )
            parts.append(text % {"count": fact.late})
        if fact.lost:
            text = ngettext(
                "%(count)d message counts as taken in, but stands in no ticket.",
                "%(count)d messages count as taken in, but stand in no ticket.",
                fact.lost,
            )
            parts.append(text % {"count": fact.lost})
        url = f"{settings.ZABOTA_URL}{reverse('desk:settings:inbox', args=[inbox.pk])}"
        return subject, "\n\n".join([*parts, url])


def webhook_off(agent: Agent, hook: Webhook, fact: WebhookSwitched) -> tuple[str, str]:
    """Subject and text: a program is told nothing any more."""
    with translation.override(agent.language):
        names = {"name": one_line(hook.name)}
        subject = _("The webhook “%(name)s” is switched off") % names
        if fact.reason == OffReason.GONE:
            text = _("The program answered that it is not to be called any more (status 410).")
        else:
            text = _("Every call failed for a week.")
        kept = ngettext(
            "%(count)d delivery waited and is set aside.",
            "%(count)d deliveries waited and are set aside.",
            fact.waiting,
        )
        advice = _(
            "What happens from now on is kept for two weeks. Mend the program or its address, test "
            "it and switch the webhook on: then all that was missed can be sent."
        )
        url = f"{settings.ZABOTA_URL}{reverse('desk:settings:webhook', args=[hook.pk])}"
        return subject, "\n\n".join([f"{text} {kept % {'count': fact.waiting}}", advice, url])


def alarm(agent: Agent, wrong: Sequence[Alarm]) -> tuple[str, str]:
    """Subject and text: the machine itself needs a person."""
    with translation.override(agent.language):
        subject = _("Zabota at %(address)s needs an administrator") % {
            "address": settings.ZABOTA_URL,
        }
        told = [one.words() for one in wrong]
        what = _("What is known is told by: zabota doctor")
        return subject, "\n\n".join([*told, what])


def _names(ticket: Ticket) -> dict[str, object]:
    return {"number": ticket.pk, "subject": one_line(ticket.subject)}


def _footer(ticket: Ticket) -> str:
    return "\n".join(
        [
            links.ticket_url(ticket.pk),
            _("Reply to this email to add an internal note; the client will not see it."),
        ]
    )
