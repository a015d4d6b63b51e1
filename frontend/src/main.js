// This file starts the pages' islands: each element that names one gets it, and loses it when it leaves the page.
import htmx from "htmx.org";
import * as call from "./islands/call.js";
import * as connection from "./islands/connection.js";
import * as corrector from "./islands/corrector.js";
import * as copy from "./islands/copy.js";
import * as list from "./islands/list.js";
import * as menu from "./islands/menu.js";
import * as reveal from "./islands/reveal.js";
import * as sync from "./islands/sync.js";
import * as upload from "./islands/upload.js";
import { keepTimesTrue } from "./times.js";
import { listenForShortcuts } from "./shortcuts.js";

const islands = {
  call: async () => call,
  connection: async () => connection,
  corrector: async () => corrector,
  copy: async () => copy,
  list: async () => list,
  menu: async () => menu,
  reveal: async () => reveal,
  sync: async () => sync,
  upload: async () => upload,
  // The waveform is half of all code: only the page of a call asks for it.
  player: () => import("./islands/player.js"),
};

/** Element -> its AbortController; aborting lets go of everything the island holds. */
const mounted = new Map();

async function mount() {
  for (const [element, controller] of mounted) {
    if (!element.isConnected) {
      controller.abort();
      mounted.delete(element);
    }
  }
  for (const element of document.querySelectorAll("[data-island]")) {
    if (mounted.has(element)) continue;
    const controller = new AbortController();
    mounted.set(element, controller);
    const island = await islands[element.dataset.island]();
    if (controller.signal.aborted) continue;
    island.mount(element, controller.signal);
    element.dataset.ready = "";
  }
}

document.addEventListener("htmx:afterSettle", mount);
// A request that could not be made at all: say so where everybody hears it.
document.addEventListener("htmx:sendError", () => {
  document.getElementById("announcer").textContent = "Aftercall did not answer. Is the server running?";
});

htmx.config.globalViewTransitions = false;
listenForShortcuts();
keepTimesTrue();
mount();
