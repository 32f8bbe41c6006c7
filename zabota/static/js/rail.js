/** The numbers at "Burning" and "Not delivered": asked for beside the page, and again each minute while somebody looks. */
import { get } from "./net.js";

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
  const links = document.querySelectorAll("[data-count]");
  if (!links.length) return;
  const all = () => links.forEach(ask);
  all();
  setInterval(all, PAUSE);
}
