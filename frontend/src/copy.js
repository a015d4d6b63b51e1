// This file copies the text beside a button: [data-copy] takes what its parent holds in [data-copied-text].
export async function copyBeside(button) {
  const words = button.parentElement.querySelector("[data-copied-text]");
  const label = button.querySelector("span");
  // Without TLS browsers give no clipboard: mark the text, so that Ctrl+C takes it.
  try {
    await navigator.clipboard.writeText(words.value ?? words.textContent);
    label.textContent = "Copied";
  } catch {
    if (words.select) words.select();
    else getSelection().selectAllChildren(words);
    label.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (label.textContent = "Copy"), 2500);
}
