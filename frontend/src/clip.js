// This file plays the sound of one line over and over, at a listener's pace.
const SLOWER = 0.75;

/** Turn a plain <audio> into a looped clip; gives what starts and stops it.
 *
 * @param {HTMLElement} clip holds the audio, the two buttons, and in its data the line's start and end in seconds
 * @param {AbortSignal} signal
 * @param {{start: boolean}} options whether it plays at once
 */
export function mountClip(clip, signal, { start }) {
  const media = clip.querySelector("audio");
  const [play, slower] = [clip.querySelector("[data-clip-play]"), clip.querySelector("[data-clip-slower]")];
  const [from, to] = [Number(clip.dataset.start), Number(clip.dataset.end)];
  media.controls = false;
  // The address says where the clip ends, and a browser would stop there: here it goes round.
  media.src = media.src.replace(/#.*/, "");
  media.preservesPitch = true;
  play.hidden = slower.hidden = false;

  const loop = () => {
    if (signal.aborted || media.paused) return;
    if (media.currentTime >= to || media.currentTime < from - 0.1) media.currentTime = from;
    requestAnimationFrame(loop);
  };
  const toggle = () => {
    if (!media.paused) {
      media.pause();
      return;
    }
    document.dispatchEvent(new CustomEvent("aftercall:clip-starts"));
    if (media.currentTime < from || media.currentTime >= to - 0.05) media.currentTime = from;
    media.play().catch((error) => {
      // A browser that wants a click first leaves the button as it is.
      if (!["AbortError", "NotAllowedError"].includes(error.name)) play.textContent = "The sound cannot be played";
    });
  };
  const on = (target, name, handle) => target.addEventListener(name, handle, { signal });
  on(play, "click", toggle);
  on(slower, "click", () => {
    const isSlow = slower.getAttribute("aria-pressed") !== "true";
    media.playbackRate = isSlow ? SLOWER : 1;
    slower.setAttribute("aria-pressed", String(isSlow));
  });
  on(media, "play", () => {
    play.setAttribute("data-playing", "");
    play.setAttribute("aria-label", "Stop the clip");
    requestAnimationFrame(loop);
  });
  on(media, "pause", () => {
    play.removeAttribute("data-playing");
    play.setAttribute("aria-label", "Play the clip");
  });
  signal.addEventListener("abort", () => media.pause());
  if (start) toggle();
  return toggle;
}
