"""Signal words: a client who writes that he loses money now goes before everybody else.

Which words count is set per topic. A ticket without a topic is measured by the words of all topics
that lead to its queue, and a queue without topics by the general ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from zabota.automation.events import LossTold, SignalFound
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.events.models import Event
from zabota.lib.stems import stem, words_of
from zabota.staff import structure
from zabota.staff.models import SIGNAL_WORDS, Topic
from zabota.tickets.actions.change import hurry
from zabota.tickets.events import UrgencyChanged
from zabota.tickets.locking import changing
from zabota.tickets.models import Message, Ticket, Urgency

# Words that may stand between those of a phrase: "теряем на этом большие деньги".
BETWEEN = 3
NOT = frozenset({"не", "ни", "без", "not", "no", "never", "without", "cannot"})


class Signal(NamedTuple):
    """A phrase that was found, and the topic whose setting it is (None: the general words)."""

    topic: int | None
    phrase: str


def mark(row: Ticket, message: Message, *, by: Actor) -> None:
    """Raise the urgency of a locked ticket when the message has a signal; the reason is recorded.
    What a person has set stays."""
    if row.urgency == Urgency.LOSES_MONEY:
        return
    found = signal_in(f"{row.subject}\n{message.text}", topics_of(row))
    if found is None or _set_by_a_person(row):
        return
    fact = SignalFound(
        ticket=row.pk, message=message.pk, topic=found.topic, phrase=found.phrase[:100]
    )
    record(fact, stream=row.stream, by=by)
    hurry(row, Urgency.LOSES_MONEY, by)


def told(ticket: Ticket, message_id: int, *, by: Actor) -> None:
    """Raise the urgency because the client said in the form that he loses money now."""
    with changing(ticket) as row:
        if row.urgency == Urgency.LOSES_MONEY:
            return
        record(LossTold(ticket=row.pk, message=message_id), stream=row.stream, by=by)
        hurry(row, Urgency.LOSES_MONEY, by)


def topics_of(row: Ticket) -> list[Topic]:
    """The topics whose words count for a ticket."""
    now = structure.current()
    if own := now.topics.get(row.topic_id or 0):
        return [own]
    return [one for one in now.topics.values() if one.is_active and one.queue_id == row.queue_id]


def signal_in(text: str, topics: Sequence[Topic]) -> Signal | None:
    """The first phrase of the topics' words that the text holds, in whatever form and order."""
    words = words_of(text)
    stems = [stem(word) for word in words]
    places: dict[str, list[int]] = {}
    for place, one in enumerate(stems):
        places.setdefault(one, []).append(place)
    sources: list[tuple[int | None, str]] = [(one.pk, one.signal_words) for one in topics]
    sources = sources or [(None, SIGNAL_WORDS)]
    for topic, setting in sources:
        for phrase, wanted in _phrases(setting):
            if _holds(words, places, wanted):
                return Signal(topic, phrase)
    return None


@lru_cache(maxsize=512)
def _phrases(setting: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    lines = (line.strip() for line in setting.splitlines())
    found = ((line, tuple(stem(word) for word in words_of(line))) for line in lines)
    return tuple((line, stems) for line, stems in found if stems)


def _holds(words: list[str], places: dict[str, list[int]], wanted: tuple[str, ...]) -> bool:
    """All wanted stems stand close together, and none of them is denied."""
    if any(one not in places for one in wanted):
        return False
    denies = any(one in NOT for one in wanted)
    for first in places[wanted[0]]:
        near = [_nearest(places[one], first) for one in wanted]
        start, end = min(near), max(near)
        close = end - start < len(wanted) + BETWEEN and len(set(near)) == len(set(wanted))
        if close and (denies or not _denied(words[max(start - 1, 0) : end])):
            return True
    return False


def _nearest(places: Iterable[int], to: int) -> int:
    return min(places, key=lambda place: abs(place - to))


def _denied(words: Iterable[str]) -> bool:
    return any(word in NOT or word.endswith("n't") for word in words)


def _set_by_a_person(row: Ticket) -> bool:
    changes = Event.objects.filter(stream=row.stream, kind=UrgencyChanged.kind)
    return changes.filter(actor__startswith="agent:").exists()
