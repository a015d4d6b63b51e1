// This file plays a call: the waveform from stored peaks, the spoken word lit, the text followed, everything by key.
import WaveSurfer from "wavesurfer.js";
import { isCommand } from "../shortcuts.js";
import { clock } from "../times.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];
const SPEED_KEY = "aftercall.speed";
const STEP_S = 5;

export function mount(player, signal) {
  const part = (name) => player.querySelector(`[data-${name}]`);
  const wave = part("wave");
  const duration = Number(player.dataset.duration);
  const peaks = JSON.parse(part("peaks").textContent);
  const media = new Audio();
  media.preload = "metadata";
  media.preservesPitch = true;

  const surfer = WaveSurfer.create({
    container: wave,
    media,
    url: player.dataset.src,
    peaks: peaks.length ? peaks : [[0]],
    duration,
    height: "auto",
    normalize: true,
    barWidth: 2,
    barGap: 1,
    barRadius: 2,
    cursorWidth: 2,
    hideScrollbar: true,
    dragToSeek: true,
    cspNonce: document.querySelector("meta[name=style-nonce]").content,
    ...look(player, peaks.length),
  });
  signal.addEventListener("abort", () => surfer.destroy());
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", () => surfer.setOptions(look(player, peaks.length)), { signal });

  // ---- where we are -------------------------------------------------------------------------------------------

  let text = readText();
  let lit = null;
  let turn = null;
  let isFollowing = true;

  const seek = (seconds, { play = false } = {}) => {
    media.currentTime = Math.min(Math.max(seconds, 0), duration || seconds);
    show(media.currentTime);
    if (play) start();
  };

  const start = () => {
    media.play().catch((error) => {
      if (error.name !== "AbortError") complain();
    });
  };

  const toggle = () => (media.paused ? start() : media.pause());

  const complain = () => {
    const words = part("player-problem");
    words.textContent = "The recording cannot be played: the server did not send it, or this browser cannot decode it.";
    words.hidden = false;
  };

  const show = (seconds) => {
    part("now").textContent = clock(seconds);
    wave.setAttribute("aria-valuenow", String(Math.floor(seconds)));
    wave.setAttribute("aria-valuetext", `${clock(seconds)} of ${clock(duration)}`);
    const nowTurn = last(text.turns, seconds);
    const inTurn = nowTurn && seconds <= nowTurn.end + 0.3 ? nowTurn : null;
    if (inTurn !== turn) {
      turn?.element.classList.remove("turn-now");
      turn = inTurn;
      turn?.element.classList.add("turn-now");
      if (turn && isFollowing && !media.paused) bringIntoView(turn.element);
    }
    const nowWord = last(text.words, seconds);
    const word = nowWord && seconds <= nowWord.end + 0.15 ? nowWord : null;
    if (word !== lit) {
      lit?.element.classList.remove("w-now");
      lit = word;
      lit?.element.classList.add("w-now");
    }
  };

  // `timeupdate` comes four times a second, a word may be shorter: follow by frame while it plays.
  const frame = () => {
    if (signal.aborted) return;
    show(media.currentTime);
    if (!media.paused) requestAnimationFrame(frame);
  };
  const on = (name, handle) => media.addEventListener(name, handle, { signal });
  on("play", () => {
    part("play").setAttribute("data-playing", "");
    part("play").setAttribute("aria-label", "Pause");
    requestAnimationFrame(frame);
  });
  on("pause", () => {
    part("play").removeAttribute("data-playing");
    part("play").setAttribute("aria-label", "Play");
  });
  on("timeupdate", () => show(media.currentTime));
  on("seeked", () => show(media.currentTime));
  on("error", complain);

  // ---- following ----------------------------------------------------------------------------------------------

  let ownScrollUntil = 0;
  const bringIntoView = (element) => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    ownScrollUntil = performance.now() + 1000;
    element.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  };
  const setFollowing = (value) => {
    isFollowing = value;
    part("follow").setAttribute("aria-pressed", String(value));
    if (value && turn) bringIntoView(turn.element);
  };
  // Whoever scrolls by hand wants to read on their own.
  const byHand = () => {
    if (isFollowing && !media.paused) setFollowing(false);
  };
  window.addEventListener("wheel", byHand, { signal, passive: true });
  window.addEventListener("touchmove", (event) => {
    if (!player.contains(event.target)) byHand();
  }, { signal, passive: true });
  window.addEventListener("scroll", () => {
    if (performance.now() > ownScrollUntil && isDragging) byHand();
  }, { signal, passive: true });
  let isDragging = false;
  window.addEventListener("pointerdown", (event) => (isDragging = event.target === document.documentElement), { signal });
  window.addEventListener("pointerup", () => (isDragging = false), { signal });
  part("follow").addEventListener("click", () => setFollowing(!isFollowing), { signal });

  // ---- speed --------------------------------------------------------------------------------------------------

  const setSpeed = (speed) => {
    media.defaultPlaybackRate = speed;
    surfer.setPlaybackRate(speed, true);
    part("speed").textContent = `${speed}×`;
    part("speed").setAttribute("aria-label", `Speed ${speed}`);
    localStorage.setItem(SPEED_KEY, String(speed));
  };
  const speedBy = (step) => {
    const at = SPEEDS.indexOf(surfer.getPlaybackRate());
    setSpeed(SPEEDS[Math.min(Math.max((at < 0 ? 2 : at) + step, 0), SPEEDS.length - 1)]);
  };
  part("speed").addEventListener("click", () => {
    const at = SPEEDS.indexOf(surfer.getPlaybackRate());
    setSpeed(at >= SPEEDS.length - 1 || at < 2 ? 1 : SPEEDS[at + 1]);
  }, { signal });
  const rememberedSpeed = Number(localStorage.getItem(SPEED_KEY));
  setSpeed(SPEEDS.includes(rememberedSpeed) ? rememberedSpeed : 1);

  // ---- hands and keys -----------------------------------------------------------------------------------------

  part("play").addEventListener("click", toggle, { signal });
  document.addEventListener("click", (event) => {
    const word = event.target.closest?.(".w");
    const mark = event.target.closest?.("[data-seek]");
    // Whoever marks text to copy it does not want to hear it.
    if (word && getSelection().isCollapsed) seek(Number(word.dataset.s), { play: true });
    else if (mark) seek(Number(mark.dataset.seek), { play: true });
  }, { signal });

  const turnBy = (step) => {
    const at = text.turns.findIndex((each) => each.start > media.currentTime + 0.05);
    const current = (at < 0 ? text.turns.length : at) - 1;
    // Early in a turn "previous" means the one before, later its own beginning.
    const isLate = step < 0 && current >= 0 && media.currentTime - text.turns[current].start > 1.5;
    const target = text.turns[isLate ? current : current + step];
    if (target) seek(target.start);
  };

  document.addEventListener("keydown", (event) => {
    if (!isCommand(event)) return;
    const isOnControl = event.target.closest("button, a, summary, input");
    const command = {
      " ": isOnControl ? null : toggle,
      ArrowLeft: () => (event.shiftKey ? turnBy(-1) : seek(media.currentTime - STEP_S)),
      ArrowRight: () => (event.shiftKey ? turnBy(1) : seek(media.currentTime + STEP_S)),
      ",": () => speedBy(-1),
      ".": () => speedBy(1),
      f: () => setFollowing(!isFollowing),
      Home: event.target === wave ? () => seek(0) : null,
      End: event.target === wave ? () => seek(duration) : null,
    }[event.key];
    if (!command) return;
    event.preventDefault();
    command();
  }, { signal });

  document.addEventListener("aftercall:clip-starts", () => media.pause(), { signal });
  document.addEventListener("aftercall:call-changed", () => {
    text = readText();
    lit = turn = null;
    show(media.currentTime);
  }, { signal });

  // A link to a second of the call.
  const at = Number(new URL(location.href).searchParams.get("t"));
  if (at > 0) {
    const arrive = () => {
      seek(at);
      if (turn) turn.element.scrollIntoView({ block: "center" });
    };
    if (media.readyState >= HTMLMediaElement.HAVE_METADATA) arrive();
    else media.addEventListener("loadedmetadata", arrive, { once: true, signal });
  }
}

/** The last of these, in order of start, that has begun. */
function last(timed, seconds) {
  let [low, high] = [0, timed.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timed[middle].start <= seconds) low = middle + 1;
    else high = middle;
  }
  return timed[low - 1] ?? null;
}

function readText() {
  const read = (selector, start, end) =>
    [...document.querySelectorAll(selector)]
      .map((element) => ({ element, start: Number(element.dataset[start]), end: Number(element.dataset[end]) }))
      .sort((a, b) => a.start - b.start);
  return { turns: read(".turn", "start", "end"), words: read(".w", "s", "e") };
}

/** The colours as the browser understands them now: a canvas cannot follow the style sheet's variables. */
function look(player, channels) {
  const colour = (name) => {
    const probe = document.createElement("span");
    probe.className = `ink-${name}`;
    player.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const cursorColor = colour("cursor");
  if (channels < 2) return { waveColor: colour("wave"), progressColor: colour("accent"), cursorColor };
  const lanes = [...player.querySelectorAll("[data-lane]")].map((lane) => lane.dataset.lane);
  return {
    cursorColor,
    splitChannels: lanes.map((lane) => ({ waveColor: colour(`${lane}-faint`), progressColor: colour(lane) })),
  };
}
