// This file closes the menu when somebody clicks elsewhere or presses Escape.
export function mount(element, signal) {
  document.addEventListener("click", (event) => {
    if (element.open && !element.querySelector("summary").contains(event.target)) element.open = false;
  }, { signal });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    element.open = false;
    element.querySelector("summary").focus();
  }, { signal });
}
