"""The screens: name, address, and what is opened on them before they are judged or pictured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from playwright.sync_api import Page, expect

from tests import make
from tests.browser.windows import Window
from tests.browser.world import World
from zabota.staff.models import Agent, Level

Steps = Callable[[Page], None]


def nothing(page: Page) -> None:
    """The screen as it comes."""


@dataclass(frozen=True)
class Screen:
    """One thing to look at; `who`: "chief", "nobody" or "careful" (has a second factor)."""

    name: str
    path: str
    steps: Steps = nothing
    who: str = "chief"
    status: int = 200


def screens(world: World) -> list[Screen]:
    """Every screen there is."""
    ticket, settings = f"/t/{world.rich}/?view=open", "/settings"
    return [
        Screen("sign-in", "/account/login/", who="nobody"),
        Screen("sign-in-refused", "/account/login/", refused, who="nobody"),
        Screen("password-lost", "/account/password/reset/", who="nobody"),
        Screen("invitation", world.invitation, who="nobody"),
        Screen("invitation-over", "/invitation/none/", who="nobody", status=410),
        Screen("inbox", "/inbox/open/"),
        Screen("inbox-burning", "/inbox/burning/"),
        Screen("inbox-empty", "/inbox/solved/", who="careful"),
        Screen("inbox-views", "/inbox/open/", views),
        Screen("inbox-menu", "/inbox/open/", opened("me")),
        Screen("keyboard", "/inbox/open/", keys),
        Screen("search", "/inbox/search/?q=вход"),
        Screen("search-nothing", "/inbox/search/?q=бегемот"),
        Screen("ticket", ticket, settled),
        Screen("ticket-top", ticket, top),
        Screen("ticket-properties", ticket, properties),
        Screen("ticket-owner", ticket, opened(f"owner-{world.rich}")),
        Screen("ticket-status", ticket, opened(f"status-{world.rich}")),
        Screen("ticket-more", ticket, opened(f"more-{world.rich}")),
        Screen("ticket-send", ticket, opened(f"send-{world.rich}")),
        Screen("ticket-call", ticket, call(world.rich)),
        Screen("ticket-client", ticket, client),
        Screen("ticket-failed", f"/t/{world.failed}/?view=open", settled),
        Screen("ticket-solved", f"/t/{world.solved}/?view=solved", settled),
        Screen("ticket-quarantine", f"/t/{world.quarantined}/?view=quarantine", settled),
        # The draft of a note opens the composer as a note again: last of this ticket.
        Screen("ticket-note", ticket, note),
        Screen("ticket-closed-to-me", f"/t/{world.rich}/?view=open", settled, who="reader"),
        Screen("undelivered", "/undelivered/"),
        Screen("profile", "/profile/"),
        Screen("password", "/account/password/change/"),
        Screen("second-factor-off", "/account/2fa/"),
        Screen("second-factor-on", "/account/2fa/totp/activate/"),
        Screen("second-factor", "/account/2fa/", who="careful"),
        Screen("recovery-codes", "/account/2fa/recovery-codes/", who="careful"),
        Screen("sessions", "/account/sessions/"),
        Screen("sign-out", "/account/logout/"),
        Screen("settings", f"{settings}/"),
        Screen("settings-agents", f"{settings}/agents/"),
        Screen("settings-agent", f"{settings}/agents/{world.agent}/"),
        Screen("settings-invite", f"{settings}/agents/new/"),
        Screen("settings-departments", f"{settings}/departments/"),
        Screen("settings-department", f"{settings}/departments/{world.department}/"),
        Screen("settings-system", f"{settings}/system/"),
        Screen("settings-log", f"{settings}/log/"),
        Screen("settings-licences", f"{settings}/licences/"),
        Screen("settings-queues", f"{settings}/queues/"),
        Screen("settings-queue", f"{settings}/queues/{world.queue}/"),
        Screen("settings-topics", f"{settings}/topics/"),
        Screen("settings-topic", f"{settings}/topics/{world.topic}/"),
        Screen("settings-calendars", f"{settings}/calendars/"),
        Screen("settings-calendar", f"{settings}/calendars/{world.calendar}/"),
        Screen("settings-calendar-new", f"{settings}/calendars/new/"),
        Screen("settings-topic-fields", f"{settings}/topics/{world.topic}/fields/"),
        Screen("settings-request-form", f"{settings}/request-form/"),
        Screen("settings-inboxes", f"{settings}/inboxes/"),
        Screen("settings-inbox", f"{settings}/inboxes/{world.inbox}/"),
        Screen("settings-inbox-new", f"{settings}/inboxes/new/"),
        Screen("settings-import", f"{settings}/inboxes/{world.inbox}/import/"),
        Screen("settings-programs", f"{settings}/programs/"),
        Screen("settings-reference", f"{settings}/programs/reference/"),
        Screen("settings-program-new", f"{settings}/programs/new/"),
        Screen("settings-program-made", f"{settings}/programs/new/", make_token),
        Screen("settings-webhooks", f"{settings}/webhooks/"),
        Screen("settings-webhook", f"{settings}/webhooks/{world.webhook}/"),
        Screen("settings-webhook-new", f"{settings}/webhooks/new/"),
        Screen("settings-webhook-made", f"{settings}/webhooks/new/", make_webhook),
        Screen("settings-deliveries", f"{settings}/webhooks/{world.webhook}/deliveries/"),
        Screen("settings-delivery", f"{settings}/webhook-deliveries/{world.delivery}/"),
        Screen("settings-clients", f"{settings}/clients/"),
        Screen("settings-client", f"{settings}/clients/{world.account}/"),
        Screen("style-guide", "/styleguide/"),
        Screen("refused", f"{settings}/", who="careful", status=404),
        Screen("not-found", "/t/99999999/", status=404),
    ]


def tour(
    window: Window,
    world: World,
    *,
    width: int,
    theme: str,
    names: set[str] | None = None,
    **options: Any,
) -> Iterator[tuple[Screen, Page]]:
    """Each screen, drawn and opened; one browser per person."""
    window.expect_status(404, 410)
    people = {"chief": world.chief, "nobody": None, **others(world.chief.language)}
    # A phone so tall that its bottom bar covers nothing which scrolling would uncover.
    height = 900 if width > 760 else 2600
    pages: dict[str, Page] = {}
    for screen in screens(world):
        if names is not None and screen.name not in names:
            continue
        if screen.who not in pages:
            given: dict[str, Any] = {"width": width, "height": height, "theme": theme} | options
            locale = "ru-RU" if world.chief.language == "ru" else "en-GB"
            context = window.context(people[screen.who], **given | {"locale": locale})
            pages[screen.who] = context.new_page()
        page = pages[screen.who]
        answer = page.goto(screen.path)
        assert answer is not None
        assert answer.status == screen.status, (screen.name, answer.status)
        screen.steps(page)
        yield screen, page


def others(language: str) -> dict[str, Agent]:
    """Somebody with a second factor, and somebody who may only look."""
    careful = make.agent("Тимур Хабибуллин", language=language)
    if not Authenticator.objects.filter(user=careful).exists():
        TOTP.activate(careful, generate_totp_secret())
        RecoveryCodes.activate(careful)
    reader = make.agent("Sara Lindqvist", level=Level.SEE, language=language)
    return {"careful": careful, "reader": reader}


def make_token(page: Page) -> None:
    """The page that shows a new token."""
    page.locator("#id_name").fill("CRM")
    page.locator(".settings-form button[type=submit]").first.click()
    expect(page.locator("#secret")).to_be_visible()


def make_webhook(page: Page) -> None:
    """The page that shows the secret of a new webhook."""
    page.locator("#id_name").fill("CRM")
    page.locator("#id_address").fill("https://hooks.example/zabota")
    page.locator(".settings-form button[type=submit]").first.click()
    expect(page.locator("#secret")).to_be_visible()


def refused(page: Page) -> None:
    """A wrong password."""
    page.locator("input[name=login]").fill("nobody@zabota.example")
    page.locator("input[name=password]").fill("wrong")
    page.locator("main button[type=submit]").click()
    expect(page.locator(".form-error, .error").first).to_be_visible()


def settled(page: Page) -> None:
    """The panel about the client has come."""
    expect(page.locator("#context .context-body")).to_be_attached()


def top(page: Page) -> None:
    """The beginning of the conversation."""
    settled(page)
    page.locator("#messages").evaluate("log => log.scrollTo(0, 0)")


def note(page: Page) -> None:
    """The composer as a note."""
    settled(page)
    page.locator(".composer-tab[data-mode=note]").click()
    page.locator(".composer-text").fill("Третье обращение за день: похоже на сбой у оператора.")


def properties(page: Page) -> None:
    """Properties and reasons, unfolded."""
    settled(page)
    page.locator(".ticket-details > summary").click()


def views(page: Page) -> None:
    """The views, which are a drawer on narrow screens."""
    button = page.locator("[data-drawer=views]:not(.workspace)")
    if button.is_visible():
        button.click()
    expect(page.locator("#views .view").first).to_be_visible()


def client(page: Page) -> None:
    """The panel about the client, all unfolded."""
    settled(page)
    if not page.locator("#context").is_visible():
        page.locator("[data-drawer=context]:not(.workspace)").click()
    for fold in page.locator("#context .fold-card:not([open]) > summary").all()[::-1]:
        fold.click()


def opened(menu: str) -> Steps:
    """The menu of this id, open."""

    def steps(page: Page) -> None:
        page.locator(f"[popovertarget='{menu}']").click()
        expect(page.locator(f"#{menu}")).to_be_visible()

    return steps


def keys(page: Page) -> None:
    """The list of keys."""
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def call(number: int) -> Steps:
    """The form of a call."""

    def steps(page: Page) -> None:
        settled(page)
        opened(f"more-{number}")(page)
        page.locator(f"[data-dialog='call-{number}']").click()
        expect(page.locator(f"#call-{number}")).to_be_visible()

    return steps
