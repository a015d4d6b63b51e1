// This file keeps "2 min ago" true while a page stays open; the words are those of the server.
const EVERY_MS = 15_000;
/** Calls that are going on: their duration runs. */
const RUNNING_EVERY_MS = 1000;

export function ago(at, now = new Date()) {
  const seconds = (now - at) / 1000;
  const far = Math.abs(seconds);
  if (far < 45) return seconds >= 0 ? "just now" : "in a moment";
  const [length, unit] = far < 3600 ? [60, "min"] : far < 86_400 ? [3600, "h"] : [86_400, "d"];
  const number = Math.max(1, Math.floor(far / length + 0.5));
  return seconds > 0 ? `${number} ${unit} ago` : `in ${number} ${unit}`;
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export function keepTimesTrue() {
  const update = () => {
    for (const element of document.querySelectorAll("time[data-ago], time[data-due]")) {
      const at = new Date(element.dateTime);
      const words = "due" in element.dataset && at <= new Date() ? "any moment" : ago(at);
      if (element.textContent !== words) element.textContent = words;
    }
  };
  const run = () => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("time[data-running]")) {
      element.textContent = clock((new Date() - new Date(element.dateTime)) / 1000);
    }
  };
  setInterval(update, EVERY_MS);
  setInterval(run, RUNNING_EVERY_MS);
  document.addEventListener("visibilitychange", update);
}
