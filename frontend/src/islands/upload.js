// This file sends a large file as the body of one request, shows how far it is, and puts in what the server answers.
import htmx from "htmx.org";

export function mount(form, signal) {
  const field = form.querySelector("input[type=file]");
  const bar = form.querySelector("progress");
  const says = form.querySelector("[data-says]");
  const button = form.querySelector("button");
  let sending = null;

  // Without this file there is no way to send one, so the form waits for it.
  form.hidden = false;

  const done = (words) => {
    sending = null;
    bar.hidden = true;
    button.textContent = "Send and import";
    says.textContent = words;
  };

  const answered = (request) => {
    const made = new DOMParser().parseFromString(request.responseText, "text/html").body.firstElementChild;
    if (request.status >= 400 || made?.id !== form.dataset.shows) {
      done(made?.querySelector(".trouble-what")?.textContent ?? `The server answered ${request.status}.`);
      return;
    }
    const shown = document.getElementById(form.dataset.shows);
    shown.replaceWith(made);
    htmx.process(made);
    form.reset();
    done("Sent.");
  };

  const send = (file) => {
    const request = new XMLHttpRequest();
    sending = request;
    bar.hidden = false;
    bar.value = 0;
    button.textContent = "Stop";
    says.textContent = `Sending ${file.name}`;
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
    };
    request.onload = () => answered(request);
    request.onerror = () => done("The connection broke. Send it again.");
    request.onabort = () => done("Stopped.");
    request.open("POST", `${form.dataset.address}?file=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("HX-Request", "true");
    request.send(file);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (sending) sending.abort();
    else if (field.files.length) send(field.files[0]);
  }, { signal });
  signal.addEventListener("abort", () => sending?.abort());
}
