// This file keeps a call's page true while the call is still being worked on, and moves to its neighbours by key.
import { isCommand } from "../shortcuts.js";
import { listen } from "../stream.js";

/** What may change while the page is open; the player is left alone, so that nobody is interrupted. */
const PARTS = ["call-mood", "call-state", "trouble", "transcript", "side", "lane", "loud"];

export function mount(element, signal) {
  let isAsking = false;
  let isStale = false;

  const refresh = async () => {
    if (isAsking) {
      isStale = true;
      return;
    }
    isAsking = true;
    try {
      const answer = await fetch(location.href, { signal, headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const isSoundNew = page.getElementById("player") && !document.getElementById("player");
      if (isSoundNew) {
        location.reload();
        return;
      }
      for (const id of PARTS) {
        const [shown, made] = [document.getElementById(id), page.getElementById(id)];
        // A line that is being corrected stays as it is; when it closes, the page is asked for again.
        if (shown?.querySelector(".line-open")) continue;
        if (shown && made && shown.innerHTML !== made.innerHTML) shown.innerHTML = made.innerHTML;
      }
      document.dispatchEvent(new CustomEvent("aftercall:call-changed"));
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      isAsking = false;
      if (isStale && !signal.aborted) {
        isStale = false;
        refresh();
      }
    }
  };

  document.addEventListener("aftercall:refresh-call", async (event) => {
    await refresh();
    document.getElementById(event.detail.focus)?.focus({ preventScroll: true });
  }, { signal });

  listen(element.dataset.events, { call: refresh }, signal);

  document.addEventListener("keydown", (event) => {
    if (!isCommand(event) || !["j", "k"].includes(event.key)) return;
    document.querySelector(`.call-steps [data-key=${event.key}][href]`)?.click();
  }, { signal });

  // Uncertain words: the choice is remembered.
  const remembered = "aftercall.unsure";
  const apply = () => {
    const isOn = localStorage.getItem(remembered) !== "off";
    for (const box of element.querySelectorAll("[data-unsure]")) box.checked = isOn;
    element.querySelector("[data-turns]")?.toggleAttribute("data-unsure-on", isOn);
  };
  element.addEventListener("change", (event) => {
    if (!event.target.matches("[data-unsure]")) return;
    localStorage.setItem(remembered, event.target.checked ? "on" : "off");
    apply();
  }, { signal });
  document.addEventListener("aftercall:call-changed", apply, { signal });
  apply();
}
