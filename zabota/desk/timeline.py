"""Facts of a ticket as lines to read: who did what, in the viewer's language, without grammar of
gender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from zabota.automation.events import LossTold, SignalFound
from zabota.desk.cards import EventLine
from zabota.events.facts import Fact, UnknownFact
from zabota.events.models import Event
from zabota.lib.times import length
from zabota.sla import events as clocks
from zabota.staff.models import Agent, Queue, Topic
from zabota.staff.structure import Structure
from zabota.tickets import events
from zabota.tickets.models import CloseReason, Purpose, Status, TicketType, Urgency


@dataclass(frozen=True)
class Names:
    """The names that lines need, by id."""

    agents: Mapping[int, Agent] = field(default_factory=dict)
    queues: Mapping[int, Queue] = field(default_factory=dict)
    topics: Mapping[int, Topic] = field(default_factory=dict)

    @classmethod
    def of(cls, now: Structure) -> Names:
        """The names of this company."""
        return cls(now.agents, now.queues, now.topics)

    def agent(self, pk: int | None) -> str:
        """Full name; "nobody" for None."""
        if pk is None:
            return _("nobody")
        return self.agents[pk].full_name if pk in self.agents else _("agent %(n)d") % {"n": pk}

    def queue(self, pk: int) -> str:
        """Name of the queue."""
        return str(self.queues.get(pk) or _("queue %(n)d") % {"n": pk})

    def topic(self, pk: int | None) -> str:
        """Name of the topic; "no topic" for None."""
        if pk is None:
            return _("no topic")
        return str(self.topics.get(pk) or _("topic %(n)d") % {"n": pk})

    def actor(self, actor: str) -> str:
        """Who acted, as `Event.actor` names him."""
        kind, _colon, name = actor.partition(":")
        if kind == "agent" and name.isdigit():
            return self.agent(int(name))
        if kind == "contact":
            return _("the client")
        return _("Zabota")


# Facts of a ticket that its history shows at once.
SHOWN = 500

# Written in the conversation as messages of their own, or as the state of one.
SAID_ELSEWHERE = frozenset(
    fact.kind
    for fact in (
        events.TicketMade,
        events.MessageReceived,
        events.Replied,
        events.NoteAdded,
        events.CallLogged,
        events.DeliveryChanged,
        events.Triaged,
        events.ClosingDue,
        events.DueChanged,
        clocks.PromiseMade,
    )
)


def line(row: Event, names: Names) -> EventLine:
    """One event as a line; a kind that this version does not know says its technical name."""
    try:
        fact = row.fact
    except UnknownFact:
        return EventLine(row.kind, row.at)
    icon, words = WORDS[type(fact)]
    text = _("%(who)s: %(what)s") % {"who": names.actor(row.actor), "what": words(fact, names)}
    return EventLine(text, row.at, icon)


def why_quiet(reason: str) -> str:
    """Why a message was not acknowledged, in words; '' for ''."""
    return {
        "": "",
        "silent": _("it was taken in silently (imported, late or restored)"),
        "robot": _("a robot wrote it"),
        "declined": _("the client wants no receipts"),
        "told": _("the client was answered already"),
        "own_address": _("there is no address to answer, or it is our own"),
        "unwanted": _("the program that brought it wanted none"),
        "flood": _("this address got enough automatic answers in a short time"),
    }.get(reason, reason)


def close_reason(reason: str) -> str:
    """The reason of a silent close in words."""
    return str(CloseReason(reason).label) if reason in CloseReason.values else reason


def _status(value: str) -> str:
    return str(Status(value).label) if value in Status.values else value


def _urgency(value: int) -> str:
    return str(Urgency(value).label) if value in Urgency.values else str(value)


def _type(value: str) -> str:
    return str(TicketType(value).label) if value in TicketType.values else value


def _change(what: str, was: str, now: str) -> str:
    return _("%(what)s: %(was)s → %(now)s") % {"what": what, "was": was, "now": now}


def _made(fact: events.TicketMade, names: Names) -> str:
    return _("new ticket in the queue “%(queue)s”") % {"queue": names.queue(fact.queue)}


def _received(fact: events.MessageReceived, names: Names) -> str:
    if fact.silent:
        return _("mail from the client taken in silently")
    return _("mail from the client")


def _replied(fact: events.Replied, names: Names) -> str:
    if fact.purpose == Purpose.ACKNOWLEDGEMENT:
        return _("acknowledgement to the client")
    if fact.purpose == Purpose.SOLVED:
        return _("solved notice to the client")
    return (
        _("answer to the client, with the solution") if fact.solves else _("answer to the client")
    )


def _owner(fact: events.OwnerChanged, names: Names) -> str:
    return _change(_("owner"), names.agent(fact.was), names.agent(fact.now))


def _queue(fact: events.QueueChanged, names: Names) -> str:
    text = _change(_("queue"), names.queue(fact.was), names.queue(fact.now))
    if fact.reason == "undo":
        return _("%(text)s (move taken back)") % {"text": text}
    return f"{text} ({fact.reason})" if fact.reason not in {"", "topic", "hand"} else text


def _tags(fact: events.TagsChanged, names: Names) -> str:
    marks = [f"+{tag}" for tag in fact.added] + [f"−{tag}" for tag in fact.removed]
    return _("tags: %(tags)s") % {"tags": " ".join(marks)}


def _solved(fact: events.Solved, names: Names) -> str:
    text = _("solved with the answer")
    if fact.told is None:
        text = _("solved; the client gets a notice")
    if fact.took is None:
        return text
    if fact.with_client < 60:
        return _("%(text)s, after %(took)s") % {"text": text, "took": length(fact.took)}
    return _("%(text)s, after %(took)s; without the client's wait %(ours)s") % {
        "text": text,
        "took": length(fact.took),
        "ours": length(fact.took - fact.with_client),
    }


def _closed(fact: events.Closed, names: Names) -> str:
    return _("closed: %(reason)s") % {"reason": close_reason(fact.reason)}


def _triaged(fact: events.Triaged, names: Names) -> str:
    if fact.acknowledged:
        return _("first treatment done, receipt sent")
    return _("first treatment done, no receipt: %(why)s") % {"why": why_quiet(fact.why_not)}


def _left(fact: events.QuarantineLeft, names: Names) -> str:
    ways = {
        "retried": _("out of quarantine: read at last"),
        "made_ticket": _("out of quarantine: made a ticket by hand"),
        "discarded": _("out of quarantine: discarded"),
    }
    text = ways.get(fact.how, fact.how)
    return f"{text} → #{fact.became}" if fact.became else text


def _delivery(fact: events.DeliveryChanged, names: Names) -> str:
    return _("delivery: %(state)s") % {"state": delivery_label(fact.state)}


_DELIVERIES = {
    "queued": gettext_noop("waiting to be sent"),
    "sending": gettext_noop("being sent"),
    "delayed": gettext_noop("delayed, will be tried again"),
    "away": gettext_noop("waiting for the mail server"),
    "paced": gettext_noop("waiting because of the sending limit"),
    "sent": gettext_noop("handed to the mail server"),
    "failed": gettext_noop("not sent"),
    "held": gettext_noop("the receiver's server still tries to deliver it"),
    "returned": gettext_noop("returned by the receiver's server"),
}


def delivery_label(state: str) -> str:
    """The state of an outgoing message in words."""
    words = _DELIVERIES.get(state)
    return _(words) if words else state


def signal_words(phrase: str) -> str:
    """Why a ticket became urgent by itself."""
    return _("signal words “%(phrase)s”: the client loses money now") % {"phrase": phrase}


def _reached(fact: clocks.ClockReached, names: Names) -> str:
    if fact.clock == "guard":
        if fact.percent >= 100:
            return _("24 hours without an answer of a person")
        return _("%(percent)d%% of the 24 hours are over") % {"percent": fact.percent}
    if fact.percent >= 100:
        return _("the time told to the client is over")
    return _("the time told to the client is nearly over")


def _said(text: Callable[[], str]) -> Callable[[Any, Names], str]:
    return lambda fact, names: text()


WORDS: dict[type[Fact], tuple[str, Callable[[Any, Names], str]]] = {
    events.TicketMade: ("plus", _made),
    events.MessageReceived: ("mail", _received),
    events.Replied: ("reply", _replied),
    events.NoteAdded: ("sticky-note", _said(lambda: _("internal note"))),
    events.CallLogged: ("phone", _said(lambda: _("logged call"))),
    events.OwnerChanged: ("user-check", _owner),
    events.QueueChanged: ("folder-input", _queue),
    events.StatusChanged: (
        "circle-dot",
        lambda fact, names: _change(_("status"), _status(fact.was), _status(fact.now)),
    ),
    events.UrgencyChanged: (
        "flag",
        lambda fact, names: _change(_("urgency"), _urgency(fact.was), _urgency(fact.now)),
    ),
    events.TopicChanged: (
        "hash",
        lambda fact, names: _change(_("topic"), names.topic(fact.was), names.topic(fact.now)),
    ),
    events.TypeChanged: (
        "list-filter",
        lambda fact, names: _change(_("type"), _type(fact.was), _type(fact.now)),
    ),
    events.TagsChanged: ("tag", _tags),
    events.SubjectChanged: ("pencil", _said(lambda: _("another subject"))),
    events.ReplyHeld: ("clock", _said(lambda: _("an answer waits to leave"))),
    events.ReplyTakenBack: ("undo-2", _said(lambda: _("the answer was taken back"))),
    events.HoldOver: ("clock", _said(lambda: _("the answer leaves"))),
    events.ReplyReturned: (
        "undo-2",
        _said(lambda: _("an answer could not be sent and went back to its author")),
    ),
    events.Solved: ("circle-check", _solved),
    events.Reopened: ("undo-2", _said(lambda: _("open again"))),
    events.ClosingDue: ("clock", _said(lambda: _("seven days after the solution"))),
    events.Closed: ("archive", _closed),
    events.Triaged: ("check-check", _triaged),
    SignalFound: ("zap", lambda fact, names: signal_words(fact.phrase)),
    events.DueChanged: ("timer", _said(lambda: _("another time due"))),
    clocks.PromiseMade: ("timer", _said(lambda: _("the client was told when to expect an answer"))),
    clocks.ClockReached: ("flame", _reached),
    events.Quarantined: ("shield-alert", _said(lambda: _("unreadable mail put into quarantine"))),
    events.QuarantineLeft: ("shield-alert", _left),
    events.DeliveryChanged: ("send", _delivery),
    events.FloodBegan: (
        "circle-alert",
        _said(lambda: _("very many mails of one sender: the next ones join this ticket")),
    ),
    # Without the other's number: who reads this need not be allowed to know of it.
    events.MaybeRelated: (
        "link",
        _said(lambda: _("may belong to another ticket: the mail it answers came later")),
    ),
    events.SolutionConfirmed: (
        "circle-check",
        _said(lambda: _("the client says that it is solved")),
    ),
    LossTold: ("zap", _said(lambda: _("the client says in the form that he loses money now"))),
    events.ConsentGiven: (
        "file-text",
        lambda fact, names: (
            _("agreed to the text of the form, version %(n)d") % {"n": fact.version}
        ),
    ),
    events.Rated: ("flag", lambda fact, names: _("mark: %(mark)d of 5") % {"mark": fact.mark}),
    events.RecoveryOpened: (
        "life-buoy",
        _said(lambda: _("the low mark has opened a recovery of its own")),
    ),
    events.RecoveryEnded: (
        "life-buoy",
        lambda fact, names: (
            _("the client is saved") if fact.outcome == "saved" else _("the client is lost")
        ),
    ),
    events.LinkRevoked: ("ban", _said(lambda: _("the client's link was revoked"))),
    events.AlsoArrived: ("mail", _said(lambda: _("the same mail came once more; not shown twice"))),
}
