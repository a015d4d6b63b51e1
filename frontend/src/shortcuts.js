// This file hears the keys that work on every page, and tells the islands which presses are meant as commands.

/** Whether a key press is a command: not while somebody types, not with a modifier, not over an open dialog. */
export function isCommand(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (document.querySelector("dialog[open]")) return false;
  return !event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

function openShortcuts() {
  document.getElementById("shortcuts")?.showModal();
}

export function listenForShortcuts() {
  document.addEventListener("keydown", (event) => {
    if (!isCommand(event)) return;
    if (event.key === "?") {
      event.preventDefault();
      openShortcuts();
    } else if (event.key === "/") {
      const search = document.getElementById("q");
      if (!search) return;
      event.preventDefault();
      search.select();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-opens=shortcuts]")) openShortcuts();
  });
}
