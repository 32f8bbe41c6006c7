/** A session that ended: sign-in in a small window, while the page and what is typed in it stay. */
import { find, page } from "./net.js";
import { errorCard, toast } from "./elements/toast.js";

const WINDOW = "zabota-sign-in";
const channel = new BroadcastChannel("zabota-sign-in");

/** Asks to sign in; without a dialog (nobody was signed in) a card says it. */
export function ask(request = "") {
  const dialog = document.getElementById("signed-out");
  if (!dialog) errorCard(401, request);
  else if (!dialog.open) dialog.showModal();
}

/** The present page once more: for whom it is, and the new secret of its forms. */
async function back() {
  const dialog = document.getElementById("signed-out");
  const response = await fetch("/profile/", { credentials: "same-origin" });
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").body.dataset;
  if (!fresh.csrf || !fresh.user) return;
  if (fresh.user !== page.user) return location.reload();
  page.csrf = fresh.csrf;
  for (const one of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) one.value = fresh.csrf;
  if (!dialog?.open) return;
  dialog.close();
  toast(dialog.dataset.done);
  document.dispatchEvent(new CustomEvent("care:signed-in"));
}

export function start() {
  if (window.name === WINDOW && page.user) {
    channel.postMessage("signed in");
    window.close();
  }
  channel.addEventListener("message", back);
  find("[data-sign-in]")?.addEventListener("click", (event) => {
    const opened = window.open(event.currentTarget.href, WINDOW, "popup,width=480,height=680");
    if (opened) event.preventDefault();
  });
}
