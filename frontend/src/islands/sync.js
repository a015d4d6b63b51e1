// This file keeps the sync page true: it fetches the page again when something moved, and puts in what differs.
import htmx from "htmx.org";
import { listen } from "../stream.js";

/** However much moves, the page is asked for no more often than this. */
const SOONEST_MS = 2000;
/** Speeds and estimates change with time alone. */
const LATEST_MS = 20_000;

export function mount(cards, signal) {
  let askedAt = Date.now();
  let timer = 0;

  const refresh = async () => {
    askedAt = Date.now();
    plan(LATEST_MS);
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { signal, headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const made = page.getElementById(cards.id);
      if (made) put(made);
    } catch (error) {
      // The server is away: the stream finds out when it is back, and the next look comes by itself.
      if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
    }
  };

  const plan = (inMs) => {
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(refresh, inMs);
  };

  const put = (made) => {
    const ids = (root) => [...root.querySelectorAll("[data-live]")].map((part) => part.id).join(" ");
    if (ids(made) !== ids(cards)) {
      swap(cards, made);
      return;
    }
    for (const part of made.querySelectorAll("[data-live]")) swap(document.getElementById(part.id), part);
  };

  const swap = (shown, made) => {
    if (shown.innerHTML === made.innerHTML) return;
    const focus = shown.contains(document.activeElement) ? document.activeElement : null;
    // Whoever stands on something that would be lost keeps it until they move on.
    if (focus && !(focus.id && made.querySelector(`#${CSS.escape(focus.id)}`))) return;
    const open = [...shown.querySelectorAll("details[open][id]")].map((each) => each.id);
    shown.innerHTML = made.innerHTML;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    htmx.process(shown);
    if (focus) document.getElementById(focus.id).focus({ preventScroll: true });
  };

  listen(cards.dataset.events, { syncs: () => plan(Math.max(0, askedAt + SOONEST_MS - Date.now())) }, signal);
  document.addEventListener("visibilitychange", () => !document.hidden && plan(0), { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  plan(LATEST_MS);
}
