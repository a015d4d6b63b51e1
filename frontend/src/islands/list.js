// This file keeps the list of calls alive: rows change in place, new ones arrive without moving what is being read.
import htmx from "htmx.org";
import { isCommand } from "../shortcuts.js";
import { listen } from "../stream.js";

/** At the top of the page a new row may push the others down. */
const TOP_PX = 60;
/** A list that has grown to this waits for the reader to ask for more. */
const MOST_ROWS = 150;
/** Where a search found its words; the reason of a call stands in the same place and is no find. */
const FOUND = ".c-snippet:not(.c-reason)";

export function mount(list, signal) {
  const rows = list.querySelector("[data-rows]");
  const fresh = list.querySelector(".fresh");
  const isFirstPage = "firstPage" in list.dataset;
  const waiting = new Set();
  let reload = 0;

  const reloadSoon = () => {
    clearTimeout(reload);
    reload = setTimeout(() => {
      // The very first calls bring the filters with them.
      if (!document.getElementById("filters")) location.reload();
      else htmx.ajax("GET", list.dataset.address, { target: "#list", swap: "outerHTML" });
    }, 400);
  };

  const showWaiting = () => {
    fresh.hidden = waiting.size === 0;
    fresh.querySelector("[data-fresh]").textContent = waiting.size === 1 ? "1 new call" : `${waiting.size} new calls`;
  };

  const parse = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.querySelector("tr");
  };

  const place = (row) => {
    const key = BigInt(row.dataset.key);
    const before = [...rows.children].find((other) => BigInt(other.dataset.key) < key);
    row.classList.add("call-new");
    rows.insertBefore(row, before ?? null);
    const count = list.querySelector("[data-count]");
    if (count) {
      const number = Number(count.dataset.count) + 1;
      count.dataset.count = number;
      count.textContent = `${number.toLocaleString("en")} ${number === 1 ? "call" : "calls"}`;
    }
  };

  const changed = ({ id, wanted, html }) => {
    const shown = document.getElementById(`call-${id}`);
    if (shown) {
      const row = parse(html);
      // A row found by a search keeps its snippet, which only the search knows.
      const snippet = shown.querySelector(FOUND);
      if (snippet) row.append(snippet);
      const hadFocus = shown.contains(document.activeElement);
      if (row.textContent === shown.textContent) return;
      shown.replaceWith(row);
      if (hadFocus) row.querySelector("a").focus({ preventScroll: true });
    } else if (wanted && isFirstPage) {
      if (!rows) return reloadSoon();
      const isReading = window.scrollY > TOP_PX || rows.contains(document.activeElement);
      if (!isReading && rows.children.length < MOST_ROWS && !list.querySelector(FOUND)) {
        place(parse(html));
      } else {
        waiting.add(id);
        showWaiting();
      }
    }
  };

  const syncs = ({ html, busy }) => {
    const panel = document.getElementById("syncs");
    if (!panel) return;
    if (!panel.contains(document.activeElement) || !busy) {
      panel.innerHTML = html;
      htmx.process(panel);
    }
  };

  listen(list.dataset.events, { call: changed, syncs }, signal);
  signal.addEventListener("abort", () => clearTimeout(reload));

  document.addEventListener("keydown", (event) => {
    if (!isCommand(event) || !rows || (event.key !== "j" && event.key !== "k")) return;
    const links = [...rows.querySelectorAll(".call-link")];
    const at = links.indexOf(document.activeElement);
    const next = links[event.key === "j" ? at + 1 : Math.max(at - 1, 0)];
    if (!next) return;
    event.preventDefault();
    next.focus({ focusVisible: true });
    next.closest("tr").scrollIntoView({ block: "nearest" });
  }, { signal });
}
