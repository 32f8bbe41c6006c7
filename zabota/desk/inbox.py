"""The lists: views with their counts, rows as cards, the cursor of the next page."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _
from markupsafe import Markup

from zabota.desk import cards, deadlines
from zabota.lib import times
from zabota.lib.drawing import drawn
from zabota.lib.questions import Question
from zabota.staff import policy
from zabota.staff.models import Agent
from zabota.tickets import queries
from zabota.tickets import search as words
from zabota.tickets.models import Status, Urgency

URGENCY_KEYS = {1: "urgent", 2: "high", 3: "normal", 4: "low"}
# A signed number of up to 17 digits (the year 5138), and an id.
CURSOR = re.compile(r"(-?[0-9]{1,17})-([0-9]{1,18})", re.ASCII)


class BadCursor(ValueError):
    """The address names no place in a list."""


class Line(NamedTuple):
    """One line of a list as the database has it, and its owner's name."""

    row: queries.Row
    owner: str

    @property
    def number(self) -> int:
        """The ticket's."""
        return self.row.id

    def drawn(
        self, draw: cards.DrawRow, view: str, is_current: bool, present: times.Present
    ) -> Markup:
        """The line's HTML; an equal line is drawn once for a language, whoever looks at it."""
        row = self.row
        age = present.ago(row.last_message_at)
        tone = deadlines.tone(row.next_due_at, row.burns_at, present.now)
        due = deadlines.brief(row.next_due_at, tone, present)
        key = ("line", present.language, view, is_current, self, age, tone, due)
        return drawn(key, lambda: draw(card(self, tone), view, is_current, age, due))


@dataclass(frozen=True)
class Page:
    """One page of a list; `older` is the cursor of the next one, '' on the last."""

    lines: list[Line]
    older: str


def rows(agent: Agent, view: str, before: str = "") -> Question[list[queries.Row]]:
    """50 rows of a view in its order; raises BadCursor and KeyError (an unknown view)."""
    return queries.page(agent, view, read_cursor(before) if before else None)


@dataclass(frozen=True)
class Results:
    """What a search found: the first page, how many in words, and what was looked for instead of
    what was typed ('' when that was found)."""

    page: Page
    count: str
    instead: str


def search(agent: Agent, text: str, before: str = "") -> Results:
    """The tickets that `text` finds; raises BadCursor. Where nothing has all its words: the other
    keyboard layout, then any of the words."""
    queues = policy.queues_at(agent)
    place = read_cursor(before) if before else None
    for query in words.ways(text):
        where = words.condition(query)
        rows = queries.found(agent, where, query.number, place)
        if rows or before:
            instead = "" if query.text == text else query.text
            found = page(agent, queries.SEARCH, rows)
            return Results(found, _found(where, queues, found), instead)
    return Results(Page([], ""), "", "")


def _found(where: words.Condition, queues: Collection[int], page: Page) -> str:
    """How many in words. Common words are not counted: that would cost more than finding."""
    if not page.older:
        return str(len(page.lines))
    count = words.count(where, queues) if where.is_rare else len(page.lines)
    if where.is_rare and count < words.COUNTED:
        return str(count)
    return _("%(count)s and more") % {"count": f"{count:,}".replace(",", "\u00a0")}


def page(agent: Agent, view: str, rows: list[queries.Row]) -> Page:
    """The page of a view that these rows make."""
    more = len(rows) >= queries.PAGE
    older = write_cursor(*queries.place(view, rows[-1])) if more else ""
    return Page(lines_of(agent, rows), older)


def lines_of(agent: Agent, rows: Sequence[queries.Row]) -> list[Line]:
    """The lines of rows for this agent."""
    people = policy.company(agent).agents
    owners = [people.get(row.owner_id or 0) for row in rows]
    return [
        Line(row, owner.full_name if owner else "") for row, owner in zip(rows, owners, strict=True)
    ]


def write_cursor(place: int, pk: int) -> str:
    """A place in a list (`queries.place`) for an address."""
    return f"{place}-{pk}"


def read_cursor(text: str) -> tuple[int, int]:
    """The place that `write_cursor` wrote; raises BadCursor."""
    found = CURSOR.fullmatch(text)
    if found is None:
        raise BadCursor(text)
    return int(found[1]), int(found[2])


def card(line: Line, tone: str) -> cards.Row:
    """One line of the list in the viewer's words; `tone` is that of its due time."""
    row = line.row
    return cards.Row(
        number=row.id,
        subject=row.subject or _("(no subject)"),
        contact=row.contact_name
        or (_("Unreadable mail") if row.contact_name is None else _("no name")),
        account=row.account_name or "",
        snippet=row.snippet,
        at=row.last_message_at,
        status=row.status,
        status_label=str(Status(row.status).label).capitalize(),
        urgency=URGENCY_KEYS[row.urgency],
        urgency_label=str(Urgency(row.urgency).label),
        unread=row.is_unread,
        version=row.version,
        owner=line.owner,
        late=row.arrived_late,
        robot=row.is_robot,
        due=row.next_due_at,
        clock_tone=tone,
    )


def titles() -> dict[str, str]:
    """Views in the viewer's language."""
    return {
        "mine": _("Assigned to me"),
        "unassigned": _("Unassigned"),
        "open": _("All open"),
        "burning": _("Burning"),
        "solved": _("Solved and closed"),
        "robots": _("Robots"),
        "quarantine": _("Quarantine"),
    }


def groups(counts: Mapping[str, int]) -> list[tuple[str, list[cards.ViewLink]]]:
    """The panel of views with their counts, capped."""
    names = titles()

    def link(key: str, icon: str, late: bool = False) -> cards.ViewLink:
        return cards.ViewLink(key, names[key], icon, capped(counts[key]), late)

    return [
        (_("Mine"), [link("mine", "inbox")]),
        (
            _("Team"),
            [
                link("unassigned", "user-plus"),
                link("open", "circle-dot"),
                link("burning", "timer", late=True),
                link("solved", "circle-check"),
            ],
        ),
        (_("Set aside"), [link("robots", "bot"), link("quarantine", "shield-alert")]),
    ]


def capped(count: int) -> str:
    """A count for a small place: nothing for 0, at most 999+."""
    if count >= queries.COUNT_CAP:
        return f"{queries.COUNT_CAP - 1}+"
    return str(count) if count else ""


def emptiness(view: str) -> dict[str, Any]:
    """What an empty list says: why it is empty and where to go next."""
    unassigned = reverse("desk:inbox", args=["unassigned"])
    every = reverse("desk:inbox", args=["open"])
    told = {
        "mine": (
            _("Your inbox is clear"),
            _("No ticket waits for you. Take one that nobody leads yet."),
            unassigned,
            _("Go to unassigned"),
        ),
        "unassigned": (
            _("Everything has an owner"),
            _("New mail of clients appears here by itself."),
            every,
            _("Go to all open"),
        ),
        "open": (_("No open tickets"), _("New mail of clients appears here by itself."), "", ""),
        "burning": (
            _("Nothing burns"),
            _("Tickets come here when their time is nearly up, or over."),
            every,
            _("Go to all open"),
        ),
        "solved": (
            _("Nothing is solved yet"),
            _("Solved tickets stay here; an answer of the client opens them again."),
            every,
            _("Go to all open"),
        ),
        "robots": (
            _("No mail from robots"),
            _("Newsletters and automatic answers come here and are never acknowledged."),
            every,
            _("Go to all open"),
        ),
        "quarantine": (
            _("Quarantine is empty"),
            _("Mail that cannot be read comes here with its original. Nothing is lost."),
            every,
            _("Go to all open"),
        ),
    }[view]
    names = ("empty_title", "empty_text", "empty_href", "empty_action")
    return dict(zip(names, told, strict=True))
