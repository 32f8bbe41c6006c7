"""What the parts of a page are drawn from: plain read models, filled by queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from markupsafe import Markup

from zabota.desk import deadlines
from zabota.lib import times


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    number: int
    subject: str
    contact: str
    account: str
    snippet: str
    at: datetime
    status: str
    status_label: str
    channel: str = "mail"
    urgency: str = "normal"
    urgency_label: str = ""
    unread: bool = False
    version: int = 0
    due: datetime | None = None
    clock_tone: str = ""
    present: str = ""
    owner: str = ""
    late: bool = False
    robot: bool = False

    def drawn(self, draw: DrawRow, view: str, is_current: bool, present: times.Present) -> Markup:
        """The line's HTML."""
        due = deadlines.brief(self.due, self.clock_tone, present)
        return draw(self, view, is_current, present.ago(self.at), due)


class Drawable(Protocol):
    """A line of a list."""

    @property
    def number(self) -> int:
        """Its ticket's."""

    def drawn(self, draw: DrawRow, view: str, is_current: bool, present: times.Present) -> Markup:
        """Its HTML."""


def drawn_lines(lines: Sequence[Drawable], draw: DrawRow, view: str, current: int = 0) -> Markup:
    """The lines of a list, that of the ticket `current` marked."""
    present = times.Present.here()
    parts = [line.drawn(draw, view, line.number == current, present) for line in lines]
    return Markup("\n").join(parts)


# The macro of a line: a card, the view, whether it is the open one, its age and due time in words.
DrawRow = Callable[[Row, str, bool, str, str], Markup]


@dataclass(frozen=True, slots=True)
class FileItem:
    """An attachment; `blocked` is the reason why nobody may take it (then `href` is empty)."""

    name: str
    size: int
    href: str = ""
    kind: str = "file"
    thumbnail: str = ""
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message. `kind`: in, out, note, call. `delivery`: "", queued, sent, failed.

    Plain text goes to `text`; mail in HTML to `frame` (an address) or `document` (cleaned HTML).
    """

    id: int
    kind: str
    author: str
    at: datetime
    text: str = ""
    quoted: str = ""
    frame: str = ""
    document: str = ""
    remote: str = ""
    via: str = ""
    language: str = ""
    original: str = ""
    delivery: str = ""
    delivery_label: str = ""
    retry: str = ""
    files: tuple[FileItem, ...] = ()


@dataclass(frozen=True, slots=True)
class EventLine:
    """A change in the timeline."""

    text: str
    at: datetime
    icon: str = "circle-dot"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring timeline entries: one message, or changes folded into one line."""

    bubble: Bubble | None = None
    events: tuple[EventLine, ...] = field(default=())
    day: datetime | None = None


@dataclass(frozen=True, slots=True)
class ViewLink:
    """One line of the views panel."""

    key: str
    label: str
    icon: str
    count: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One item of a menu that posts a value."""

    value: str
    label: str
    icon: str = ""
    chosen: bool = False
    key: str = ""
