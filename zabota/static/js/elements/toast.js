/** Short notes (role=status) and error cards (role=alert) that say what to do and carry the request id. */
const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

function place(box, list, life) {
  box.addEventListener("click", (event) => event.target.closest("[data-close]") && box.remove());
  const holder = document.getElementById(list);
  while (holder.children.length > 2) holder.firstElementChild.remove();
  holder.append(box);
  if (!life) return;
  let timer = setTimeout(() => box.remove(), life);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => (timer = setTimeout(() => box.remove(), 3000)));
}

export function toast(text) {
  const box = clone("toast-template");
  box.querySelector(".grow").textContent = text;
  place(box, "toast-list", 6000);
}

/** The words of a status, or of the nearest one that has any. */
export function words(status) {
  const all = document.getElementById("error-template").dataset;
  const code = [status, status >= 500 ? 500 : status >= 400 ? 409 : 0].find((one) => String(one) in all);
  return { title: all[code], advice: all[`${code}Do`], label: all.id };
}

export function errorCard(status, request = "") {
  const box = clone("error-template");
  const { title, advice, label } = words(status);
  box.querySelector("h3").textContent = title;
  box.querySelector("p").textContent = advice;
  box.querySelector("code").textContent = request ? `${label} ${request}` : "";
  const same = [...document.querySelectorAll("#error-list h3")].find((one) => one.textContent === title);
  same?.closest(".error-card").remove();
  place(box, "error-list", 0);
}
