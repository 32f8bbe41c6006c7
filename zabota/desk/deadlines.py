"""Due times in words: which mark a time gets, and why the client was told this time."""

from __future__ import annotations

from datetime import datetime

from babel.numbers import format_decimal
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from zabota.lib import clock, times
from zabota.sla.expecting import FEWEST, Inputs


def tone(due_at: datetime | None, burns_at: datetime | None, now: datetime | None = None) -> str:
    """late: the time is over; warn: it burns; plain; '' when nothing is due."""
    if due_at is None:
        return ""
    now = now or clock.now()
    if due_at <= now:
        return "late"
    return "warn" if burns_at is not None and burns_at <= now else "plain"


def brief(due_at: datetime | None, tone: str, present: times.Present) -> str:
    """When it is or was due, as short as a line of a list has room for; '' when nothing is."""
    if due_at is None:
        return ""
    return present.brief(due_at) if tone == "late" else present.when(due_at)


def why(inputs: Inputs) -> str:
    """From what the time told to the client was reckoned."""
    target = _("The queue's target is %(span)s of working time.") % {"span": span(inputs.target)}
    if not inputs.cases:
        text = _("There was no first answer like it in 28 days, so the target counts.")
        return f"{target} {text}"
    if inputs.cases < FEWEST:
        text = ngettext(
            "Only %(num)d first answer like it in 28 days: below %(fewest)d the target counts.",
            "Only %(num)d first answers like it in 28 days: below %(fewest)d the target counts.",
            inputs.cases,
        )
        return f"{target} {text % {'num': inputs.cases, 'fewest': FEWEST}}"
    needed = _("Of %(cases)d first answers in 28 days, 80%% took at most %(span)s.")
    parts = [target, needed % {"cases": inputs.cases, "span": span(inputs.needed)}]
    load = _(
        "%(waiting)d wait before it for %(agents)d on duty; usual are %(usual)s for %(people)s, so "
        "it takes %(stretch)s times as long: %(span)s."
    )
    values = {
        "waiting": inputs.waiting,
        "agents": max(inputs.agents, 1),
        "usual": _number(inputs.usual_waiting),
        "people": _number(inputs.usual_agents),
        "stretch": _number(inputs.stretch),
        "span": span(inputs.needed * inputs.stretch),
    }
    parts.append(load % values)
    parts.append(_("The longer of both was told: %(span)s.") % {"span": span(inputs.minutes)})
    return " ".join(parts)


def span(minutes: float) -> str:
    """`4 h`, `1 h 35 min`, `20 min`."""
    hours, rest = divmod(round(minutes), 60)
    parts = []
    if hours:
        parts.append(_("%(n)d h") % {"n": hours})
    if rest or not hours:
        parts.append(_("%(n)d min") % {"n": rest})
    return " ".join(parts)


def _number(value: float) -> str:
    return format_decimal(value, "0.#", locale=get_language() or "ru")
