/**
 * The list and the conversation: opening without waiting. Panes come from a small memory of
 * server-made HTML, filled by hovering and by neighbours, and are checked again behind the scenes.
 */
import { errorCard } from "./elements/toast.js";
import * as signin from "./signin.js";
import { find, get, page, post, swap, workspace } from "./net.js";

const LIMIT = 40;
const cache = new Map();
const asked = new Map();
let current = "";
let running = null;
const seen = new Map();
let reading = 0;
let putBack = "";

const key = (url) => `${page.user}|${page.version}|${url}`;
const box = () => document.getElementById("conversation");
const links = () => [...document.querySelectorAll("#rows a[data-pane]")];
/** `/t/42/?view=mine` → `/t/42/pane/?view=mine` */
const paneOf = (link) => link.getAttribute("href").replace(/^(\/t\/\d+\/)/, "$1pane/");
const numberOf = (url) => url.match(/\/t\/(\d+)\//)?.[1] ?? "";

export const openNumber = () => find("#pane", box() ?? document)?.dataset.ticket ?? "";

function put(url, html) {
  cache.delete(key(url));
  cache.set(key(url), html);
  if (cache.size > LIMIT) cache.delete(cache.keys().next().value);
}

/** Nothing of a former user may stay in memory. */
export function drop() {
  cache.clear();
  running?.abort();
}

export function forget(number) {
  for (const one of cache.keys()) if (numberOf(one) === String(number)) cache.delete(one);
}

export function mark() {
  const number = numberOf(current) || openNumber();
  for (const link of links()) {
    if (numberOf(paneOf(link)) === number && number) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

async function prefetch(link) {
  if (!link) return;
  const url = paneOf(link);
  if ( cache.has(key(url)) || asked.has(url)) return;
  asked.set(url, true);
  try {
    put(url, await get(url));
  } catch {
    // A prefetch that fails is asked again when the ticket is really opened.
  } finally {
    asked.delete(url);
  }
}

function neighbours() {
  const all = links();
  const at = all.findIndex((link) => link.hasAttribute("aria-current"));
  if (at >= 0) (window.requestIdleCallback ?? setTimeout)(() => [all[at + 1], all[at - 1]].forEach(prefetch));
}

async function show(html, same) {
  const log = find("#messages");
  const atEnd = !same || !log || log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  await swap(box(), html, same ? "innerMorph" : "innerHTML");
  const now = find("#messages");
  if (now && atEnd) now.scrollTop = now.scrollHeight;
}

/** The mark "read", once the ticket was looked at for a second (rule 9), unless it was put back. */
function readSoon() {
  clearTimeout(reading);
  const { ticket, news } = find("#pane")?.dataset ?? {};
  if (!news || document.hidden || ticket === putBack || seen.get(ticket) === news) return;
  const line = document.getElementById(`row-${ticket}`);
  if (line && !line.classList.contains("is-unread")) return;
  reading = setTimeout(async () => {
    if (document.hidden || openNumber() !== ticket) return;
    const response = await post(`/t/${ticket}/read/?upto=${news}`).catch(() => null);
    if (!response?.ok) return;
    seen.set(ticket, news);
    const row = document.getElementById(`row-${ticket}`);
    row?.classList.remove("is-unread");
    find(".row-dot", row ?? document.createElement("li"))?.remove();
  }, 1000);
}

/** What follows a newly shown ticket: title, the client's card, the mark "read". */
function settle() {
  const pane = find("#pane");
  if (!pane) return;
  if (pane.dataset.title) document.title = pane.dataset.title;
  context(pane.dataset.ticket);
  readSoon();
  document.dispatchEvent(new CustomEvent("care:opened", { detail: { number: pane.dataset.ticket } }));
}

function failed(error) {
  if (error.status === 401) signin.ask(error.request);
  else errorCard(error.status ?? 0, error.request);
}

async function context(number) {
  const panel = document.getElementById("context");
  if (!panel || !number || panel.dataset.ticket === number) return;
  try {
    const html = await get(`/t/${number}/context/`);
    if (openNumber() !== number) return;
    panel.dataset.ticket = number;
    await swap(panel, html, "innerMorph");
  } catch (error) {
    if (error.status !== 404) failed(error);
  }
}

/** Shows the pane of a link at once when it is known, and lets the server correct it. */
export async function open(link, push = true) {
  const url = paneOf(link);
  running?.abort();
  const mine = (running = new AbortController());
  current = url;
  putBack = "";
  mark();
  workspace().dataset.pane = "ticket";
  if (push && location.href !== link.href) history.pushState({ pane: url }, "", link.href);
  const known = cache.get(key(url));
  const same = openNumber() === numberOf(url);
  if (known) {
    await show(known, same);
    settle();
  }
  await fetchInto(url, mine, known, same || Boolean(known));
  neighbours();
}

async function fetchInto(url, mine, known, morph) {
  const main = box().parentElement;
  if (!known) main.classList.add("is-loading");
  const slow = known ? 0 : setTimeout(() => main.classList.add("is-slow"), 150);
  try {
    const html = await get(url, mine.signal);
    put(url, html);
    if (current !== url || html === known) return;
    await show(html, morph);
    if (!known) settle();
  } catch (error) {
    if (error.name !== "AbortError") failed(error);
  } finally {
    clearTimeout(slow);
    if (current === url) main.classList.remove("is-loading", "is-slow");
  }
}

/** Brings the open conversation up to date; what is being typed stays. */
export async function refresh() {
  const number = openNumber();
  if (!number) return;
  const url = current && numberOf(current) === number ? current : `/t/${number}/pane/?view=${workspace().dataset.view}`;
  try {
    const html = await get(url);
    put(url, html);
    if (openNumber() === number) await show(html, true);
    readSoon();
  } catch (error) {
    if (error.status === 401) failed(error);
  }
}

/** The next or previous ticket of the list. */
export function step(by) {
  const all = links();
  const at = all.findIndex((link) => link.hasAttribute("aria-current"));
  const link = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
  if (!link || (at >= 0 && all[at] === link)) return;
  link.scrollIntoView({ block: "nearest" });
  if (document.activeElement?.closest("#rows")) link.focus({ preventScroll: true });
  open(link);
}

export function back() {
  workspace().dataset.pane = "list";
  const link = links().find((one) => one.hasAttribute("aria-current"));
  link?.focus();
}

async function older(link) {
  if (link.getAttribute("aria-busy")) return;
  link.setAttribute("aria-busy", "true");
  try {
    await swap(link.closest("li"), await get(link.dataset.older), "outerHTML");
    watch();
  } catch (error) {
    link.removeAttribute("aria-busy");
    failed(error);
  }
}

const near = new IntersectionObserver((entries) => entries.forEach((entry) => entry.isIntersecting && older(entry.target)), { rootMargin: "400px" });

export function watch() {
  near.disconnect();
  const link = find("[data-older]");
  if (link) near.observe(link);
}

function clicked(event) {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("a[data-pane]");
  if (link) {
    event.preventDefault();
    open(link);
  }
  const more = event.target.closest("a[data-older]");
  if (more) {
    event.preventDefault();
    older(more);
  }
  if (event.target.closest("[data-back]") && links().length) {
    event.preventDefault();
    if (history.state?.pane) history.back();
    else back();
  }
}

function travelled(event) {
  const url = event.state?.pane;
  const link = url && links().find((one) => paneOf(one) === url);
  if (link) open(link, false);
  else if (location.pathname.startsWith("/t/")) location.reload();
  else back();
}

export function start() {
  if (!workspace() || !box()) return;
  document.addEventListener("click", clicked);
  window.addEventListener("popstate", travelled);
  let hover = 0;
  find("#rows")?.addEventListener("pointerover", (event) => {
    clearTimeout(hover);
    const link = event.target.closest("a[data-pane]");
    if (link && event.pointerType !== "touch") hover = setTimeout(() => prefetch(link), 60);
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx.sourceElement === document.body) return;
    forget(openNumber());
    document.dispatchEvent(new CustomEvent("care:acted", { detail: { number: openNumber() } }));
  });
  document.addEventListener("visibilitychange", readSoon);
  document.addEventListener("care-unread", ({ detail: { number } }) => {
    putBack = String(number);
    seen.delete(putBack);
    clearTimeout(reading);
    document.dispatchEvent(new CustomEvent("care:acted", { detail: { number: putBack } }));
  });
  const pane = find("#pane");
  if (pane) {
    current = `/t/${pane.dataset.ticket}/pane/?view=${workspace().dataset.view}`;
    history.replaceState({ pane: current }, "", location.href);
    const log = find("#messages");
    if (log) log.scrollTop = log.scrollHeight;
    settle();
  }
  mark();
  watch();
  neighbours();
}
