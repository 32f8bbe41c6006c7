/** Boot: what every page needs. Everything here only makes links and forms faster; they work without it. */
import "./elements/time.js";
import "./elements/menu.js";
import "./elements/dialog.js";
import "./elements/mailframe.js";
import "./elements/composer.js";
import { errorCard, toast } from "./elements/toast.js";
import * as held from "./held.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import { find, page, signedOut, workspace } from "./net.js";
import * as panes from "./panes.js";
import * as presence from "./presence.js";
import * as rail from "./rail.js";
import * as signin from "./signin.js";

const remember = (name, value) => {
  document.cookie = `zabota_${name}=${value};path=/;max-age=31536000;samesite=lax`;
};

function requests() {
  document.addEventListener("htmx:config:request", (event) => {
    event.detail.ctx.request.headers["X-CSRFToken"] = page.csrf;
  });
  document.addEventListener("htmx:before:response", (event) => {
    const { response } = event.detail.ctx;
    if (!signedOut(response.raw)) return;
    event.preventDefault();
    signin.ask(response.headers.get("X-Request-Id") ?? "");
  });
  document.addEventListener("htmx:response:error", (event) => {
    const { ctx } = event.detail;
    const inComposer = ctx.sourceElement.closest?.("care-composer");
    if (ctx.response.status === 422 && !inComposer) return;
    ctx.swap = "none";
    if (ctx.response.status === 401) return signin.ask(ctx.response.headers.get("X-Request-Id") ?? "");
    if (ctx.response.status === 409) panes.refresh();
    if (!(inComposer && [409, 422].includes(ctx.response.status))) {
      errorCard(ctx.response.status, ctx.response.headers.get("X-Request-Id") ?? "");
    }
  });
  document.addEventListener("htmx:error", (event) => event.detail.ctx && errorCard(0));
  // The server speaks by HX-Trigger: {"toast": "words"} and {"care-next": true}.
  document.addEventListener("toast", (event) => toast(event.detail.value));
  document.addEventListener("care-next", () => panes.step(1));
}

function theme(value) {
  const root = document.documentElement;
  root.dataset.theme = value;
  find("meta[name=color-scheme]").content = value === "system" ? "light dark" : value;
  remember("theme", value);
  for (const one of document.querySelectorAll("[data-set-theme]")) {
    const state = one.hasAttribute("aria-pressed") ? "aria-pressed" : "aria-checked";
    one.setAttribute(state, one.dataset.setTheme === value);
  }
}

function density(button) {
  const root = document.documentElement;
  root.dataset.density = root.dataset.density === "compact" ? "normal" : "compact";
  button.setAttribute("aria-checked", root.dataset.density === "compact");
  remember("density", root.dataset.density);
}

function drawer(opener) {
  const space = workspace();
  const which = opener.dataset.drawer;
  if (!space) return;
  if (which === "context" && innerWidth >= 1280) space.dataset.context = space.dataset.context === "off" ? "" : "off";
  else space.dataset.drawer = space.dataset.drawer === which ? "" : which;
  if (space.dataset.drawer) find(`#${which} :is(a, button)`)?.focus({ preventScroll: true });
}

function clicks() {
  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    if (at("[data-set-theme]")) theme(at("[data-set-theme]").dataset.setTheme);
    if (at("[data-set-density]")) density(at("[data-set-density]"));
    if (at("[data-sample-toast]")) toast(at("[data-sample-toast]").dataset.sampleToast);
    if (at("[data-drawer-close]")) workspace().dataset.drawer = "";
    if (at("[data-drawer]:not(.workspace)")) {
      event.preventDefault();
      drawer(at("[data-drawer]:not(.workspace)"));
    }
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-logout]")) return;
    panes.drop();
    live.leave();
  });
  // The back/forward cache may show another user's page after a sign-out.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

requests();
clicks();
held.start();
keys.start();
panes.start();
live.start();
presence.start();
rail.start();
signin.start();
