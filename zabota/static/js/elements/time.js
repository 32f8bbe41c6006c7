/** <care-time datetime>: distance from now, brought up to date by one timer for the whole page. */
const language = document.documentElement.lang || "en";
const all = new Set();
const STEPS = [["minute", 60], ["hour", 3600], ["day", 86400]];
const formats = new Map();
const exact = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "medium", timeZone: document.body.dataset.zone || undefined });
const now = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(0, "second");

export function distance(seconds) {
  const size = Math.abs(seconds);
  if (size < 60) return now;
  const [unit, length] = STEPS.findLast(([, one]) => size >= one);
  if (!formats.has(unit)) formats.set(unit, new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }));
  return formats.get(unit).format(Math.floor(size / length));
}

class CareTime extends HTMLElement {
  connectedCallback() {
    all.add(this);
    this.addEventListener("pointerenter", () => (this.title ||= exact.format(new Date(this.getAttribute("datetime")))));
  }
  disconnectedCallback() {
    all.delete(this);
  }
  tell() {
    const moment = Date.parse(this.getAttribute("datetime"));
    const age = (Date.now() - moment) / 1000;
    if (age > 30 * 86400) return;
    const text = distance(age);
    if (this.textContent !== text) this.textContent = text;
  }
}

const tick = () => document.hidden || all.forEach((one) => one.tell());
setInterval(tick, 20_000);
document.addEventListener("visibilitychange", tick);
customElements.define("care-time", CareTime);
