/** An answer that is held back for some seconds: how long still, and taking it back (rule 19). */
import { errorCard, toast } from "./elements/toast.js";
import { page, post } from "./net.js";
import * as panes from "./panes.js";

class CareLeft extends HTMLElement {
  connectedCallback() {
    this.end = Date.now() + 1000 * Number(this.getAttribute("seconds"));
    this.timer = setInterval(() => this.show(), 250);
    this.show();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  show() {
    const left = Math.max(Math.ceil((this.end - Date.now()) / 1000), 0);
    if (this.textContent !== String(left)) this.textContent = left;
    // Its line in the conversation goes when the sent answer takes its place.
    if (!left) this.closest(".toast")?.remove();
  }
}

customElements.define("care-left", CareLeft);

async function takeBack(button) {
  button.disabled = true;
  try {
    const response = await post(button.dataset.takeBack);
    if (response.ok) return location.assign(button.dataset.page);
    if (response.status === 422) toast(button.dataset.late);
    else errorCard(response.status, response.headers.get("X-Request-Id") ?? "");
    button.closest(".toast")?.remove();
    panes.refresh();
  } catch {
    errorCard(0);
    button.disabled = false;
  }
}

/** The next ticket is shown already: the note says how to get the last answer back. */
function note({ url, page: place, seconds, text, undo, late }) {
  const box = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  const left = document.createElement("care-left");
  left.setAttribute("seconds", seconds);
  box.querySelector(".grow").append(text, " ", left);
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button is-outline", textContent: undo });
  Object.assign(button.dataset, { takeBack: url, page: place, late, key: "Z" });
  button.setAttribute("aria-keyshortcuts", "Z");
  box.querySelector(".grow").after(button);
  box.addEventListener("click", (event) => event.target.closest("[data-close]") && box.remove());
  document.getElementById("toast-list").append(box);
}

export function start() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-take-back]");
    if (!button) return;
    event.preventDefault();
    takeBack(button);
  });
  document.addEventListener("care-held", (event) => note(event.detail.value ?? event.detail));
  document.addEventListener("care:drafted", (event) => page.user && panes.forget(event.detail.number));
}
