"""What programs may be told of, in words, and which of it a webhook hears."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zabota.automation.events import LossTold, SignalFound
from zabota.events.facts import Fact
from zabota.events.kept import Kept
from zabota.notify.models import Webhook
from zabota.sla.events import ClockReached, PromiseMade
from zabota.staff import policy, structure
from zabota.staff.models import Level, Role
from zabota.tickets import events as facts
from zabota.tickets.models import Ticket

Words = str | Promise


@dataclass(frozen=True)
class Heard:
    """A fact in words. Of its fields, `hidden` are not told; `queues` and `tickets` hold numbers
    that are told only where the webhook may hear of them."""

    fact: type[Fact]
    words: Words
    hidden: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the fact."""
        return self.fact.kind


# Nothing of a held answer is here (docs/adr/0011): it is no message until it is sent.
GROUPS: tuple[tuple[Words, tuple[Heard, ...]], ...] = (
    (_("Tickets"), (
        Heard(facts.TicketMade, _("a ticket is made"), queues=("queue",)),
        Heard(facts.StatusChanged, _("the status changes")),
        Heard(facts.Solved, _("a ticket is solved")),
        Heard(facts.Reopened, _("a ticket is reopened")),
        Heard(facts.Closed, _("a ticket is closed")),
    )),
    (_("Messages"), (
        Heard(facts.MessageReceived, _("a client writes"), hidden=("silent", "owner")),
        Heard(facts.Replied, _("a message to the client is written")),
        Heard(facts.DeliveryChanged, _("a message to the client is sent, delayed or returned")),
        Heard(facts.NoteAdded, _("a note is added")),
        Heard(facts.CallLogged, _("a call is logged")),
    )),
    (_("Properties"), (
        Heard(facts.OwnerChanged, _("the owner changes")),
        # Why a ticket left another queue is that queue's business.
        Heard(
            facts.QueueChanged, _("the queue changes"), hidden=("reason",), queues=("was", "now")
        ),
        Heard(facts.UrgencyChanged, _("the urgency changes")),
        Heard(facts.TopicChanged, _("the topic changes")),
        Heard(facts.TypeChanged, _("the type changes")),
        Heard(facts.TagsChanged, _("the tags change")),
        Heard(facts.SubjectChanged, _("the subject changes")),
    )),
    (_("Deadlines and alarms"), (
        Heard(PromiseMade, _("the client is told when to expect an answer")),
        Heard(ClockReached, _("a deadline comes near or is over")),
        Heard(SignalFound, _("signal words stand in a message")),
        Heard(LossTold, _("a client says that he loses money")),
    )),
    (_("What clients think"), (
        Heard(facts.SolutionConfirmed, _("the client confirms the solution")),
        Heard(facts.Rated, _("the client gives a mark")),
        Heard(facts.RecoveryOpened, _("a low mark opens a recovery"), tickets=("recovery",)),
        Heard(facts.RecoveryEnded, _("a recovery ends")),
    )),
)  # fmt: skip
KNOWN = {one.kind: one for _title, group in GROUPS for one in group}
FACTS = tuple(one.fact for one in KNOWN.values())
# A test that a person sends.
TEST = "test"


@dataclass(frozen=True)
class Listener:
    """A webhook as it stands in memory. `off_at`: it is switched off and misses what happens."""

    webhook: int
    agent: int
    kinds: frozenset[str]
    queues: frozenset[int]
    off_at: datetime | None


def listeners() -> list[Listener]:
    """Webhooks that are told, or miss something while they are off without a person's order."""
    return _KEPT.get()


def is_heard(fact: Fact) -> bool:
    """Whether any webhook wants such a fact. What is imported in silence is told to none."""
    if getattr(fact, "silent", False):
        return False
    return any(fact.kind in one.kinds for one in listeners())


def queues_of(one: Listener | Webhook) -> set[int]:
    """The queues of which it may hear now: those its agent sees, fewer where some are chosen."""
    now = structure.current()
    number = one.agent if isinstance(one, Listener) else one.agent_id
    agent = now.agents.get(number)
    if agent is None or agent.role != Role.INTEGRATION:
        return set()
    seen = {queue for queue, level in policy.levels_in(now, agent).items() if level >= Level.SEE}
    return seen & set(one.queues) if one.queues else seen


def told(fact: Fact, queues: Collection[int]) -> dict[str, Any]:
    """The fields of a fact for who may hear of these queues; the ticket stands beside them."""
    known = KNOWN[fact.kind]
    found = {
        name: value
        for name, value in fact.as_json().items()
        if name != "ticket" and name not in known.hidden
    }
    for name in known.queues:
        if found[name] not in queues:
            found[name] = None
    for name in known.tickets:
        if not Ticket.objects.filter(pk=found[name], queue__in=queues).exists():
            found[name] = None
    return found


def _read() -> list[Listener]:
    rows = Webhook.objects.filter(Q(is_active=True) | Q(off_reason__in=("gone", "week")))
    return [
        Listener(
            row.pk,
            row.agent_id,
            frozenset(row.kinds),
            frozenset(row.queues),
            None if row.is_active else row.off_at,
        )
        for row in rows.order_by("id")
    ]


_KEPT = Kept("webhooks", _read)
