"""The settings pages: what each is for, whom it affects, and by which words it is found."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Words = str | Promise


@dataclass(frozen=True)
class Page:
    """One settings page; `key` is the name of its URL."""

    key: str
    title: Words
    icon: str
    what: Words
    affects: Words
    words: Words

    @property
    def route(self) -> str:
        """The URL name of the page."""
        return f"desk:settings:{self.key}"


@dataclass(frozen=True)
class Group:
    """Pages that belong together."""

    title: Words
    pages: tuple[Page, ...]


AGENTS = Page(
    "agents", _("Agents"), "users",
    _("Who may sign in, with which role, and what each agent may do in which queue."),
    _("the agent concerned, at once: open pages follow the new rights."),
    _("people users staff invite role rights access queues second factor password link sessions"),
)  # fmt: skip
DEPARTMENTS = Page(
    "departments", _("Departments"), "building-2",
    _("The parts of the company that own queues."),
    _("the names that agents see on queues and in reports. A department is never deleted: "
      "switch it off instead."),
    _("company structure teams"),
)  # fmt: skip
QUEUES = Page(
    "queues", _("Queues"), "inbox",
    _("Where tickets wait, each for one department and one support line."),
    _("agents who see the queue. A queue is never deleted: switch it off instead."),
    _("line first second quarantine support"),
)  # fmt: skip
TOPICS = Page(
    "topics", _("Topics"), "tag",
    _("What clients write about. A topic leads its tickets to a queue."),
    _("tickets that get the topic from now on; earlier ones stay where they are."),
    _("subject category route routing"),
)  # fmt: skip
CALENDARS = Page(
    "calendars", _("Working calendars"), "clock",
    _("When each queue works: hours of the week, time zone, public holidays and days of your own."),
    _("the time clients are told to expect an answer, and when the clocks of tickets stand still."),
    _("hours schedule weekend holidays time zone days off deadline"),
)  # fmt: skip
INBOXES = Page(
    "inboxes", _("Inboxes"), "mail",
    _("The mailboxes whose mail becomes tickets and from which answers are sent."),
    _("every client who writes to the address, and the agents of the queue it leads to."),
    _("mail imap smtp password server folders import past history channel address gmail yandex"),
)  # fmt: skip
REQUEST_FORM = Page(
    "request_form", _("Request form"), "file-text",
    _("The page on which clients ask without a mail program, and the text they agree to there."),
    _("every visitor of the page, at once."),
    _("portal form web site consent personal data agreement public topics link"),
)  # fmt: skip
ACCOUNTS = Page(
    "accounts", _("Clients"), "book-open",
    _("The companies you serve, their language, time zone and mail domains."),
    _("contacts with a confirmed mail domain: they join the client by themselves."),
    _("company account domain contacts customers"),
)  # fmt: skip

PROGRAMS = Page(
    "programs", _("Programs"), "bot",
    _("Tokens by which programs of yours bring tickets, read them and answer."),
    _("the program concerned, at once. A token is never shown again: revoke it and make another."),
    _("api token integration crm webhook key scope access interface rest"),
)  # fmt: skip

WEBHOOKS = Page(
    "webhooks", _("Webhooks"), "zap",
    _("Programs of yours that are told what happens to tickets, at once and with a signature."),
    _("the program concerned. It hears only of the queues that its agent sees."),
    _("webhook program integration api push notify crm signature secret delivery retry url"),
)  # fmt: skip
SYSTEM = Page(
    "system", pgettext_lazy("settings", "System"), "server",
    _("How this installation is doing: processes, work that waits, mail, storage and backups."),
    _("nobody. This page only shows."),
    _("status health processes workers jobs queue outbox backup disk database memory version"),
)  # fmt: skip
LOG = Page(
    "log", _("Change log"), "history",
    _("Who changed which setting and when, with the values before and after."),
    _("nobody. This page only shows."),
    _("audit history journal who when changed"),
)  # fmt: skip
LICENCES = Page(
    "licences", _("Licences"), "file-text",
    _("The software of others that works in Zabota, and under which licences."),
    _("nobody. This page only shows."),
    _("license copyright open source packages libraries versions"),
)  # fmt: skip

GROUPS = (
    Group(_("People"), (AGENTS, DEPARTMENTS)),
    Group(_("Work"), (QUEUES, TOPICS, CALENDARS)),
    Group(_("Channels"), (INBOXES, REQUEST_FORM, PROGRAMS, WEBHOOKS)),
    Group(_("Whom we serve"), (ACCOUNTS,)),
    Group(_("Installation"), (SYSTEM, LOG, LICENCES)),
)


def fold(text: str) -> str:
    """Lower case, ё as е, as all searching compares."""
    return text.lower().replace("ё", "е")


def find(query: str) -> list[Group]:
    """The groups with the pages that hold every word of the query, in either language."""
    wanted = fold(query).split()
    found = []
    for group in GROUPS:
        pages = tuple(page for page in group.pages if _holds(group, page, wanted))
        if pages:
            found.append(Group(group.title, pages))
    return found


def _holds(group: Group, page: Page, wanted: list[str]) -> bool:
    text = ""
    for language in ("ru", "en"):
        with translation.override(language):
            parts = (group.title, page.title, page.what, page.affects, page.words)
            text += fold(" ".join(str(part) for part in parts)) + " "
    return all(word in text for word in wanted)
