"""What single keys do, where the focus goes and is seen, and when letters are letters."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import make
from tests.browser.windows import Window
from zabota.tickets.models import Status, Ticket

pytestmark = pytest.mark.xdist_group("screens")


def ticket_page(window: Window, ticket: Ticket, **options: object) -> Page:
    page = window.open(f"/t/{ticket.pk}/?view=open", make.agent(), **options)
    expect(page.locator("#context .context-body")).to_be_attached()
    return page


def test_the_owner_is_chosen_by_typing_his_name(window: Window) -> None:
    ticket = make.ticket()
    make.agent("Алексей Орлов")
    page = ticket_page(window, ticket)
    page.keyboard.press("a")
    menu = page.locator(f"#owner-{ticket.pk}")
    expect(menu).to_be_visible()
    expect(menu.locator("[data-filter]")).to_be_focused()
    page.keyboard.type("орл")
    page.keyboard.press("Enter")
    expect(menu).to_be_hidden()
    expect(page.locator(f"[popovertarget='owner-{ticket.pk}']")).to_contain_text("Алексей Орлов")
    ticket.refresh_from_db()
    assert ticket.owner == make.agent("Алексей Орлов")


def test_the_status_is_chosen_by_arrows(window: Window) -> None:
    ticket = make.ticket()
    page = ticket_page(window, ticket)
    page.keyboard.press("s")
    menu = page.locator(f"#status-{ticket.pk}")
    expect(menu).to_be_visible()
    wanted = menu.locator(f".menu-item[value={Status.WAITING_INTERNAL}]")
    for _step in range(6):
        if wanted.evaluate("item => item === document.activeElement"):
            break
        page.keyboard.press("ArrowDown")
    expect(wanted).to_be_focused()
    page.keyboard.press("Enter")
    expect(menu).to_be_hidden()
    button = page.locator(f"[popovertarget='status-{ticket.pk}']")
    expect(button).to_contain_text("Ждём коллег")
    ticket.refresh_from_db()
    assert ticket.status == Status.WAITING_INTERNAL


@pytest.mark.parametrize("key", ["a", "s"])
def test_escape_closes_a_menu_and_gives_the_focus_back(window: Window, key: str) -> None:
    ticket = make.ticket()
    page = ticket_page(window, ticket)
    name = {"a": "owner", "s": "status"}[key]
    button = page.locator(f"[popovertarget='{name}-{ticket.pk}']")
    button.focus()
    page.keyboard.press(key)
    expect(page.locator(f"#{name}-{ticket.pk}")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(f"#{name}-{ticket.pk}")).to_be_hidden()
    expect(button).to_be_focused()
    expect(page.locator("#pane")).to_be_visible()


def test_the_list_of_keys_opens_and_gives_the_focus_back(window: Window) -> None:
    make.ticket()
    page = window.open("/inbox/open/", make.agent())
    row = page.locator("#rows a").first
    row.focus()
    page.keyboard.press("?")
    dialog = page.locator("#keys")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(row).to_be_focused()


def test_letters_are_letters_while_one_types(window: Window) -> None:
    ticket = make.ticket()
    page = ticket_page(window, ticket)
    page.keyboard.press("r")
    page.keyboard.type("asr?e")
    expect(page.locator(".composer-text")).to_have_value("asr?e")
    expect(page.locator("[popover]:popover-open")).to_have_count(0)
    ticket.refresh_from_db()
    assert ticket.status == Status.NEW


def test_letters_do_nothing_where_they_are_switched_off(window: Window) -> None:
    ticket = make.ticket()
    agent = make.agent(letter_keys=False)
    page = window.open(f"/t/{ticket.pk}/?view=open", agent)
    expect(page.locator("#context .context-body")).to_be_attached()
    for key in ("a", "s", "?", "e"):
        page.keyboard.press(key)
    page.keyboard.press("Escape")  # a key that stays: its answer shows that the others had theirs
    expect(page.locator("#workspace")).to_have_attribute("data-pane", "list")
    expect(page.locator("[popover]:popover-open")).to_have_count(0)
    expect(page.locator("#keys")).to_be_hidden()
    ticket.refresh_from_db()
    assert ticket.status == Status.NEW


# The ring's colour against what lies around it, as WCAG reckons contrast.
RING = """
item => {
  const paint = (text) => {
    const context = new OffscreenCanvas(1, 1).getContext("2d");
    context.fillStyle = text;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const part = (one) => (one /= 255) <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4;
    return .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
  };
  const style = getComputedStyle(item);
  let place = item.parentElement, ground = [0, 0, 0, 0];
  while (place && ground[3] < 255) {
    ground = paint(getComputedStyle(place).backgroundColor);
    place = place.parentElement;
  }
  const [one, other] = [light(paint(style.outlineColor)), light(ground)].sort((a, b) => b - a);
  const width = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
  return { width, contrast: (one + .05) / (other + .05) };
}
"""


def ring(item: Locator) -> None:
    """The item has the focus, and that is seen."""
    expect(item).to_be_focused()
    seen = item.evaluate(RING)
    assert seen["width"] >= 2, f"{item}: no ring"
    assert seen["contrast"] >= 3, f"{item}: contrast {seen['contrast']:.2f}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_focus_is_seen(window: Window, theme: str) -> None:
    ticket = make.ticket()
    page = ticket_page(window, ticket, theme=theme)
    page.keyboard.press("Tab")
    ring(page.locator(".skip"))
    for selector in ("#rows a", ".view", ".rail-link", f"[popovertarget='owner-{ticket.pk}']"):
        item = page.locator(selector).first
        item.focus()
        # A focus set by a script is shown as that of a key only after a key.
        page.keyboard.press("Shift")
        ring(item)
    page.keyboard.press("s")
    ring(page.locator(f"#status-{ticket.pk} .menu-item:focus"))
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    text = page.locator(".composer-text")
    expect(text).to_be_focused()
    around = page.locator(".composer-sheet")
    box = around.evaluate(
        "box => getComputedStyle(box).borderColor + getComputedStyle(box).boxShadow"
    )
    text.blur()
    after = "box => getComputedStyle(box).borderColor + getComputedStyle(box).boxShadow"
    own = text.evaluate("item => getComputedStyle(item).outlineStyle")
    assert around.evaluate(after) != box or own != "none"
