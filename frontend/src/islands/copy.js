// This file lets people copy the commands of a page.
import { copyBeside } from "../copy.js";

export function mount(element, signal) {
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copyBeside(button);
  }, { signal });
}
