/**
 * Who else is at a ticket: said by each tab every few seconds while it is looked at or a draft is open
 * in it, heard through the live stream, shown as an icon and a name.
 */
import { find, page, workspace } from "./net.js";
import * as panes from "./panes.js";

const AGAIN = 3000;
const TYPES = 6000;
const ICONS = { view: "eye", type: "pencil", draft: "file-text" };
const tab = Math.random().toString(36).slice(2, 12);
const crowd = new Map();
let said = { ticket: "", what: "", at: 0 };
let typed = 0;
let turn = 0;
let gone = false;

function doing() {
  const composer = find("care-composer");
  const number = panes.openNumber();
  if (!number) return ["", ""];
  const looks = document.hasFocus() && !document.hidden;
  if (composer?.text?.value) return [number, looks && Date.now() - typed < TYPES ? "type" : "draft"];
  return [number, looks ? "view" : ""];
}

function send(ticket, what) {
  if (!ticket) return;
  const body = JSON.stringify({ ticket: Number(ticket), what, tab, turn: (turn += 1), hidden: document.hidden });
  fetch("/live/here", { method: "POST", credentials: "same-origin", keepalive: true, headers: { "Content-Type": "application/json" }, body }).catch(() => {});
}

/** Says what changed, and what holds on when it would be forgotten else. */
function beat() {
  // A closing page still runs its timers.
  if (gone) return;
  const [ticket, what] = doing();
  const same = ticket === said.ticket && what === said.what;
  if (same && (!what || Date.now() - said.at < AGAIN)) return;
  if (said.what && said.ticket !== ticket) send(said.ticket, "");
  if (what || said.ticket === ticket) send(ticket, what);
  said = { ticket, what, at: Date.now() };
}

function icon(name) {
  return `<svg class="ic" aria-hidden="true"><use href="${page.icons}#${name}"/></svg>`;
}

function drawInto(box, people, long) {
  const space = workspace();
  const says = ([name, what]) => space.dataset[`says${what[0].toUpperCase()}${what.slice(1)}`].replace("{name}", name);
  const lines = people.map((one) => {
    const line = document.createElement("span");
    line.className = `person is-${one[1]}`;
    line.title = says(one);
    line.innerHTML = icon(ICONS[one[1]]);
    const text = document.createElement("span");
    text.className = long ? "" : "cut";
    text.textContent = long ? says(one) : one[0];
    line.append(text);
    return line;
  });
  box.replaceChildren(...lines);
}

function drawRow(number, people) {
  const place = find(`#row-${number} .row-sub`);
  if (!place) return;
  let box = find(".row-people", place);
  if (!people.length) return box?.remove();
  if (!box) {
    box = document.createElement("span");
    box.className = "row-people";
    place.append(box);
  }
  drawInto(box, people.slice(0, 1), false);
}

function drawPane() {
  const box = document.getElementById("people");
  if (!box) return;
  const people = crowd.get(panes.openNumber()) ?? [];
  const now = people.map((one) => one.join()).join(";");
  if (box.dataset.now === now && box.childElementCount === people.length) return;
  box.dataset.now = now;
  drawInto(box, people, true);
}

/** After a swap: what the server draws knows nobody. */
export function draw() {
  for (const [number, people] of crowd) drawRow(number, people);
  drawPane();
}

export function hear({ id, people }) {
  const number = String(id);
  if (people.length) crowd.set(number, people);
  else crowd.delete(number);
  drawRow(number, people);
  drawPane();
}

/** Everybody anew: at the beginning of a stream, or nobody when there is none. */
export function all(tickets) {
  for (const number of [...crowd.keys()]) hear({ id: number, people: [] });
  for (const one of tickets) hear(one);
}

export const known = () => [...crowd].map(([id, people]) => ({ id, people }));

export function start() {
  if (!workspace() || !page.live) return;
  document.addEventListener("input", (event) => {
    if (!event.target.closest("care-composer")) return;
    typed = Date.now();
    beat();
  });
  for (const name of ["focus", "blur", "visibilitychange"]) addEventListener(name, () => setTimeout(beat, 50));
  document.addEventListener("visibilitychange", beat);
  document.addEventListener("care:opened", beat);
  document.addEventListener("htmx:after:swap", draw);
  addEventListener("pageshow", () => (gone = false));
  addEventListener("pagehide", () => {
    gone = true;
    if (said.what) send(said.ticket, "");
    said = { ticket: "", what: "", at: 0 };
  });
  setInterval(beat, 1000);
  beat();
}
