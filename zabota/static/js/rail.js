/** The number at "Not delivered": asked for beside the page, and again each minute while somebody looks. */
import { find, get } from "./net.js";

const PAUSE = 60_000;

async function ask(link) {
  if (document.hidden) return;
  try {
    link.innerHTML = await get(link.dataset.count);
  } catch {
    // The page itself says when one is signed out or off line; an old number is no harm.
  }
}

export function start() {
  const link = find("[data-count]");
  if (!link) return;
  ask(link);
  setInterval(() => ask(link), PAUSE);
}
