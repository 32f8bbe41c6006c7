/** Fetching and swapping fragments, and saying in words what went wrong. */
export const page = document.body.dataset;

export class Refused extends Error {
  constructor(status, request = "", text = "") {
    super(`status ${status}`);
    Object.assign(this, { status, request, text });
  }
}

/** A session that ended answers with a redirect to the sign-in page, which fetch follows. */
export const signedOut = (response) =>
  response.redirected && new URL(response.url).pathname.startsWith("/account/");

/** The text of a fragment; "" for 204. Throws Refused, or AbortError when it became stale. */
export async function get(url, signal) {
  let response;
  try {
    response = await fetch(url, { signal, credentials: "same-origin", headers: { "HX-Request": "true", Accept: "text/html" } });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refused(0);
  }
  const request = response.headers.get("X-Request-Id") ?? "";
  if (signedOut(response)) throw new Refused(401, request);
  if (!response.ok) throw new Refused(response.status, request);
  return response.status === 204 ? "" : response.text();
}

export function post(url) {
  return fetch(url, { method: "POST", credentials: "same-origin", headers: { "X-CSRFToken": page.csrf, "HX-Request": "true" } });
}

/** Puts HTML into the page by htmx, so that its attributes, partials and morphing work. */
export function swap(target, text, style) {
  return window.htmx.swap({ text, target, swap: style, sourceElement: document.body });
}

export const find = (selector, root = document) => root.querySelector(selector);
export const workspace = () => document.getElementById("workspace");

/** Runs `job` once, `delay` ms after the first call. */
export function soon(job, delay) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      job();
    }, delay);
  };
}
