// This file is the form of a PBX connection: the test of what is typed, check by check, and the trust in a certificate.
import { copyBeside } from "../copy.js";

// Which FreePBX the fixes are shown for; without it they are shown for each.
const RELEASE = "aftercall.freepbx";
const PORTS = { plain: "8088", tls: "8089" };

export function mount(form, signal) {
  const field = (name) => form.elements.namedItem(name);
  const checks = document.querySelector("[data-checks]");
  const lead = checks.querySelector("[data-checks-lead]");
  const list = checks.querySelector("[data-check-list]");
  const button = form.querySelector("[data-run-test]");
  button.disabled = false; // drawn so that nobody clicks before this island is there
  const pin = form.querySelector("[data-pin]");
  let running = null;

  const forgetTest = () => {
    field("tested").value = "";
    document.getElementById("form-unsure").replaceChildren();
  };

  // The usual port follows TLS; a port of one's own is left alone.
  field("use_tls").addEventListener("change", () => {
    const isTls = field("use_tls").checked;
    const port = field("port");
    if ("works" in form.dataset) return; // a database has one port for both
    if (["", PORTS.plain, PORTS.tls].includes(port.value.trim())) port.value = isTls ? PORTS.tls : PORTS.plain;
    const note = document.getElementById("port-note");
    note.dataset.hint = isTls ? "8089 with TLS" : "8088 without TLS";
    if (!note.querySelector(".problem")) note.textContent = note.dataset.hint;
  }, { signal });
  // What is fetched, and how often, has nothing to do with the connection.
  const changed = (event) => event.target.closest("[data-untested]") || forgetTest();
  form.addEventListener("input", changed, { signal });
  form.addEventListener("change", changed, { signal });
  // Whoever enters a day means it.
  field("since")?.addEventListener("input", () => {
    form.querySelector("[name=period][value=day]").checked = true;
  }, { signal });

  const releases = checks.querySelector("[data-releases]");
  const showRelease = (release) => {
    checks.dataset.release = release;
    for (const choice of releases.querySelectorAll("input")) choice.checked = choice.value === release;
  };
  releases.addEventListener("change", (event) => {
    showRelease(event.target.value);
    remember(event.target.value);
  }, { signal });
  showRelease(remembered() === "old" ? "old" : "new");

  const say = (words, look = "") => {
    lead.textContent = words;
    lead.className = `checks-lead ${look}`;
  };

  const hints = new Map([...form.querySelectorAll(".note")].map((note) => [note.id, note.innerHTML]));
  const showProblem = (name, html) => {
    const found = field(name);
    const input = found instanceof RadioNodeList ? [...found].find((each) => each.type !== "hidden") : found;
    input.closest(".field")?.classList.add("has-problem");
    input.closest("details")?.setAttribute("open", "");
    input.setAttribute("aria-invalid", "true");
    document.getElementById(`${name}-note`).innerHTML = html;
  };
  const clearProblem = (input) => {
    const note = document.getElementById(`${input.name}-note`);
    if (!note?.querySelector(".problem")) return;
    input.closest(".field")?.classList.remove("has-problem");
    input.removeAttribute("aria-invalid");
    note.innerHTML = note.dataset.hint ?? hints.get(note.id);
  };
  form.addEventListener("input", (event) => clearProblem(event.target), { signal });

  // A refused form keeps what was typed, the password too: only the server's words are put into it.
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new FormData(form, event.submitter);
    for (const input of form.elements) clearProblem(input);
    const answer = await fetch(form.action, { method: "POST", body, signal });
    if (answer.redirected) {
      location.assign(answer.url);
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const made = page.getElementById("connection");
    if (!made) {
      // An error page of its own (signed out, the disk is full): show it as it is.
      document.body.replaceWith(page.body);
      return;
    }
    for (const id of ["form-problems", "form-unsure"]) {
      document.getElementById(id).innerHTML = page.getElementById(id).innerHTML.trim();
    }
    for (const note of made.querySelectorAll(".note:has(.problem)")) {
      showProblem(note.id.replace(/-note$/, ""), note.innerHTML);
    }
    const first = form.querySelector("[aria-invalid=true]") ?? document.querySelector("#form-unsure button");
    first?.focus();
  }, { signal });

  let isEmpty = false; // the list, so that there is nothing to sync

  const add = (line) => {
    list.querySelector(".checking")?.remove();
    if (line.result) {
      field("tested").value = line.result;
      const warnings = list.querySelectorAll(".checked-warn").length;
      const too = warnings ? ` Look at the ${warnings === 1 ? "warning" : `${warnings} warnings`} below, too.` : "";
      if (line.result === "ok" && isEmpty) say("The PBX answers, but it shows no recordings.", "is-fair");
      else if (line.result === "ok") say(`${form.dataset.works ?? "Everything a sync needs works."}${too}`, "is-good");
      else say("Something is in the way. Each check below names its cause and its fix.", "is-bad");
      document.getElementById("form-unsure").replaceChildren();
      return;
    }
    list.insertAdjacentHTML("beforeend", line.html);
    if (line.check === "recording list") isEmpty = line.status === "warn";
    if (list.querySelector("[data-fix-for=old]")) releases.hidden = false;
    const waiting = document.createElement("li");
    waiting.className = "checking";
    waiting.innerHTML = '<span class="spinner" aria-hidden="true"></span> Checking…';
    list.append(waiting);
  };

  const run = async () => {
    running?.abort();
    running = new AbortController();
    const mine = running;
    list.replaceChildren();
    releases.hidden = true;
    isEmpty = false;
    say("Testing the values as they stand in the form…");
    button.disabled = true;
    try {
      const answer = await fetch(form.dataset.test, { method: "POST", body: new FormData(form), signal: mine.signal });
      if (answer.status === 422) {
        const { problems } = await answer.json();
        for (const [name, problem] of Object.entries(problems)) {
          const words = document.createElement("span");
          words.className = "problem";
          words.textContent = problem;
          showProblem(name, words.outerHTML);
        }
        field(Object.keys(problems)[0])?.focus();
        say("The form needs your attention first.", "is-bad");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      if (matchMedia("(max-width: 60rem)").matches) checks.scrollIntoView({ block: "start" });
      for await (const line of lines(answer.body)) add(line);
      if (!field("tested").value) throw new Error("cut off");
    } catch (error) {
      if (mine.signal.aborted) return;
      list.querySelector(".checking")?.remove();
      say("The test broke off: Aftercall itself did not answer. Look at its log, then test again.", "is-bad");
    } finally {
      if (running === mine) button.disabled = false;
    }
  };
  button.addEventListener("click", run, { signal });
  signal.addEventListener("abort", () => running?.abort());

  const setPin = (pem, sha256) => {
    field("pinned_certificate").value = pem;
    pin.querySelector("[data-pin-sha256]").textContent = sha256;
    pin.hidden = !pem;
    forgetTest();
  };
  pin.querySelector("[data-unpin]").addEventListener("click", () => setPin("", ""), { signal });

  checks.addEventListener("click", (event) => {
    const trust = event.target.closest("[data-trust]");
    if (trust) {
      setPin(trust.dataset.pem, trust.dataset.sha256);
      run();
      return;
    }
    const copy = event.target.closest("[data-copy]");
    if (copy) copyBeside(copy);
  }, { signal });
}

// A browser may forbid to remember anything.
function remembered() {
  try {
    return localStorage.getItem(RELEASE);
  } catch {
    return null;
  }
}

function remember(release) {
  try {
    localStorage.setItem(RELEASE, release);
  } catch {
    // Then it is asked again.
  }
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    rest += value;
    const whole = rest.split("\n");
    rest = whole.pop();
    for (const line of whole) if (line) yield JSON.parse(line);
  }
}
