// This file opens the forms of a line in its place, sends them, and never loses what somebody typed.
import { isCommand } from "../shortcuts.js";
import { mountClip } from "../clip.js";
import { newPhrases } from "../phrases.js";

const OPENERS = ".turn-tools a[href$='/edit'], a.turn-mark[href$='/history'], a.turn-who[href$='/speaker'], .turn-head a[href$='/mood']";

export function mount(element, signal) {
  let open = null;

  const text = () => open?.panel.querySelector("textarea");
  const isChanged = () => Boolean(text()) && text().value !== open.typedFrom;

  const close = () => {
    if (!open) return;
    open.controller.abort();
    open.panel.remove();
    const { opener } = open;
    open = null;
    document.dispatchEvent(new CustomEvent("aftercall:refresh-call", { detail: { focus: opener } }));
  };

  const say = (...parts) => {
    const note = open.panel.querySelector("[data-line-says]");
    note.replaceChildren(...parts);
    note.hidden = !parts.length;
  };

  /** Close, unless there is a text that somebody has to give up first. */
  const leave = () => {
    if (!isChanged()) {
      close();
      return true;
    }
    const button = (words, act) => {
      const made = Object.assign(document.createElement("button"), { type: "button", className: "button button-small" });
      made.textContent = words;
      made.addEventListener("click", act);
      return made;
    };
    const discard = button("Discard it", close);
    say("Your change is not saved. ", discard, " ", button("Keep editing", () => {
      say();
      text().focus();
    }));
    discard.focus();
    return false;
  };

  const show = (turn, opener, body) => {
    const panel = document.createElement("div");
    panel.className = "line-open";
    const note = Object.assign(document.createElement("p"), { className: "line-says", hidden: true });
    note.dataset.lineSays = "";
    note.setAttribute("role", "alert");
    panel.append(...body.childNodes, note);
    turn.append(panel);
    open = { panel, turn, opener, controller: new AbortController(), typedFrom: panel.querySelector("textarea")?.defaultValue };
    const clip = panel.querySelector("[data-clip]");
    if (clip) open.toggleClip = mountClip(clip, open.controller.signal, { start: Boolean(text()) });
    text()?.addEventListener("input", offerWords, { signal: open.controller.signal });
    (text() ?? panel.querySelector("input:not([type=hidden]), button"))?.focus();
  };

  /** "Learn this word": what is new in the text, as boxes to tick. */
  const offerWords = () => {
    const place = open.panel.querySelector("[data-learn-words]");
    const ticked = new Set([...place.querySelectorAll(":checked")].map((box) => box.value));
    place.replaceChildren(...newPhrases(open.typedFrom, text().value).map((phrase) => {
      const label = Object.assign(document.createElement("label"), { className: "learn-word" });
      const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "learn", value: phrase });
      box.checked = ticked.has(phrase);
      label.append(box, `Learn “${phrase}”`);
      return label;
    }));
  };

  const request = async (address, options) => {
    const answer = await fetch(address, { signal, ...options });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { answer, page, isOurs: new URL(answer.url).pathname.startsWith("/calls/") };
  };

  const openFor = async (opener) => {
    if (open && !leave()) return;
    const turn = opener.closest(".turn");
    const { answer, page, isOurs } = await request(opener.href).catch(() => ({}));
    const body = page?.querySelector("[data-line-body]");
    // Whatever is in the way (signed out, the server away) shows on the form's own page.
    if (!answer?.ok || !isOurs || !body) location.assign(opener.href);
    else show(turn, opener.id, body);
  };

  const problem = (answer, page, isOurs) => {
    if (!isOurs || answer.status === 401) {
      const link = Object.assign(document.createElement("a"), { href: "/login", target: "_blank", textContent: "Sign in in a new tab" });
      say("You are signed out, so nothing was saved. Your text is kept here. ", link, ", then save again.");
    } else {
      const words = page.querySelector(".trouble-what")?.textContent ?? `The server answered ${answer.status}.`;
      say(`Not saved. ${words} Your text is kept here.`);
    }
  };

  const send = async (form, submitter) => {
    const [body, wasIn] = [new FormData(form, submitter), open];
    try {
      const { answer, page, isOurs } = await request(form.action, { method: "POST", body: new URLSearchParams(body) });
      if (answer.ok && isOurs) {
        if (open === wasIn && open) close();
        else document.dispatchEvent(new CustomEvent("aftercall:refresh-call", { detail: {} }));
      } else if (!open) {
        form.submit();
      } else if (answer.status === 409 && page.querySelector(".editor-outdated")) {
        form.elements.expected.value = page.querySelector(".editor [name=expected]").value;
        form.querySelector(".editor-outdated")?.remove();
        form.prepend(page.querySelector(".editor-outdated"));
        text().focus();
      } else problem(answer, page, isOurs);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof TypeError)) throw error;
      if (open) say("Aftercall did not answer, so nothing was saved. Is the server running? Your text is kept here: save again.");
    }
  };

  element.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const opener = event.target.closest(OPENERS);
    const isCancel = event.target.closest("[data-cancel]") && open;
    if (!opener && !isCancel) return;
    event.preventDefault();
    if (isCancel) leave();
    else openFor(opener);
  }, { signal });

  element.addEventListener("submit", (event) => {
    if (!event.target.closest(".turn")) return;
    event.preventDefault();
    send(event.target, event.submitter);
  }, { signal });

  document.addEventListener("keydown", (event) => {
    const isHeld = event.ctrlKey || event.metaKey;
    if (open && isHeld && (event.key === "s" || event.key === "Enter")) {
      event.preventDefault();
      open.panel.querySelector("form.editor")?.requestSubmit();
    } else if (open && event.ctrlKey && event.code === "Space") {
      event.preventDefault();
      open.toggleClip?.();
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      leave();
    } else if (event.key === "e" && isCommand(event)) {
      const turn = document.activeElement?.closest(".turn") ?? element.querySelector(".turn-now");
      const opener = turn?.querySelector(".turn-tools a[href$='/edit']");
      if (!opener) return;
      event.preventDefault();
      openFor(opener);
    }
  }, { signal });

  window.addEventListener("beforeunload", (event) => {
    if (isChanged()) event.preventDefault();
  }, { signal });
}
