"""What the menus of a ticket offer, made once for a state of the company and a language."""

from __future__ import annotations

from functools import lru_cache

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from zabota.desk.cards import Choice
from zabota.desk.inbox import URGENCY_KEYS
from zabota.lib.drawing import Options
from zabota.staff import policy
from zabota.staff.structure import Structure
from zabota.tickets.actions.change import BY_HAND
from zabota.tickets.models import CloseReason, Status, Ticket, TicketType, Urgency

URGENCY_ICONS = {1: "chevrons-up", 2: "chevron-up", 3: "circle", 4: "arrow-down"}
# Of each menu: by what is chosen, and for the state before when somebody has changed the company.
MOST = 512


def menus(ticket: Ticket, now: Structure) -> dict[str, object]:
    """Everything the buttons above the conversation offer, by its name in the templates."""
    language = get_language() or "en"
    return {
        "owners": owner_choices(now, ticket.queue_id, ticket.owner_id, language),
        "urgencies": urgency_choices(ticket.urgency, language),
        "urgency_key": URGENCY_KEYS[ticket.urgency],
        "statuses": status_choices(ticket.status, language),
        "types": type_options(ticket.type, language),
        "topics": topic_options(now, ticket.topic_id, language),
        "queues": queue_options(now, ticket.queue_id, language),
        "closings": closings(ticket.is_robot, language),
    }


@lru_cache(MOST)
def owner_choices(now: Structure, queue: int, owner: int | None, language: str) -> Options:
    """Everybody who may answer in the queue, and nobody."""
    nobody = Choice("", _("Nobody"), "x", chosen=owner is None)
    people = [
        Choice(str(one.pk), f"{one.surname} {one.first_name}", chosen=one.pk == owner)
        for one in policy.agents_in(now, queue)
    ]
    return Options([nobody, *people])


@lru_cache(MOST)
def urgency_choices(chosen: int, language: str) -> Options:
    """The four levels with their keys."""
    return Options(
        Choice(str(value), str(label), URGENCY_ICONS[value], value == chosen, str(value))
        for value, label in Urgency.choices
    )


@lru_cache(MOST)
def status_choices(chosen: str, language: str) -> Options:
    """The statuses that are set by hand."""
    return Options(
        Choice(value, str(Status(value).label), chosen=value == chosen)
        for value in Status.values
        if value in BY_HAND
    )


@lru_cache(MOST)
def type_options(chosen: str, language: str) -> Options:
    """The types; a recovery stays one, and nothing else becomes one."""
    return Options(
        (key, str(label), key == chosen)
        for key, label in TicketType.choices
        if (key == TicketType.RECOVERY) == (chosen == TicketType.RECOVERY)
    )


@lru_cache(MOST)
def topic_options(now: Structure, chosen: int | None, language: str) -> Options:
    """Topics in use, and the present one."""
    found = [("", _("no topic"), chosen is None)]
    found += [
        (str(topic.pk), str(topic), topic.pk == chosen)
        for topic in now.topics.values()
        if topic.is_active or topic.pk == chosen
    ]
    return Options(found)


@lru_cache(MOST)
def queue_options(now: Structure, chosen: int, language: str) -> Options:
    """Queues in use with their department."""
    return Options(
        (str(queue.pk), f"{queue.department} · {queue}", queue.pk == chosen)
        for queue in now.queues.values()
        if (queue.is_active and not queue.is_quarantine) or queue.pk == chosen
    )


@lru_cache(MOST)
def closings(is_robot: bool, language: str) -> Options:
    """Reasons for which a ticket may be closed without a message."""
    found = [
        (CloseReason.SPAM, _("Close as spam")),
        (CloseReason.DUPLICATE, _("Close as duplicate")),
    ]
    if is_robot:
        found.insert(0, (CloseReason.ROBOT, _("Close: a robot wrote it")))
    return Options((str(value), label) for value, label in found)
