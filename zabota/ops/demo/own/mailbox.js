// Looks for new letters every two seconds; keeps the frame as tall as its letter.
const list = document.getElementById("list");
let shown = list.innerHTML.trim();

async function look() {
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(list.dataset.src, { headers: { Accept: "text/html" } });
      const html = (await answer.text()).trim();
      if (answer.ok && html !== shown) {
        const focused = document.activeElement?.closest("#list a")?.getAttribute("href");
        list.innerHTML = shown = html;
        if (focused) list.querySelector(`a[href="${focused}"]`)?.focus();
      }
    } catch {
      // The server restarts: the next look finds it again.
    }
  }
  setTimeout(look, 2000);
}
setTimeout(look, 2000);

for (const frame of document.querySelectorAll("iframe.sheet")) {
  const fit = () => {
    const body = frame.contentDocument?.body;
    if (body) frame.style.setProperty("height", `${Math.min(body.offsetHeight + 30, 4000)}px`);
  };
  frame.addEventListener("load", fit);
  fit();
}

const menu = document.querySelector(".who");
document.addEventListener("click", (event) => {
  if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") menu.open = false;
});
