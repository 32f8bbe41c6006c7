/** The mark of a mail's link is posted by the person's first key or movement: a scanner has none. */
const form = document.getElementById("rate");
const moves = ["pointermove", "pointerdown", "keydown", "touchstart"];
let sent = !form || !("pending" in form.dataset);

async function send(event) {
  if (sent || !event.isTrusted) return;
  sent = true;
  for (const move of moves) removeEventListener(move, send);
  const body = new URLSearchParams({ mark: new FormData(form).get("mark") });
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => null);
  // A redirect is the answer to a mark that was kept; else the button is still there.
  if (answer?.type !== "opaqueredirect") return;
  const told = document.getElementById("rated");
  told.textContent = told.dataset.saved;
}

for (const move of moves) addEventListener(move, send, { passive: true });
