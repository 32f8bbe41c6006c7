"""Facts about tickets; all stand in the stream `ticket:<id>`."""

from __future__ import annotations

from dataclasses import dataclass

from zabota.events.facts import Fact


@dataclass(frozen=True)
class TicketMade(Fact, kind="tickets.made"):
    ticket: int
    queue: int
    how: str


@dataclass(frozen=True)
class MessageReceived(Fact, kind="tickets.message_received"):
    """`silent`: without acknowledgement, notices and clocks; `owner`: the ticket's just then."""

    ticket: int
    message: int
    silent: bool
    owner: int | None = None


@dataclass(frozen=True)
class Replied(Fact, kind="tickets.replied"):
    ticket: int
    message: int
    solves: bool
    purpose: str


@dataclass(frozen=True)
class NoteAdded(Fact, kind="tickets.note_added"):
    ticket: int
    message: int


@dataclass(frozen=True)
class CallLogged(Fact, kind="tickets.call_logged"):
    ticket: int
    message: int


@dataclass(frozen=True)
class OwnerChanged(Fact, kind="tickets.owner_changed"):
    ticket: int
    was: int | None
    now: int | None


@dataclass(frozen=True)
class QueueChanged(Fact, kind="tickets.queue_changed"):
    ticket: int
    was: int
    now: int
    reason: str


@dataclass(frozen=True)
class StatusChanged(Fact, kind="tickets.status_changed"):
    ticket: int
    was: str
    now: str


@dataclass(frozen=True)
class UrgencyChanged(Fact, kind="tickets.urgency_changed"):
    ticket: int
    was: int
    now: int


@dataclass(frozen=True)
class TopicChanged(Fact, kind="tickets.topic_changed"):
    ticket: int
    was: int | None
    now: int | None


@dataclass(frozen=True)
class TypeChanged(Fact, kind="tickets.type_changed"):
    ticket: int
    was: str
    now: str


@dataclass(frozen=True)
class TagsChanged(Fact, kind="tickets.tags_changed"):
    ticket: int
    added: list[str]
    removed: list[str]


@dataclass(frozen=True)
class SubjectChanged(Fact, kind="tickets.subject_changed"):
    ticket: int


@dataclass(frozen=True)
class Solved(Fact, kind="tickets.solved"):
    """`told` is the message that told the client, None when a notice must still go; `took` seconds
    from the ticket's beginning (None: older records do not say), `with_client` those of them when
    the client had the word."""

    ticket: int
    was: str
    told: int | None
    took: int | None = None
    with_client: int = 0


@dataclass(frozen=True)
class Reopened(Fact, kind="tickets.reopened"):
    ticket: int
    was: str
    message: int | None


@dataclass(frozen=True)
class ClosingDue(Fact, kind="tickets.closing_due"):
    """`version`: the status version that was solved; a later one is another solution."""

    ticket: int
    version: int


@dataclass(frozen=True)
class Closed(Fact, kind="tickets.closed"):
    ticket: int
    was: str
    reason: str


@dataclass(frozen=True)
class Triaged(Fact, kind="tickets.triaged"):
    ticket: int
    message: int
    acknowledged: bool
    why_not: str


@dataclass(frozen=True)
class DueChanged(Fact, kind="tickets.due_changed"):
    """The clocks say when an answer is due at the latest, and since when the ticket burns."""

    ticket: int
    due_at: str
    burns_at: str


@dataclass(frozen=True)
class Quarantined(Fact, kind="tickets.quarantined"):
    ticket: int
    raw: int


@dataclass(frozen=True)
class QuarantineLeft(Fact, kind="tickets.quarantine_left"):
    """`how`: retried, made_ticket or discarded; `became`: the ticket with the message now."""

    ticket: int
    how: str
    became: int | None


@dataclass(frozen=True)
class DeliveryChanged(Fact, kind="tickets.delivery_changed"):
    ticket: int
    message: int
    state: str


@dataclass(frozen=True)
class AlsoArrived(Fact, kind="tickets.also_arrived"):
    """The same mail came a second time, for instance through another inbox."""

    ticket: int
    message: int
    raw: int


@dataclass(frozen=True)
class FloodBegan(Fact, kind="tickets.flood_began"):
    """More mails of one contact in an hour than may each open a ticket: the next ones join this."""

    ticket: int
    contact: int


@dataclass(frozen=True)
class MaybeRelated(Fact, kind="tickets.maybe_related"):
    """A mail that `ticket` answers came later and stands in the ticket `to`."""

    ticket: int
    to: int


@dataclass(frozen=True)
class LinkRevoked(Fact, kind="tickets.link_revoked"):
    """A client's link to his ticket is out of force."""

    ticket: int
    link: int


@dataclass(frozen=True)
class SolutionConfirmed(Fact, kind="tickets.solution_confirmed"):
    """The client says that the solution holds."""

    ticket: int
    status_version: int


@dataclass(frozen=True)
class ConsentGiven(Fact, kind="tickets.consent_given"):
    """Who sent the request form agreed to this version of the operator's text."""

    ticket: int
    version: int
    language: str


@dataclass(frozen=True)
class Rated(Fact, kind="tickets.rated"):
    """A participant gave a mark from 1 to 5; `was` is his earlier one."""

    ticket: int
    rating: int
    mark: int
    was: int | None


@dataclass(frozen=True)
class RecoveryOpened(Fact, kind="tickets.recovery_opened"):
    """A low mark has opened a ticket of its own; stands in the stream of the rated one."""

    ticket: int
    recovery: int


@dataclass(frozen=True)
class RecoveryEnded(Fact, kind="tickets.recovery_ended"):
    """`outcome`: saved or lost; stands in the stream of the recovery."""

    ticket: int
    outcome: str


@dataclass(frozen=True)
class ReplyHeld(Fact, kind="tickets.reply_held"):
    """A reply waits in which its author may take it back; nothing is sent or changed yet."""

    held: int
    ticket: int


@dataclass(frozen=True)
class ReplyTakenBack(Fact, kind="tickets.reply_taken_back"):
    """The author has the text back as a draft."""

    held: int
    ticket: int


@dataclass(frozen=True)
class HoldOver(Fact, kind="tickets.hold_over"):
    """The time in which a held reply could be taken back is over."""

    held: int


@dataclass(frozen=True)
class ReplyReturned(Fact, kind="tickets.reply_returned"):
    """A held reply could not be sent any more and went back to its author."""

    held: int
    ticket: int
