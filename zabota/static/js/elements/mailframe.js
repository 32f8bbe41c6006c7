/** <care-mailframe>: the sandboxed sheet of an HTML mail takes the height of its contents. */
import { get } from "../net.js";
import { errorCard } from "./toast.js";

const heights = new Map();

class CareMailframe extends HTMLElement {
  connectedCallback() {
    const frame = this.querySelector("iframe");
    const known = heights.get(this.dataset.key);
    if (known) frame.style.height = `${known}px`;
    frame.addEventListener("load", () => this.watch(frame));
    if (frame.contentDocument?.readyState === "complete") this.watch(frame);
    this.querySelector("[data-remote]")?.addEventListener("click", (event) => this.remote(event, frame));
  }

  disconnectedCallback() {
    this.observer?.disconnect();
  }

  watch(frame) {
    const root = frame.contentDocument?.body;
    if (!root) return;
    this.observer?.disconnect();
    this.observer = new ResizeObserver(() => this.measure(frame));
    this.observer.observe(root);
    this.measure(frame);
  }

  measure(frame) {
    const inside = frame.contentDocument?.documentElement;
    if (!inside) return;
    const log = this.closest(".messages");
    const atEnd = log && log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    const bar = inside.scrollWidth > inside.clientWidth ? 18 : 0;
    const height = Math.ceil(inside.getBoundingClientRect().height) + bar + 2;
    if (Math.abs(height - frame.offsetHeight) < 2) return;
    frame.style.height = `${height}px`;
    heights.set(this.dataset.key, height);
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  async remote(event, frame) {
    event.preventDefault();
    const { href } = event.currentTarget;
    try {
      if (frame.hasAttribute("src")) frame.src = href;
      else frame.srcdoc = await get(href);
      this.querySelector(".remote-note").hidden = true;
    } catch (error) {
      errorCard(error.status ?? 0, error.request);
    }
  }
}

customElements.define("care-mailframe", CareMailframe);
