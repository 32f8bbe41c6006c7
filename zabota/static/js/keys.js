/**
 * The keyboard. Letters are matched by their place (event.code), so they work in a Russian layout.
 * A control says its own key by data-key; only movement is known here.
 */
import { find, page, workspace } from "./net.js";
import * as panes from "./panes.js";

const GO = { KeyI: "/inbox/mine/", KeyU: "/inbox/unassigned/" };
let prefix = 0;

const typing = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]");
const visible = (one) => one.checkVisibility?.() || one.closest("[popover]");

function nameOf(event) {
  if (event.key === "?") return "?";
  const letter = /^Key([A-Z])$/.exec(event.code) ?? /^(?:Digit|Numpad)([1-4])$/.exec(event.code);
  if (letter) return letter[1];
  if (event.code === "Slash") return event.shiftKey ? "?" : "/";
  return { BracketLeft: "[", BracketRight: "]", Enter: "Enter" }[event.code] ?? "";
}

function press(name) {
  const control = [...document.querySelectorAll(`[data-key="${CSS.escape(name)}"]`)].find(visible);
  if (!control) return false;
  if (control.matches("input")) control.focus();
  else control.click();
  return true;
}

function view(by) {
  const all = [...document.querySelectorAll(".view")];
  const at = all.findIndex((one) => one.hasAttribute("aria-current"));
  all[at + by]?.click();
}

function openFocused() {
  const link = document.activeElement?.closest("a[data-pane]") ?? find("#rows a[aria-current]") ?? find("#rows a[data-pane]");
  if (link) panes.open(link);
}

function escape(target) {
  if (find("dialog[open], [popover]:popover-open")) return;
  const space = workspace();
  if (space?.dataset.drawer) space.dataset.drawer = "";
  else if (typing(target)) target.blur();
  else if (space?.dataset.pane === "ticket") panes.back();
}

const MOVES = {
  J: () => panes.step(1),
  K: () => panes.step(-1),
  O: openFocused,
  "[": () => view(-1),
  "]": () => view(1),
  "?": () => document.getElementById("keys")?.showModal(),
};

function pressed(event) {
  if (event.isComposing || event.defaultPrevented) return;
  if (event.key === "Escape") return escape(event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || page.keys === "off") return;
  if (typing(event.target) || find("dialog[open], [popover]:popover-open")) return;
  if (prefix && Date.now() - prefix < 1200 && GO[event.code]) {
    event.preventDefault();
    return location.assign(GO[event.code]);
  }
  prefix = event.code === "KeyG" ? Date.now() : 0;
  const name = nameOf(event);
  if (!name || (event.shiftKey && name !== "?")) return;
  if (name === "Enter") {
    if (event.target === document.body) openFocused();
    return;
  }
  if (MOVES[name] ? (MOVES[name](), true) : press(name)) event.preventDefault();
}

export function start() {
  document.addEventListener("keydown", pressed);
  document.getElementById("letter-keys")?.addEventListener("change", (event) => {
    page.keys = event.target.checked ? "on" : "off";
    document.cookie = `zabota_keys=${page.keys};path=/;max-age=31536000;samesite=lax`;
  });
}
