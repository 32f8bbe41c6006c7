"""The panel about the client: who he is, where he is, what he asked before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel import Locale
from babel.dates import format_datetime
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from zabota.customers.actions.domains import PUBLIC_DOMAINS
from zabota.customers.models import Contact, Identity
from zabota.desk import timeline, zones
from zabota.events import log
from zabota.lib import clock
from zabota.lib.zones import zone
from zabota.staff import policy
from zabota.staff.models import Agent, Language
from zabota.tickets import queries
from zabota.tickets.models import Participant, Rating, Status, Ticket, TrackingLink

PAST = 5


@dataclass(frozen=True)
class Past:
    """One ticket of the list of earlier ones."""

    number: int
    subject: str
    status: str
    status_label: str
    at: datetime


def content(agent: Agent, ticket: Ticket, view: str) -> dict[str, Any]:
    """The values of `desk/context.html`."""
    contact = ticket.contact
    mails = contact.identities.filter(kind="mail") if contact else Identity.objects.none()
    identities = list(mails.order_by("-is_preferred", "id"))
    addresses = [one.value for one in identities]
    events = log.of_stream(ticket.stream, timeline.SHOWN).answer()
    names = timeline.Names.of(policy.company(agent))
    may = queries.may(agent, ticket)
    return {
        "ticket": ticket,
        "view": view,
        "contact": contact,
        "account": contact.account if contact else None,
        "identities": identities,
        "may_write": may["reply"],
        "facts": facts(ticket, contact) if contact else [],
        "domain": company_domain(ticket, addresses) if may["manage"] else "",
        "past": past(agent, ticket) if contact else [],
        "related": related(agent, ticket),
        "participants": list(Participant.objects.filter(ticket=ticket).order_by("id")[:50]),
        "links": list(
            TrackingLink.objects.filter(ticket=ticket, revoked_at=None).order_by("id")[:50]
        ),
        "may_revoke": may["reply"],
        "ratings": list(
            Rating.objects.filter(Q(ticket=ticket) | Q(recovery=ticket)).order_by("id")[:20]
        ),
        "may_end": may["close"],
        "may_manage": may["manage"],
        "history": [timeline.line(row, names) for row in reversed(events)],
    }


def facts(ticket: Ticket, contact: Contact) -> list[tuple[str, str]]:
    """Language, local time and since when we know him."""
    language = contact.language or (contact.account.language if contact.account else "")
    found = []
    if language in Language.values:
        found.append((_("Language"), str(Language(language).label)))
    found.append((_("Local time"), local_time(ticket, contact)))
    found.append((_("Known since"), _day(contact.created_at)))
    return found


def local_time(ticket: Ticket, contact: Contact) -> str:
    """The time where the client is; a guess says so."""
    account = contact.account
    sources = [
        (contact.time_zone, _("guessed") if contact.time_zone_guessed else ""),
        (account.time_zone if account else "", _("of the company")),
        (ticket.inbox.time_zone if ticket.inbox else "", _("guessed by the mailbox")),
    ]
    name, mark = next((source for source in sources if source[0]), ("UTC", _("unknown")))
    known = zone(name)
    if known is None:
        return _("unknown")
    there = clock.now().astimezone(known)
    text = f"{there:%H:%M}, {zones.city(name)}"
    return f"{text} ({mark})" if mark else text


def company_domain(ticket: Ticket, addresses: list[str]) -> str:
    """The mail domain that may stand for a company nobody has confirmed yet; '' else."""
    if ticket.contact is None or ticket.contact.account_id is not None:
        return ""
    domains = [address.rpartition("@")[2] for address in addresses if "@" in address]
    return next((domain for domain in domains if domain not in PUBLIC_DOMAINS), "")


def past(agent: Agent, ticket: Ticket) -> list[Past]:
    """The last tickets of the contact that the agent may see."""
    rows = Ticket.objects.visible_to(agent).filter(contact=ticket.contact).exclude(pk=ticket.pk)
    return _past(rows.order_by("-created_at")[:PAST])


def related(agent: Agent, ticket: Ticket) -> list[tuple[str, Past]]:
    """Follow-ups and tickets that may belong together, as far as the agent may see them."""
    rows = Ticket.objects.visible_to(agent).filter(
        Q(pk__in=[pk for pk in (ticket.maybe_related_id, ticket.follow_up_of_id) if pk])
        | Q(follow_up_of=ticket)
        | Q(maybe_related=ticket)
    )
    found = []
    for row in rows.order_by("-id")[:10]:
        if row.pk == ticket.follow_up_of_id:
            how = _("follows")
        elif row.follow_up_of_id == ticket.pk:
            how = _("followed by")
        else:
            how = _("maybe related")
        found.append((how, _past([row])[0]))
    return found


def _past(rows: Any) -> list[Past]:
    return [
        Past(
            row.pk,
            row.subject or _("(no subject)"),
            row.status,
            str(Status(row.status).label).capitalize(),
            row.created_at,
        )
        for row in rows
    ]


def _day(moment: datetime) -> str:
    language = translation.get_language() or "ru"
    return format_datetime(moment, "d MMM y", locale=Locale.parse(language, sep="-"))
