"""axe-core's judgement of a page, and what it does not know: overflow."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """rules => axe.run(document, {runOnly: rules, resultTypes: ["violations"]})
  .then(found => found.violations.map(one => ({
    id: one.id, impact: one.impact,
    nodes: one.nodes.map(node => node.html.slice(0, 160) + " | "
      + node.failureSummary.slice(0, 300)),
  })))"""
OVERFLOW = """() => {
  const limit = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= limit) return [];
  return [...document.body.querySelectorAll("*")]
    .filter(one => one.checkVisibility() && one.getBoundingClientRect().right > limit + 1)
    .slice(0, 5).map(one => one.outerHTML.slice(0, 120));
}"""
# What a scrolling column hides sideways; only what is meant to scroll may.
CUT = """() => [...document.querySelectorAll(".list-scroll, .messages, .views, .context, .page,"
    + ".pane-head, .pane-actions, .composer, dialog[open], .menu:popover-open")]
  .filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
  .map(one => one.outerHTML.slice(0, 120))"""

# Text wider than its box where nothing shortens it.
SPILLED = """() => [...document.querySelectorAll(".button,.pill,.view,.menu-item,th,label,h1,h2")]
  .filter(one => one.checkVisibility() && !one.classList.contains("vh")
    && getComputedStyle(one).overflowX === "visible" && getComputedStyle(one).display !== "inline"
    && one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
  .map(one => one.outerHTML.slice(0, 120))"""
ICONS = """async () => {
  const uses = [...document.querySelectorAll("svg > use")].map(one => one.getAttribute("href"));
  const known = {};
  for (const file of new Set(uses.map(one => one.split("#")[0]))) {
    const text = await (await fetch(file)).text();
    known[file] = new Set([...text.matchAll(/id="([^"]+)"/g)].map(one => one[1]));
  }
  return uses.filter(one => !known[one.split("#")[0]].has(one.split("#")[1]));
}"""


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe-core finds; each with id, impact and nodes. The context must bypass the CSP."""
    # From an address, for then the browser keeps what it compiled.
    page.add_script_tag(url="/test/axe.js")
    found: list[dict[str, Any]] = page.evaluate(RUN, RULES)
    return found


def overflow(page: Page) -> list[str]:
    """Elements that stick out sideways of the page or of a column."""
    found: list[str] = page.evaluate(OVERFLOW) + page.evaluate(CUT) + page.evaluate(SPILLED)
    return found


def missing_icons(page: Page) -> list[str]:
    """Icons that the page names and the sprite lacks."""
    found: list[str] = page.evaluate(ICONS)
    return found


# A link in running text keeps the height of its line (WCAG 2.5.8 excepts it); a box or a circle to
# tick is hit by its label too.
_SMALL = """() => {
  const text = "p, dd, td, .bubble-body, .bubble-foot, .hint, .crumbs, [aria-label='Где вы']";
  const wanted = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const inText = (one) => one.matches("a") && one.closest(text);
  const unseen = (one) => one.closest(".vh, .skip, [hidden]");
  const area = (one) => {
    let { left, right, top, bottom } = one.getBoundingClientRect();
    for (const label of one.labels ?? []) {
      const more = label.getBoundingClientRect();
      if (!more.width) continue;
      [left, top] = [Math.min(left, more.left), Math.min(top, more.top)];
      [right, bottom] = [Math.max(right, more.right), Math.max(bottom, more.bottom)];
    }
    return [right - left, bottom - top];
  };
  const name = (one) => one.textContent || one.getAttribute("aria-label") || one.name || "";
  return [...document.querySelectorAll(wanted)]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }))
    .filter((one) => !inText(one) && !unseen(one))
    .map((one) => [one, ...area(one).map(Math.round)])
    .filter(([one, width, height]) => width && (width < 44 || height < 44))
    .map(([one, ...size]) => `${one.tagName}.${one.className} ${name(one).trim().slice(0, 30)} `
      + size.join("x"));
}"""


def small_targets(page: Page) -> list[str]:
    """Buttons, links, fields that are smaller than 44 x 44 CSS pixels."""
    found: list[str] = page.evaluate(_SMALL)
    return found
