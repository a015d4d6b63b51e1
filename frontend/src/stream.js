// This file holds a page's one stream of events; a hidden page lets go of it, since browsers allow six per server.

/** Listen to a stream until the signal aborts.
 *
 * @param {string} address where the page listens, with `since`
 * @param {Record<string, (body: any) => void>} handlers by the event's name
 * @param {AbortSignal} signal
 */
export function listen(address, handlers, signal) {
  const url = new URL(address, location.href);
  let source = null;

  const open = () => {
    if (source || signal.aborted || document.hidden) return;
    source = new EventSource(url);
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => {
        // After a pause, what happened meanwhile is asked for from here on.
        if (event.lastEventId) url.searchParams.set("since", event.lastEventId);
        handle(JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      // A server that refuses (signed out, restarted behind a proxy) ends the stream for good: try again slowly.
      if (source?.readyState !== EventSource.CLOSED) return;
      close();
      setTimeout(open, 10_000);
    });
  };
  const close = () => {
    source?.close();
    source = null;
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()), { signal });
  // A page kept for the Back button must not keep its stream.
  window.addEventListener("pagehide", close, { signal });
  window.addEventListener("pageshow", open, { signal });
  signal.addEventListener("abort", close);
  open();
}
