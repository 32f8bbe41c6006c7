/**
 * <care-composer>: reply and note over one form. The mode never changes by itself; changing it keeps
 * the text. The draft is kept by the server every second, and in sessionStorage in between. Ctrl+Enter sends.
 */
import { page, soon } from "../net.js";
import { words } from "./toast.js";

const MODES = ["reply", "note"];

export class CareComposer extends HTMLElement {
  connectedCallback() {
    this.files = [];
    this.form = this.querySelector("form");
    this.text = this.querySelector(".composer-text");
    this.input = this.querySelector("input[type=file]");
    this.list = this.querySelector(".uploads");
    this.save = soon(() => this.keep(), 300);
    this.saveFar = soon(() => this.keepFar(), 1000);
    this.restore();
    this.text.setSelectionRange(this.text.value.length, this.text.value.length);
    this.text.addEventListener("input", () => {
      this.say("");
      this.save();
      this.saveFar();
    });
    this.querySelector(".composer-address")?.addEventListener("change", () => this.saveFar());
    this.text.addEventListener("keydown", (event) => this.keyed(event));
    this.text.addEventListener("paste", (event) => this.take(event, event.clipboardData?.files));
    this.input.addEventListener("change", () => this.add([...this.input.files]));
    this.addEventListener("click", (event) => this.clicked(event));
    for (const name of ["dragover", "dragleave", "drop"]) this.addEventListener(name, (event) => this.dragged(event));
    this.form.addEventListener("htmx:config:request", (event) => this.prepare(event));
    this.form.addEventListener("htmx:before:request", () => this.busy(true));
    this.form.addEventListener("htmx:finally:request", () => this.busy(false));
    this.form.addEventListener("htmx:after:request", (event) => this.answered(event.detail.ctx));
  }

  disconnectedCallback() {
    if (!this.text) return;
    this.keep();
    if (this.unsaved) this.keepFar();
  }

  get mode() {
    return this.dataset.mode;
  }

  get canReply() {
    return Boolean(this.querySelector(".composer-tab[data-mode=reply]"));
  }

  setMode(mode, focus = true) {
    if (mode === "reply" && !this.canReply) return;
    if (mode !== this.mode) {
      sessionStorage.removeItem(this.key(this.mode));
      if (this.text.value) this.keepFar("");
      this.dataset.mode = mode;
      for (const tab of this.querySelectorAll(".composer-tab")) tab.setAttribute("aria-checked", tab.dataset.mode === mode);
      this.text.placeholder = this.text.dataset[mode];
      this.keep();
      if (this.text.value) this.saveFar();
    }
    if (focus) this.text.focus();
  }

  key(mode) {
    return `draft:${page.user}:${this.dataset.ticket}:${mode}`;
  }

  keep() {
    const text = this.text.value;
    const near = this.near(this.mode);
    this.unsaved = text !== (near?.text ?? "") || Boolean(near && !near.at);
    if (!text) sessionStorage.removeItem(this.key(this.mode));
    else if (text !== near?.text) this.put(this.mode, text, 0);
  }

  /** What this tab knows of the draft; `at` is when the server kept it, 0 as long as it did not. */
  near(mode) {
    try {
      return JSON.parse(sessionStorage.getItem(this.key(mode)));
    } catch {
      return null;
    }
  }

  put(mode, text, at) {
    sessionStorage.setItem(this.key(mode), JSON.stringify({ text, at }));
  }

  async keepFar(text = this.text.value, mode = this.mode) {
    if (this.sent && text === this.sent) return;
    const to = this.querySelector(".composer-address")?.value ?? "";
    try {
      const response = await fetch(`/t/${this.dataset.ticket}/draft/`, {
        method: "POST",
        credentials: "same-origin",
        keepalive: text.length < 10000,
        headers: { "X-CSRFToken": page.csrf, "HX-Request": "true" },
        body: new URLSearchParams({ mode, text, to }),
      });
      if (!response.ok) return;
      const { at } = await response.json();
      this.unsaved = false;
      if (this.near(mode)?.text === text) this.put(mode, text, at);
      document.dispatchEvent(new CustomEvent("care:drafted", { detail: { number: this.dataset.ticket } }));
    } catch {
      // The text stays in this tab; the next key tries again.
    }
  }

  /** The text of this tab, unless the server has a newer one, of another tab or device. */
  restore() {
    const found = MODES.find((mode) => this.near(mode)?.text);
    if (!found) return;
    const { text, at } = this.near(found);
    const far = Number(this.dataset.keptAt);
    if (this.text.value && at && far > at) return;
    this.text.value = text;
    this.setMode(found, false);
  }

  send(then = "") {
    const button = this.mode === "note" ? this.querySelector("[formaction]") : this.querySelector(`[name=then][value="${then}"]`);
    if (!this.text.value.trim() && !this.files.length) {
      this.say(this.dataset.empty);
      this.text.focus();
    } else if (button && !this.sending) this.form.requestSubmit(button);
  }

  keyed(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    this.send(event.shiftKey && this.mode === "reply" ? "solve" : "");
  }

  clicked(event) {
    const tab = event.target.closest(".composer-tab");
    if (tab) this.setMode(tab.dataset.mode);
    const choice = event.target.closest("[data-guard]");
    if (choice) this.guarded(choice.dataset.guard);
    const remove = event.target.closest("[data-file]");
    if (remove) {
      this.files.splice(Number(remove.dataset.file), 1);
      this.show();
    }
  }

  dragged(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.classList.toggle("is-dropping", event.type === "dragover");
    if (event.type === "drop") this.add([...event.dataTransfer.files]);
  }

  take(event, files) {
    if (!files?.length) return;
    event.preventDefault();
    this.add([...files]);
  }

  add(files) {
    const limit = Number(this.dataset.maxMb) * 1024 * 1024;
    const large = files.filter((file) => file.size > limit);
    this.files.push(...files.filter((file) => file.size <= limit));
    this.say(large.map((file) => this.dataset.tooLarge.replace("{name}", file.name)).join(" "));
    this.show();
  }

  show() {
    const bag = new DataTransfer();
    for (const file of this.files) bag.items.add(file);
    this.input.files = bag.files;
    this.list.replaceChildren(...this.files.map((file, index) => this.line(file, index)));
    this.text.required = this.files.length === 0;
  }

  line(file, index) {
    const item = document.createElement("li");
    item.className = "upload";
    const name = document.createElement("span");
    name.className = "cut";
    name.textContent = file.name;
    const remove = document.createElement("button");
    Object.assign(remove, { type: "button", className: "button is-icon", title: this.dataset.remove });
    remove.dataset.file = index;
    remove.setAttribute("aria-label", `${this.dataset.remove}: ${file.name}`);
    remove.innerHTML = `<svg class="ic" aria-hidden="true"><use href="${page.icons}#x"/></svg>`;
    item.append(name, remove);
    return item;
  }

  /** The server refuses a reply written before the newest message was seen (rule 20). */
  prepare(event) {
    const { request } = event.detail.ctx;
    request.action = request.submitter?.getAttribute("formaction") || this.form.getAttribute("action");
    const last = document.getElementById("messages")?.dataset.last;
    if (last) request.body.set("seen", last);
  }

  /** What to do with an answer that was written before the newest message was seen (rule 20). */
  guarded(choice) {
    this.say("");
    if (choice === "send") return this.send(this.stopped ?? "");
    if (choice === "discard") {
      this.text.value = "";
      this.keep();
      this.keepFar("");
      this.files = [];
      this.show();
    }
    this.text.focus();
  }

  busy(on) {
    this.sending = on;
    this.form.setAttribute("aria-busy", on);
    for (const button of this.querySelectorAll("[type=submit]")) button.disabled = on;
  }

  answered(ctx) {
    const { status } = ctx.response;
    if (status < 400) return this.clear();
    if (status === 422 || status === 409) {
      const answer = new DOMParser().parseFromString(ctx.text, "text/html").body.textContent.trim();
      this.say(answer || words(status).title);
      if (status === 409 && this.mode === "reply") this.stop(ctx.request.submitter?.value ?? "");
    }
  }

  clear() {
    this.sent = this.text.value;
    this.text.value = "";
    this.keep();
    this.querySelector(".composer-address")?.options[0] && (this.querySelector(".composer-address").selectedIndex = 0);
    this.files = [];
    this.show();
    this.say("");
  }

  /** The choices appear and take the focus; the page fetches what is new meanwhile. */
  stop(then) {
    this.stopped = then;
    const guard = this.querySelector(".composer-guard");
    guard.hidden = false;
    guard.querySelector("[data-guard=edit]").focus();
  }

  say(text) {
    this.querySelector(".composer-guard").hidden = true;
    const box = this.querySelector(".composer-error");
    box.hidden = !text;
    box.querySelector("span").textContent = text;
  }
}

customElements.define("care-composer", CareComposer);
