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
from zabota.events.log import event_of
from zabota.events.models import Event
from zabota.lib.rows import ask_all
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
NEWEST = 2**62
# Written out: the planner takes a partial index only where it sees its condition.
_EVERYTHING = """
SELECT id, at, kind, stream, actor, cause, depth, facts FROM events_event
 WHERE (actor NOT LIKE 'system:%%' OR actor = 'system:console') AND stream NOT LIKE 'ticket:%%'
   AND kind = ANY(%s) AND id < %s ORDER BY id DESC LIMIT %s
"""
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


def everything(before: int = NEWEST, size: int = 50) -> tuple[list[Line], int]:
    """The latest changes of all settings, newest first, and the cursor of the next page (0: none).

    Reads the partial index `settings_log` of the log.
    """
    kinds = [kind.kind for kind in KINDS]
    rows = [event_of(row) for row in ask_all(_EVERYTHING, [kinds, before, size + 1])]
    older = rows[size - 1].pk if len(rows) > size else 0
    return _worded(rows[:size]), older


def _worded(rows: list[Event]) -> list[Line]:
    facts: list[Any] = [row.fact for row in rows]
    agents = {int(row.actor[6:]) for row in rows if row.actor.startswith("agent:")}
    agents |= {fact.agent for fact in facts if hasattr(fact, "agent")}
    people = {one.pk: one.full_name for one in Agent.objects.filter(pk__in=agents)}
    known = Known()
    known.fill(fact for fact in facts if isinstance(fact, events.SettingChanged))
    return [
        Line(row.at, _who(row.actor, people), _text(fact, people, known))
        for row, fact in zip(rows, facts, strict=True)
    ]


class Known:
    """Rows that are named in changes, each kind read once."""

    def __init__(self) -> None:
        self._rows: dict[type[Model], dict[int, Any]] = {}

    def fill(self, facts: Iterable[events.SettingChanged]) -> None:
        """Read all rows that these facts name."""
        wanted: dict[type[Model], set[int]] = {}
        for fact in facts:
            if model := MODELS.get(fact.what):
                wanted.setdefault(model, set()).add(fact.object)
                for name in fact.now:
                    if (other := _other(model, name)) is not None:
                        ids = (fact.was.get(name), fact.now.get(name))
                        wanted.setdefault(other, set()).update(pk for pk in ids if pk is not None)
        for model, pks in wanted.items():
            self._rows[model] = model._default_manager.in_bulk(pks)

    def get(self, model: type[Model], pk: Any) -> Any:
        """The row, None when it is not there any more; asked once."""
        rows = self._rows.setdefault(model, {})
        if pk not in rows:
            rows[pk] = model._default_manager.filter(pk=pk).first()
        return rows[pk]


def _other(model: type[Model], name: str) -> type[Model] | None:
    """The model to which a field of this name points."""
    try:
        column = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    found = getattr(column, "related_model", None)
    return found if isinstance(found, type) else None


def _who(actor: str, people: dict[int, str]) -> str:
    kind, _colon, name = actor.partition(":")
    if kind == "agent":
        return people.get(int(name), _("an agent"))
    return _("command line") if name == "console" else _("Zabota")


def _text(fact: Any, people: dict[int, str], known: Known) -> str:
    if isinstance(fact, events.SettingChanged):
        return _setting(fact, known)
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
        row = known.get(AccountDomain, fact.domain)
        return _("Mail domain confirmed: %(domain)s.") % {"domain": row or "?"}
    if isinstance(fact, DomainReleased):
        row = known.get(AccountDomain, fact.domain)
        return _("Mail domain released: %(domain)s.") % {"domain": row or "?"}
    if isinstance(fact, TargetChanged):
        values = {"was": fact.was, "now": fact.now}
        return _("First answer within, working minutes: %(was)d → %(now)d") % values
    if isinstance(fact, events.TokenMade | events.TokenRevoked):
        return _of_token(fact, people, known)
    if isinstance(fact, DayChanged | CalendarGiven | HolidaysFilled):
        return _of_calendar(fact, known)
    if hasattr(fact, "webhook"):
        return f"{known.get(Webhook, fact.webhook) or '?'}: {_of_webhook(fact)}"
    return f"{people.get(fact.agent, '')}: {_of_agent(fact, known)}"


def _of_calendar(fact: DayChanged | CalendarGiven | HolidaysFilled, known: Known) -> str:
    if isinstance(fact, HolidaysFilled):
        return _("Public holidays filled in until the end of %(year)d.") % {"year": fact.until}
    if isinstance(fact, CalendarGiven):
        row = known.get(Calendar, fact.now or 0)
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


def _of_token(
    fact: events.TokenMade | events.TokenRevoked, people: dict[int, str], known: Known
) -> str:
    row = known.get(Token, fact.token)
    values = {"name": row or "?", "agent": people.get(fact.agent, "")}
    if isinstance(fact, events.TokenRevoked):
        return _("Token revoked: %(name)s (%(agent)s)") % values
    return _("Token made: %(name)s (%(agent)s)") % values


def _of_agent(fact: Any, known: Known) -> str:
    if isinstance(fact, events.AgentInvited):
        return _("account made, role: %(role)s") % {"role": Role(fact.role).label}
    if isinstance(fact, events.AgentChanged):
        return _("changed: %(fields)s") % {"fields": _names(Agent, fact.fields)}
    if isinstance(fact, events.RightsChanged):
        return _rights(fact, known)
    if isinstance(fact, events.SecondFactorReset):
        return _("second factor reset")
    if isinstance(fact, events.LinkMade):
        return _("one-time link given")
    if isinstance(fact, events.SessionsEnded):
        text = ngettext("%(num)d session ended", "%(num)d sessions ended", fact.sessions)
        return text % {"num": fact.sessions}
    return _("password chosen")


def _setting(fact: events.SettingChanged, known: Known) -> str:
    model = MODELS.get(fact.what)
    row = known.get(model, fact.object) if model else None
    name = str(getattr(row, "name", None) or row or f"№ {fact.object}")
    if fact.made:
        return _("Added: %(name)s") % {"name": name}
    if model is None:
        return _("%(name)s, changed: %(fields)s") % {"name": name, "fields": ", ".join(fact.fields)}
    parts = []
    for field in fact.fields:
        said = _name(model, field)
        if field in fact.was and field in fact.now:
            was, now = (_value(model, field, v[field], known) for v in (fact.was, fact.now))
            said += f" ({was} → {now})"
        parts.append(said)
    return _("%(name)s, changed: %(fields)s") % {"name": name, "fields": ", ".join(parts)}


def _value(model: type[Model], field: str, value: Any, known: Known) -> str:
    """A stored value as the settings pages would show it."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if (other := _other(model, field)) is not None:
        row = known.get(other, value)
        return str(row) if row else f"№ {value}"
    try:
        choices = dict(getattr(model._meta.get_field(field), "flatchoices", ()))
    except FieldDoesNotExist:
        choices = {}
    return str(choices.get(value, value))


def _rights(fact: events.RightsChanged, known: Known) -> str:
    parts = []
    for pk in sorted({*fact.was, *fact.now}, key=int):
        was, now = fact.was.get(pk, 0), fact.now.get(pk, 0)
        if was != now:
            queue = known.get(Queue, int(pk)) or pk
            parts.append(f"{queue}: {_level(was)} → {_level(now)}")
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
