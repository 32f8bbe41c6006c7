/**
 * One stream for all tabs of a browser (six connections are all HTTP/1.1 gives). The tab that holds
 * the Web Lock reads it and tells the others; events name a ticket and a version, never contents.
 */
import * as signin from "./signin.js";
import { find, get, page, soon, swap, workspace } from "./net.js";
import * as panes from "./panes.js";
import * as presence from "./presence.js";

const name = `zabota-live-${page.user}`;
const tab = Math.random().toString(36).slice(2);
const wants = new Map();
const pending = new Map();
let channel = null;
let leader = false;
let source = null;
let address = "";
let last = "";
let tries = 0;
let live = true;
let alarm = 0;
let poll = 0;
let fresh = new Set();
let told = 0;

const mine = () => ({ queues: workspace()?.dataset.queues ?? "", ticket: panes.openNumber() });
const say = (message) => channel?.postMessage({ tab, ...message });

/** The union of what all tabs show; the server checks it against the viewer's rights. */
function streamAddress() {
  const queues = new Set();
  const tickets = new Set();
  for (const want of wants.values()) {
    want.queues.split(",").filter(Boolean).forEach((one) => queues.add(one));
    if (want.ticket) tickets.add(want.ticket);
  }
  const named = queues.has("all") ? "all" : [...queues].sort((a, b) => a - b).join(",");
  return `${page.live}?queues=${named}&ticket=${[...tickets].join(",")}`;
}

function connect(force = false) {
  if (!leader) return;
  const wanted = streamAddress();
  if (!force && wanted === address && source && source.readyState !== EventSource.CLOSED) return;
  // The old stream stays until the new one is open: a fact told twice is harmless, a lost one is not.
  const old = source;
  address = wanted;
  // A new EventSource forgets Last-Event-ID, so the place to resume from travels in the address.
  // A page that has heard nothing yet says when it was drawn: mail came while it was on its way.
  source = new EventSource(wanted + (last ? `&last=${encodeURIComponent(last)}` : `&since=${page.drawn}`));
  const from = source;
  source.onopen = () => {
    old?.close();
    tries = 0;
    state(true);
    everybody([]);
  };
  source.onerror = () => {
    old?.close();
    if (from !== source) return;
    state(false);
    if (from.readyState === EventSource.CLOSED) again();
  };
  source.addEventListener("signed-out", () => {
    from.close();
    panes.drop();
    signin.ask();
  });
  source.addEventListener("bye", () => {
    from.close();
    setTimeout(() => connect(true), 200 + Math.random() * 1000);
  });
  source.addEventListener("reset", (event) => {
    const { spread = 0 } = JSON.parse(event.data);
    say({ kind: "reset", spread });
    setTimeout(catchUp, Math.random() * spread);
  });
  source.addEventListener("people", (event) => people(JSON.parse(event.data)));
  source.addEventListener("crowd", (event) => everybody(JSON.parse(event.data).tickets));
  source.addEventListener("here", (event) => {
    last = event.lastEventId || last;
    say({ kind: "here", last });
  });
  source.addEventListener("ticket", (event) => {
    last = event.lastEventId || last;
    const fact = JSON.parse(event.data);
    say({ kind: "ticket", fact, last });
    hear(fact);
  });
}

function people(fact) {
  say({ kind: "people", fact });
  presence.hear(fact);
}

function everybody(tickets) {
  say({ kind: "crowd", tickets });
  presence.all(tickets);
}

const reconnect = soon(() => connect(), 300);

function again() {
  tries = Math.min(tries + 1, 5);
  setTimeout(() => connect(true), 500 * 2 ** tries * (0.5 + Math.random() / 2));
}

/** After three seconds without a link the page says so and asks every fifteen seconds instead. */
function state(ok) {
  if (leader) say({ kind: "state", ok });
  if (ok) {
    clearTimeout(alarm);
    clearInterval(poll);
    alarm = poll = 0;
    if (!live) catchUp();
    live = true;
    banner(false);
  } else if (!alarm) {
    alarm = setTimeout(() => {
      live = false;
      banner(true);
      presence.all([]);
      poll = setInterval(catchUp, 15_000);
    }, 3000);
  }
}

function banner(on) {
  const box = document.getElementById("not-live");
  if (!box) return;
  box.hidden = !on;
  if (on) find("b", box).textContent = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", timeZone: page.zone || undefined });
}

async function catchUp() {
  await Promise.all([list(), panes.refresh()]);
}

function hear(fact) {
  const known = Number(document.getElementById(`row-${fact.id}`)?.dataset.v ?? -1);
  const open = panes.openNumber() === String(fact.id) ? Number(find("#pane").dataset.v) : Infinity;
  if (fact.v <= Math.min(known, open) && known >= 0) return;
  pending.set(String(fact.id), fact);
  // Where many hear the same, each asks at a moment of his own.
  setTimeout(flush, Math.random() * (fact.spread ?? 0));
}

const flush = soon(async () => {
  const facts = [...pending.values()];
  pending.clear();
  for (const fact of facts) panes.forget(fact.id);
  if (facts.some((fact) => String(fact.id) === panes.openNumber())) panes.refresh();
  if (!document.getElementById("rows")) return;
  const busy = facts.length > 8;
  const message = (fact) => fact.kind !== "acted";
  if (calm() && (busy || facts.some((fact) => message(fact) || !rowOf(fact)))) await list();
  else for (const fact of facts.slice(0, 20)) await row(fact);
}, 150);

const rowOf = (fact) => document.getElementById(`row-${fact.id}`);

/** The list may move only while nobody is looking into the middle of it (rule 10). */
function calm() {
  const scroll = document.getElementById("list-scroll");
  return scroll.scrollTop < 8 && !document.activeElement?.closest("#rows");
}

async function row(fact) {
  const line = rowOf(fact);
  let html = "";
  try {
    html = await get(`/t/${fact.id}/row/?view=${workspace().dataset.view}`);
  } catch (error) {
    if (error.status !== 404 && error.status !== 403) return;
  }
  if (line && html) await swap(line, html, "outerMorph");
  else if (line && panes.openNumber() === String(fact.id)) line.classList.add("is-gone");
  else if (line) line.remove();
  else if (html) arrived(fact.id);
  panes.mark();
}

function arrived(id) {
  fresh.add(String(id));
  const bar = document.getElementById("list-new");
  find("b", bar).textContent = fresh.size;
  bar.hidden = false;
  announce();
}

function announce() {
  const voice = document.getElementById("announce");
  if (!voice || Date.now() - told < 30_000) return;
  told = Date.now();
  voice.textContent = "";
  setTimeout(() => (voice.textContent = voice.dataset.new), 50);
}

/** The first page again; pages loaded below it stay. */
export async function list() {
  const rows = document.getElementById("rows");
  if (!rows) return;
  let html;
  try {
    html = await get(rows.dataset.src);
  } catch {
    return;
  }
  const before = new Set([...rows.children].map((line) => line.id));
  const page1 = document.createElement("template");
  page1.innerHTML = html;
  const kept = [...rows.querySelectorAll(":scope > li")].slice(50).filter((line) => !page1.content.getElementById(line.id));
  if (kept.length) {
    page1.content.getElementById("older")?.remove();
    html = page1.innerHTML + kept.map((line) => line.outerHTML).join("");
  }
  await swap(rows, html, "innerMorph");
  document.getElementById("list-empty")?.toggleAttribute("hidden", rows.querySelector(".row") !== null);
  const news = [...rows.children].filter((line) => line.id !== "older" && !before.has(line.id));
  if (news.length) announce();
  for (const line of news) line.classList.add("is-fresh");
  fresh = new Set();
  document.getElementById("list-new").hidden = true;
  panes.mark();
  panes.watch();
}

function listen({ data }) {
  if (data.kind === "ticket") {
    last = data.last;
    hear(data.fact);
  }
  if (data.kind === "here") last = data.last;
  if (data.kind === "state") state(data.ok);
  if (data.kind === "reset") setTimeout(catchUp, Math.random() * data.spread);
  if (data.kind === "people") presence.hear(data.fact);
  if (data.kind === "crowd") presence.all(data.tickets);
  if (data.kind === "who") say({ kind: "want", want: mine() });
  if (data.kind === "out") location.assign("/");
  if (!leader) return;
  if (data.kind === "want") {
    wants.set(data.tab, data.want);
    say({ kind: "state", ok: source?.readyState === EventSource.OPEN });
    say({ kind: "crowd", tickets: presence.known() });
    reconnect();
  }
  if (data.kind === "gone" && wants.delete(data.tab)) reconnect();
}

function want() {
  if (leader) {
    wants.set(tab, mine());
    reconnect();
  } else say({ kind: "want", want: mine() });
}

function lead() {
  leader = true;
  wants.clear();
  wants.set(tab, mine());
  say({ kind: "who" });
  connect(true);
}

/** Tells the other tabs that the user left. */
export const leave = () => say({ kind: "out" });

export function start() {
  if (!page.live || !page.user) return;
  channel = new BroadcastChannel(name);
  channel.onmessage = listen;
  addEventListener("pagehide", () => say({ kind: "gone" }));
  document.addEventListener("care:opened", want);
  document.addEventListener("care:acted", (event) => hear({ id: event.detail.number, v: Infinity, kind: "acted" }));
  document.getElementById("list-new")?.addEventListener("click", () => {
    document.getElementById("list-scroll").scrollTop = 0;
    list();
  });
  let hidden = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hidden = Date.now();
    else if (!live || Date.now() - hidden > 60_000) catchUp();
  });
  // Web Locks need a secure context; without it every tab reads its own stream.
  if (navigator.locks) {
    navigator.locks.request(name, () => (lead(), new Promise(() => {})));
    want();
  } else lead();
}
