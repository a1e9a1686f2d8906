// Writes the frames of a floor into its page, which contains the elements; nothing is fetched from elsewhere.
"use strict";
(() => {
  const STALE_S = 5; // without a frame
  const SILENT_S = 60; // frames arrive, but without new positions
  const GIVE_UP_S = 15; // an open stream without frames is reconnected
  const MAX_WAIT_S = 30;
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const page = one("main");
  const pause = one("#pause");
  const began = performance.now();
  let source = null;
  let frameAt = performance.now(); // of a frame
  let openedAt = frameAt;
  let waitS = 2;
  let retry = 0;
  let paused = false;
  let last = null;

  // The elements of each zone.
  const places = all("tr[data-row]").map((row) => ({
    row,
    area: one(`.zone[data-zone="${row.dataset.row}"]`),
    count: one(`.label[data-zone="${row.dataset.row}"] .count`),
    cells: Object.fromEntries(["all", "state", "limit"].map((name) => [name, row.querySelector(`[data-of=${name}]`)])),
    kinds: [...row.querySelectorAll("[data-of=kind]")],
  }));

  const put = (element, text) => {
    if (element.textContent !== String(text)) element.textContent = text;
  };
  const age = (s) => (s < 120 ? `${s} s` : s < 7200 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`);

  function show(frame) {
    frame.zones.forEach((zone, number) => {
      const { area, count, row, cells, kinds } = places[number];
      for (const level of [0, 1, 2, 3, 4]) area.classList.toggle(`level-${level}`, level === zone.level);
      row.className = `level-${zone.level}`;
      put(count, zone.all);
      for (const name of Object.keys(cells)) put(cells[name], zone[name]);
      kinds.forEach((cell, kind) => put(cell, zone.kinds[kind]));
    });
    for (const [kind, path] of Object.entries(frame.dots)) one(`.dots[data-kind="${kind}"]`).setAttribute("d", path);
    all("[data-people]").forEach((cell, kind) => put(cell, frame.people[kind]));
    put(one("#all"), frame.all);
    put(one("#more"), frame.drawn < frame.all ? `The drawing shows a random sample of ${frame.drawn}.` : "");
  }

  function setState(state, text, details) {
    document.body.classList.toggle("live", state === "live");
    document.body.classList.toggle("stale", state === "stale");
    put(one("#state"), text);
    put(one("#as-of"), details);
  }

  function updateState() {
    if (paused) return setState("paused", "Paused", last ? `as of ${clock(last)}` : "");
    const sinceS = Math.floor((performance.now() - frameAt) / 1000);
    const asOf = last ? `as of ${clock(last)}` : "";
    if (sinceS >= STALE_S) return setState("stale", "Not live: the collector does not respond", `${asOf}, ${age(sinceS)} ago`);
    if (!last) return setState("", "Opening", "");
    if (last.heard_s === null) return setState("live", "Live", `${asOf}; no devices are located here`);
    if (last.heard_s >= SILENT_S) return setState("stale", "Live, but no new positions", `last ${age(last.heard_s)} ago`);
    return setState("live", "Live", `${asOf}; last position ${age(last.heard_s)} ago`);
  }

  const clock = (frame) => new Date(frame.unix * 1000).toLocaleTimeString();

  function take(event) {
    const frame = JSON.parse(event.data);
    frameAt = performance.now();
    waitS = 2;
    if (frame.drawing !== page.dataset.drawing) {
      // Zones or walls changed: reload the page, but not at once.
      if (performance.now() - began > 5000) location.reload();
      return;
    }
    last = frame;
    show(frame);
    updateState();
  }

  function open() {
    close();
    openedAt = performance.now();
    source = new EventSource(page.dataset.events);
    source.onmessage = take;
    source.onerror = () => {
      // A browser reconnects unless the request was rejected: not ready yet, or too many viewers.
      if (source && source.readyState === EventSource.CLOSED) again();
    };
  }

  function again() {
    close();
    retry = setTimeout(open, waitS * 1000 * (0.75 + Math.random() / 2));
    waitS = Math.min(waitS * 2, MAX_WAIT_S);
  }

  function close() {
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  }

  function watch() {
    updateState();
    const silent = performance.now() - Math.max(frameAt, openedAt) > GIVE_UP_S * 1000;
    if (!paused && !document.hidden && source && silent) open();
  }

  function go() {
    frameAt = performance.now();
    open();
    updateState();
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume" : "Pause";
    if (paused) close();
    else go();
    updateState();
  });
  for (const button of all("button.find")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      const found = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", found);
      const number = button.closest("tr").dataset.row;
      one(`.zone[data-zone="${number}"]`).classList.toggle("found", found);
    });
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close(); // the page is hidden: no frames
    else if (!paused) go();
  });
  setInterval(watch, 1000);
  if (!document.hidden) go();
})();
