// This file shows a password to the person who types it.
export function mount(element, signal) {
  const input = element.querySelector("input");
  const button = element.querySelector("button");
  button.hidden = false;
  button.addEventListener("click", () => {
    const isShown = input.type === "text";
    input.type = isShown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!isShown));
    button.setAttribute("aria-label", isShown ? "Show the password" : "Hide the password");
  }, { signal });
}
