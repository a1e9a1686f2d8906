// Writes the frames of a floor into its page. The page holds the places; nothing is fetched from anywhere else.
"use strict";
(() => {
  const STALE_S = 5; // without a frame
  const SILENT_S = 60; // frames come, but nobody on the floor was heard of
  const GIVE_UP_S = 15; // a stream that is open and says nothing is opened anew
  const MOST_WAIT_S = 30;
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const page = one("main");
  const pause = one("#pause");
  const began = performance.now();
  let source = null;
  let heardAt = performance.now(); // of a frame
  let openedAt = heardAt;
  let waitS = 2;
  let retry = 0;
  let paused = false;
  let last = null;

  // Where the numbers of each zone stand.
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

  function show(state, words, details) {
    document.body.classList.toggle("live", state === "live");
    document.body.classList.toggle("stale", state === "stale");
    put(one("#state"), words);
    put(one("#as-of"), details);
  }

  function tell() {
    if (paused) return show("paused", "Paused", last ? `as of ${clock(last)}` : "");
    const sinceS = Math.floor((performance.now() - heardAt) / 1000);
    const asOf = last ? `as of ${clock(last)}` : "";
    if (sinceS >= STALE_S) return show("stale", "Not live: the collector does not respond", `${asOf}, ${age(sinceS)} ago`);
    if (!last) return show("", "Opening", "");
    if (last.heard_s === null) return show("live", "Live", `${asOf}; no devices are located here`);
    if (last.heard_s >= SILENT_S) return show("stale", "Live, but no new positions", `last ${age(last.heard_s)} ago`);
    return show("live", "Live", `${asOf}; last position ${age(last.heard_s)} ago`);
  }

  const clock = (frame) => new Date(frame.unix * 1000).toLocaleTimeString();

  function take(event) {
    const frame = JSON.parse(event.data);
    heardAt = performance.now();
    waitS = 2;
    if (frame.drawing !== page.dataset.drawing) {
      // Zones or walls were drawn anew: so is the page, but never in a hurry.
      if (performance.now() - began > 5000) location.reload();
      return;
    }
    last = frame;
    show(frame);
    tell();
  }

  function open() {
    close();
    openedAt = performance.now();
    source = new EventSource(page.dataset.events);
    source.onmessage = take;
    source.onerror = () => {
      // A browser opens a stream anew by itself unless the answer was a refusal: not ready yet, or too many viewers.
      if (source && source.readyState === EventSource.CLOSED) again();
    };
  }

  function again() {
    close();
    retry = setTimeout(open, waitS * 1000 * (0.75 + Math.random() / 2));
    waitS = Math.min(waitS * 2, MOST_WAIT_S);
  }

  function close() {
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  }

  function watch() {
    tell();
    const silent = performance.now() - Math.max(heardAt, openedAt) > GIVE_UP_S * 1000;
    if (!paused && !document.hidden && source && silent) open();
  }

  function go() {
    heardAt = performance.now();
    open();
    tell();
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume" : "Pause";
    if (paused) close();
    else go();
    tell();
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
    if (document.hidden) close(); // nobody looks: no frames
    else if (!paused) go();
  });
  setInterval(watch, 1000);
  if (!document.hidden) go();
})();
