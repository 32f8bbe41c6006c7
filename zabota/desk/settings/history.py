"""The change history of a settings page, read from the facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from zabota.calendars.events import CalendarGiven, DayChanged, HolidaysFilled
from zabota.calendars.models import Calendar
from zabota.channels.events import (
    ImportOrdered,
    MailboxConnected,
    MailboxDisconnected,
    PermissionLost,
)
from zabota.channels.models import Inbox, Permission
from zabota.customers.events import DomainConfirmed, DomainReleased
from zabota.customers.models import Account, AccountDomain
from zabota.events.models import Event
from zabota.notify import events as calls
from zabota.notify.models import OffReason, Webhook
from zabota.sla.events import TargetChanged
from zabota.staff import events
from zabota.staff.models import (
    Agent,
    Consent,
    Department,
    Level,
    Queue,
    RequestForm,
    Role,
    Token,
    Topic,
)

SHOWN = 20
MODELS: dict[str, type[Model]] = {
    "department": Department, "queue": Queue, "topic": Topic, "inbox": Inbox, "account": Account,
    "calendar": Calendar, "permission": Permission, "requestform": RequestForm, "consent": Consent,
    "webhook": Webhook,
}  # fmt: skip
KINDS = (
    events.SettingChanged, events.AgentInvited, events.AgentChanged, events.RightsChanged,
    events.SecondFactorReset, events.LinkMade, events.PasswordSet, events.SessionsEnded,
    ImportOrdered, DomainConfirmed, DomainReleased, DayChanged, CalendarGiven, HolidaysFilled,
    TargetChanged, events.TokenMade, events.TokenRevoked, calls.WebhookSwitched,
    calls.WebhookSecretChanged, calls.WebhookReplayed, calls.WebhookTested,
    MailboxConnected, MailboxDisconnected, PermissionLost,
)  # fmt: skip
PERMISSIONS: dict[type, str | Promise] = {
    MailboxConnected: gettext_lazy("Mailbox connected."),
    MailboxDisconnected: gettext_lazy("Mailbox disconnected."),
    PermissionLost: gettext_lazy("The provider ended the permission for the mailbox."),
}
# Fields that are no columns of their own.
FIELDS: dict[str, str | Promise] = {
    "imap_host": gettext_lazy("IMAP server"),
    "imap_port": gettext_lazy("IMAP port"),
    "imap_tls": gettext_lazy("IMAP encryption"),
    "imap_user": gettext_lazy("IMAP user"),
    "smtp_host": gettext_lazy("SMTP server"),
    "smtp_port": gettext_lazy("SMTP port"),
    "smtp_tls": gettext_lazy("SMTP encryption"),
    "smtp_user": gettext_lazy("SMTP user"),
    "auth": gettext_lazy("sign-in"),
    "client_secret": gettext_lazy("client secret"),
    "per_minute": gettext_lazy("mails a minute"),
    "per_hour": gettext_lazy("mails an hour"),
    "per_day": gettext_lazy("mails a day"),
    "sent_copy": gettext_lazy("copy of answers"),
    "password": gettext_lazy("password"),
    "folders": gettext_lazy("folders"),
    "consent": gettext_lazy("text of the consent"),
    "fields": gettext_lazy("fields of the request form"),
}


@dataclass(frozen=True)
class Line:
    """One change: when, who, and what in words."""

    at: datetime
    who: str
    text: str


def of(what: str, ids: Iterable[int | str]) -> list[Line]:
    """The latest changes of these objects (`what`: agent, queue, inbox …), newest first."""
    streams = [f"{what}:{pk}" for pk in ids]
    kinds = [kind.kind for kind in KINDS]
    rows = Event.objects.filter(stream__in=streams, kind__in=kinds).order_by("-id")[:SHOWN]
    return _worded(list(rows))


def _worded(rows: list[Event]) -> list[Line]:
    facts: list[Any] = [row.fact for row in rows]
    agents = {int(row.actor[6:]) for row in rows if row.actor.startswith("agent:")}
    agents |= {fact.agent for fact in facts if hasattr(fact, "agent")}
    people = {one.pk: one.full_name for one in Agent.objects.filter(pk__in=agents)}
    return [
        Line(row.at, _who(row.actor, people), _text(fact, people))
        for row, fact in zip(rows, facts, strict=True)
    ]


def _who(actor: str, people: dict[int, str]) -> str:
    kind, _colon, name = actor.partition(":")
    if kind == "agent":
        return people.get(int(name), _("an agent"))
    return _("command line") if name == "console" else _("Zabota")


def _text(fact: Any, people: dict[int, str]) -> str:
    if isinstance(fact, events.SettingChanged):
        return _setting(fact)
    if type(fact) in PERMISSIONS:
        return str(PERMISSIONS[type(fact)])
    if isinstance(fact, ImportOrdered):
        text = ngettext(
            "Import of the past ordered: %(num)d mail.",
            "Import of the past ordered: %(num)d mails.",
            fact.total,
        )
        return text % {"num": fact.total}
    if isinstance(fact, DomainConfirmed):
        row = AccountDomain.objects.filter(pk=fact.domain).first()
        return _("Mail domain confirmed: %(domain)s.") % {"domain": row or "?"}
    if isinstance(fact, DomainReleased):
        row = AccountDomain.objects.filter(pk=fact.domain).first()
        return _("Mail domain released: %(domain)s.") % {"domain": row or "?"}
    if isinstance(fact, TargetChanged):
        values = {"was": fact.was, "now": fact.now}
        return _("First answer within, working minutes: %(was)d → %(now)d") % values
    if isinstance(fact, events.TokenMade | events.TokenRevoked):
        return _of_token(fact, people)
    if isinstance(fact, DayChanged | CalendarGiven | HolidaysFilled):
        return _of_calendar(fact)
    if hasattr(fact, "webhook"):
        hook = Webhook.objects.filter(pk=fact.webhook).first()
        return f"{hook or '?'}: {_of_webhook(fact)}"
    return f"{people.get(fact.agent, '')}: {_of_agent(fact)}"


def _of_calendar(fact: DayChanged | CalendarGiven | HolidaysFilled) -> str:
    if isinstance(fact, HolidaysFilled):
        return _("Public holidays filled in until the end of %(year)d.") % {"year": fact.until}
    if isinstance(fact, CalendarGiven):
        row = Calendar.objects.filter(pk=fact.now or 0).first()
        return _("Working calendar: %(name)s") % {"name": row or _("by default")}
    states = {"": _("as the week"), "off": _("day off"), "working": _("worked")}
    values = {"day": fact.day, "was": states[fact.was], "now": states[fact.now]}
    return _("%(day)s: %(was)s → %(now)s") % values


def _of_webhook(fact: Any) -> str:
    if isinstance(fact, calls.WebhookTested):
        return _("tested, it works") if fact.is_good else _("tested, it does not work")
    if isinstance(fact, calls.WebhookReplayed):
        text = ngettext("%(num)d delivery sent again", "%(num)d deliveries sent again", fact.count)
        return text % {"num": fact.count}
    if isinstance(fact, calls.WebhookSecretChanged):
        text = ngettext(
            "new secret, the former one in force for %(num)d hour",
            "new secret, the former one in force for %(num)d hours",
            fact.hours,
        )
        return text % {"num": fact.hours} if fact.hours else _("new secret, the former one ended")
    if fact.is_on:
        return _("switched on")
    return str(OffReason(fact.reason).label)


def _of_token(fact: events.TokenMade | events.TokenRevoked, people: dict[int, str]) -> str:
    row = Token.objects.filter(pk=fact.token).first()
    values = {"name": row or "?", "agent": people.get(fact.agent, "")}
    if isinstance(fact, events.TokenRevoked):
        return _("Token revoked: %(name)s (%(agent)s)") % values
    return _("Token made: %(name)s (%(agent)s)") % values


def _of_agent(fact: Any) -> str:
    if isinstance(fact, events.AgentInvited):
        return _("account made, role: %(role)s") % {"role": Role(fact.role).label}
    if isinstance(fact, events.AgentChanged):
        return _("changed: %(fields)s") % {"fields": _names(Agent, fact.fields)}
    if isinstance(fact, events.RightsChanged):
        return _rights(fact)
    if isinstance(fact, events.SecondFactorReset):
        return _("second factor reset")
    if isinstance(fact, events.LinkMade):
        return _("one-time link given")
    if isinstance(fact, events.SessionsEnded):
        text = ngettext("%(num)d session ended", "%(num)d sessions ended", fact.sessions)
        return text % {"num": fact.sessions}
    return _("password chosen")


def _setting(fact: events.SettingChanged) -> str:
    model = MODELS.get(fact.what)
    row = model._default_manager.filter(pk=fact.object).first() if model else None
    name = str(getattr(row, "name", None) or row or f"№ {fact.object}")
    if fact.made:
        return _("Added: %(name)s") % {"name": name}
    fields = _names(model, fact.fields) if model else ", ".join(fact.fields)
    return _("%(name)s, changed: %(fields)s") % {"name": name, "fields": fields}


def _rights(fact: events.RightsChanged) -> str:
    queues = {str(queue.pk): str(queue) for queue in Queue.objects.all()}
    parts = []
    for pk in sorted({*fact.was, *fact.now}, key=int):
        was, now = fact.was.get(pk, 0), fact.now.get(pk, 0)
        if was != now:
            parts.append(f"{queues.get(pk, pk)}: {_level(was)} → {_level(now)}")
    return _("rights changed: %(rights)s") % {"rights": "; ".join(parts)}


def _level(level: int) -> str:
    return str(Level(level).label) if level else _("no access")


def _names(model: type[Model], fields: Iterable[str]) -> str:
    return ", ".join(_name(model, field) for field in fields)


def _name(model: type[Model], field: str) -> str:
    if field in FIELDS:
        return str(FIELDS[field])
    try:
        column = model._meta.get_field(field)
    except FieldDoesNotExist:
        return field
    return str(getattr(column, "verbose_name", field))
