// The live event list. Every text of an event is set with textContent. Nothing is fetched from elsewhere.
"use strict";
(() => {
  const PAGE = 200; // events of one request
  const ENOUGH = 50; // a search that found fewer is continued
  const MAX_PAGES = 20; // of one search
  const LIVE_ROWS = 1000; // without those that were loaded on demand
  const MAX_ROWS = 10000;
  const OPEN_S = 5; // to open the stream
  const SILENT_S = 12; // the collector sends something every 5 s
  const MAX_WAIT_S = 30;
  const TYPING_MS = 200;
  const FLUSH_MS = 100;
  const LISTS = ["topic", "type", "severity", "status", "site", "device"]; // several values are alternatives
  const SINGLE = ["since", "until"];
  const one = (id) => document.getElementById(id);
  const main = document.querySelector("main");
  const input = one("filter");
  const rows = one("rows");
  const portals = JSON.parse(main.dataset.portals);
  const title = document.title;

  let filters = []; // {key, value}; the value of "where" is path:value
  let shown = new Map(); // id of an event -> its row, newest first
  let cursor = null; // of the next older page
  let rowLimit = LIVE_ROWS;
  let queue = []; // events of the stream that wait for the next flush, oldest first
  let flushing = 0;
  let paused = false;
  let waiting = []; // events received while paused, oldest first
  let outdated = false; // there are newer events than the list can be continued with
  let controller = null; // of the stream and of the page that is loaded with it
  let loaded = false; // the list is that of the filter
  let opened = false; // the stream is open
  let failed = ""; // why it is not
  let invalid = false; // the filter was rejected: no retry
  let heardAt = 0;
  let tryingSince = 0;
  let liveAt = 0; // Unix milliseconds
  let waitS = 1;
  let retry = 0;
  let typing = 0;

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  const put = (target, text) => {
    if (target.textContent !== text) target.textContent = text;
  };
  const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");
  const number = (count) => count.toLocaleString("en").replaceAll(",", "\u202f");

  // Filters

  function typed() {
    const text = input.value.trim();
    const pair = /^([A-Za-z_][\w.-]*):\s*(.*)$/.exec(text);
    if (/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(text)) return { key: "device", value: text };
    if (!pair) return { key: "text", value: text };
    const key = pair[1].toLowerCase();
    if (LISTS.includes(key) || SINGLE.includes(key) || key === "text") return { key, value: pair[2].trim() };
    return { key: "where", value: pair[2].trim() && `${pair[1]}:${pair[2].trim()}` };
  }

  // The filters as parameters: of the address of this page, and of the interface.
  function parameters() {
    const query = new URLSearchParams();
    const words = filters.filter((one) => one.key === "text").map((one) => one.value);
    for (const { key, value } of filters) if (key !== "text") query.append(key, value);
    const now = typed();
    if (now.key === "text" && now.value) words.push(/[\w]$/.test(now.value) ? `${now.value}*` : now.value);
    if (words.length) query.set("text", words.join(" "));
    return query;
  }

  function readAddress() {
    filters = [];
    for (const [key, value] of new URLSearchParams(location.search)) {
      if (value && (LISTS.includes(key) || SINGLE.includes(key) || key === "where" || key === "text")) filters.push({ key, value });
    }
  }

  function writeAddress(push) {
    const query = parameters().toString();
    const address = location.pathname + (query ? `?${query}` : "");
    if (address === location.pathname + location.search) return;
    if (push) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  }

  function add(key, value) {
    if (!value || filters.some((one) => one.key === key && one.value === value)) return;
    if (SINGLE.includes(key)) filters = filters.filter((one) => one.key !== key);
    filters.push({ key, value });
  }

  function remove(filter) {
    filters = filters.filter((one) => one !== filter);
    changed(true);
  }

  function toggle(key, value) {
    const present = filters.find((one) => one.key === key && one.value === value);
    if (present) remove(present);
    else {
      add(key, value);
      changed(true);
    }
  }

  function choose(key, value) {
    filters = filters.filter((one) => one.key !== key);
    add(key, value);
    changed(true);
  }

  function clearFilters() {
    filters = [];
    input.value = "";
    changed(true);
    input.focus();
  }

  function showFilters() {
    const query = one("query");
    for (const token of query.querySelectorAll(".token")) token.remove();
    for (const filter of filters) {
      const [path, value] = filter.key === "where" ? split(filter.value) : [filter.key, filter.value];
      const token = element("span", "token");
      const gone = element("button", "", "\u00d7");
      gone.type = "button";
      gone.setAttribute("aria-label", `Remove filter ${path}: ${value}`);
      gone.addEventListener("click", () => {
        remove(filter);
        input.focus();
      });
      token.append(element("span", "soft", `${path}:\u00a0`), element("span", "", value), gone);
      query.insertBefore(token, input);
    }
    const has = (key, value) => filters.some((one) => one.key === key && one.value === value);
    for (const chip of document.querySelectorAll("[data-severity]")) chip.setAttribute("aria-pressed", has("severity", chip.dataset.severity));
    showChoice("topic");
    showChoice("since", "period");
  }

  function showChoice(key, id = key) {
    const values = filters.filter((one) => one.key === key).map((one) => one.value);
    const select = one(id);
    for (const value of values) if (![...select.options].some((option) => option.value === value)) select.add(new Option(value, value));
    select.value = values.length === 1 ? values[0] : "";
  }

  // The topics of the events that were loaded.
  function offerTopics(loadedRows) {
    const select = one("topic");
    const offered = new Set([...select.options].map((option) => option.value));
    for (const { event } of loadedRows) {
      if (offered.has(event.topic) || offered.size > 200) continue;
      offered.add(event.topic);
      const next = [...select.options].find((option) => option.value > event.topic);
      select.add(new Option(event.topic, event.topic), next ?? null);
    }
  }

  const split = (text) => [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1)];

  // Key and value that are typed but not entered narrow the loaded events.
  function narrow(rowsToNarrow) {
    const { key, value } = typed();
    const want = key === "text" || SINGLE.includes(key) ? "" : value.toLowerCase();
    rows.classList.toggle("narrowed", Boolean(want));
    // A copy: a live collection is searched again after each change.
    for (const row of [...rowsToNarrow]) {
      const hidden = Boolean(want) && !contains(row.event, key, want);
      if (row.hidden !== hidden) row.hidden = hidden;
    }
  }

  function contains(event, key, want) {
    const has = (...values) => values.some((value) => String(value ?? "").toLowerCase().includes(want));
    if (key === "site") return has(event.site_name, event.site_id);
    if (key === "device") return has(event.device_name, event.device_mac) || String(event.device_mac).includes(want.replaceAll(/[:-]/g, ""));
    if (key !== "where") return has(event[key]);
    const [path, value] = split(want);
    return Object.entries(event.fields ?? {}).some(([name, field]) => (name.toLowerCase() === path || name.toLowerCase().replaceAll(/\.\d+(?=\.|$)/g, "") === path) && String(field).toLowerCase().includes(value));
  }

  function changed(push) {
    writeAddress(push);
    showFilters();
    loaded = false;
    waiting = [];
    outdated = false;
    rowLimit = LIVE_ROWS;
    document.body.classList.add("busy");
    waitS = 1;
    connect();
    updateState();
  }

  // Rows

  function rowOf(event) {
    const row = element("li", "row");
    const line = element("button", "line");
    line.type = "button";
    line.tabIndex = -1;
    line.setAttribute("aria-expanded", "false");
    const when = new Date(event.time * 1000);
    const time = element("time", "", (when.toDateString() === new Date().toDateString() ? "" : `${when.toLocaleDateString("en-GB", { day: "2-digit", month: "short" })} `) + clock(when));
    time.dateTime = when.toISOString();
    const severity = event.severity || "info";
    const sign = element("span", `sign ${["critical", "warning"].includes(severity) ? severity : "info"}`);
    sign.setAttribute("role", "img");
    sign.setAttribute("aria-label", severity);
    const site = element("span", "site", event.site_name || event.site_id || "");
    line.append(time, sign, element("span", "topic soft", event.topic), site, element("span", "text", event.text || event.type || event.topic), element("span", "type", event.type ?? ""));
    line.addEventListener("click", () => setOpen(row, line.getAttribute("aria-expanded") !== "true"));
    row.append(line);
    row.event = event;
    return row;
  }

  function setOpen(row, open) {
    const line = row.firstElementChild;
    line.setAttribute("aria-expanded", String(open));
    if (!open) row.querySelector(".details")?.remove();
    else if (!row.querySelector(".details")) row.append(detailsOf(row.event));
  }

  function pairOf(name, value, key, wanted = value) {
    const pair = element(key ? "button" : "div", "pair");
    pair.append(element("span", "key", name), element("span", "value", String(value)));
    if (key) {
      pair.type = "button";
      pair.title = "Filter by this value";
      pair.addEventListener("click", () => {
        add(key, String(wanted));
        input.value = "";
        changed(true);
      });
    }
    return pair;
  }

  function detailsOf(event) {
    const details = element("div", "details");
    details.setAttribute("role", "group");
    details.setAttribute("aria-label", "Details");
    const pairs = element("div", "pairs");
    const put = (name, value, ...key) => value !== undefined && value !== "" && pairs.append(pairOf(name, value, ...key));
    put("time", new Date(event.time * 1000).toISOString());
    if (event.received) put("received", new Date(event.received * 1000).toISOString());
    for (const key of ["topic", "type", "status"]) put(key, event[key], key);
    put("severity", event.severity ?? "info", "severity");
    put("site", event.site_name, "site");
    put("site ID", event.site_id, "site");
    put("device", event.device_name, "device");
    put("device MAC", event.device_mac, "device");
    put("device type", event.device_type);
    put("org ID", event.org_id);
    for (const [path, value] of Object.entries(event.fields ?? {})) {
      // A path with a colon cannot be written as path:value.
      put(path, value, path.includes(":") || value === "" ? "" : "where", `${path}:${value}`);
    }
    const actions = element("div", "actions");
    const link = (text, parameter, value) => {
      const anchor = element("a", "button", text);
      anchor.href = `${location.pathname}?${new URLSearchParams([[parameter, value]])}`;
      actions.append(anchor);
    };
    if (event.site_id) link("Events of this site", "site", event.site_id);
    if (event.device_mac) link("Events of this device", "device", event.device_mac);
    const portal = portals[event.org_id] ?? portals[""];
    if (portal && event.org_id) {
      const anchor = element("a", "button", "Mist portal");
      anchor.href = `${portal}/admin/?${new URLSearchParams({ org_id: event.org_id })}`;
      anchor.target = "_blank";
      anchor.rel = "noopener noreferrer";
      actions.append(anchor);
    }
    if (navigator.clipboard) {
      const copy = element("button", "button", "Copy as JSON");
      copy.type = "button";
      copy.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(JSON.stringify(event, null, 2));
          copy.textContent = "Copied";
        } catch {
          copy.textContent = "Copying was rejected";
        }
      });
      actions.append(copy);
    }
    details.append(element("p", "whole", event.text || ""), pairs, actions);
    return details;
  }

  // Put events, newest first, on top of the list or at its end.
  function insert(events, atEnd = false) {
    const fresh = events.filter((event) => !shown.has(event.id)).map(rowOf);
    for (const row of fresh) shown.set(row.event.id, row);
    offerTopics(fresh);
    narrow(fresh);
    if (atEnd) rows.append(...fresh);
    else rows.prepend(...fresh);
    while (!atEnd && rows.childElementCount > rowLimit) {
      const last = rows.lastElementChild;
      if (last.contains(document.activeElement)) focusRow(last.previousElementSibling);
      shown.delete(last.event.id);
      last.remove();
      cursor = rows.lastElementChild.event.seq;
    }
    afterChange();
  }

  function replace(events) {
    const active = document.activeElement?.closest?.(".row");
    const open = new Set([...rows.children].filter((row) => row.querySelector(".details")).map((row) => row.event.id));
    shown = new Map();
    rows.replaceChildren();
    insert(events);
    for (const row of rows.children) if (open.has(row.event.id)) setOpen(row, true);
    if (active) focusRow(shown.get(active.event.id) ?? rows.firstElementChild ?? null);
  }

  function afterChange() {
    if (!rows.querySelector(".line[tabindex='0']") && rows.firstElementChild) rows.firstElementChild.firstElementChild.tabIndex = 0;
    const visible = [...rows.children].filter((row) => !row.hidden).length;
    put(one("shown"), loaded ? `${number(visible)} shown` : "");
    const older = one("older");
    older.hidden = cursor === null || rows.childElementCount >= MAX_ROWS;
    showNotice(visible);
  }

  function focusRow(row) {
    if (!row) return input.focus();
    for (const line of rows.querySelectorAll(".line[tabindex='0']")) line.tabIndex = -1;
    row.firstElementChild.tabIndex = 0;
    row.firstElementChild.focus();
  }

  function showNotice(visible) {
    const notice = one("notice");
    const filtered = filters.length > 0 || input.value.trim() !== "";
    let text = "";
    let button = "";
    if (failed) [text, button] = [failed, invalid ? "Clear filters" : "Retry now"];
    else if (!loaded) text = rows.childElementCount ? "" : "Loading events";
    else if (visible === 0 && rows.childElementCount) text = "No loaded event contains this value. Press Enter to search the whole history.";
    else if (visible === 0) [text, button] = filtered ? ["No events match the filter.", "Clear filters"] : ["No events yet. New events appear here as they arrive.", ""];
    else if (rows.childElementCount >= MAX_ROWS && cursor !== null) text = `The list is limited to ${number(MAX_ROWS)} events. Add a filter, for instance until: with a time.`;
    if (notice.dataset.text === text + button) return;
    notice.dataset.text = text + button;
    notice.hidden = !text;
    notice.classList.toggle("bad", Boolean(failed));
    notice.textContent = text;
    if (button) {
      const act = element("button", "button", button);
      act.type = "button";
      act.addEventListener("click", button === "Clear filters" ? clearFilters : () => connect());
      notice.append(act);
    }
  }

  // Requests

  async function checked(answer) {
    if (answer.ok) return answer;
    let why = "";
    try {
      why = (await answer.json()).error;
    } catch {
      // not an answer of the collector
    }
    const error = new Error(`The collector answered ${answer.status}${why ? `: ${why}` : ""}.`);
    error.invalid = answer.status === 400;
    throw error;
  }

  async function search(query, after, signal) {
    let events = [];
    let next = after;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const asked = new URLSearchParams(query);
      asked.set("limit", String(PAGE));
      if (next !== null) asked.set("after", String(next));
      const page = await (await checked(await fetch(`${main.dataset.api}?${asked}`, { signal, cache: "no-store" }))).json();
      events = events.concat(page.events);
      next = page.after;
      if (next === null || events.length >= ENOUGH) break;
    }
    return { events, after: next };
  }

  async function loadNewest(query, mine) {
    const page = await search(query, null, mine.signal);
    if (mine !== controller) return;
    if (!loaded) {
      loaded = true;
      document.body.classList.remove("busy");
      cursor = page.after;
      replace(page.events);
      put(one("found"), `${page.events.length}${page.after === null ? "" : " or more"} events match`);
      scrollTo(0, 0);
      return;
    }
    // Again connected. Without a common event there may be a gap, or another history.
    const common = page.events.some((event) => shown.has(event.id) || waiting.some((one) => one.id === event.id));
    const distinct = !common && rows.childElementCount > 0 && (page.events.length > 0 || page.after === null);
    if (paused) {
      outdated ||= distinct;
      hold(page.events.toReversed());
    } else if (distinct) {
      cursor = page.after;
      replace(page.events);
    } else insert(page.events);
  }

  function hold(events) {
    const known = new Set(waiting.map((event) => event.id));
    for (const event of events) {
      if (known.has(event.id) || shown.has(event.id)) continue;
      known.add(event.id);
      waiting.push(event);
    }
    if (waiting.length > MAX_ROWS) {
      outdated = true;
      waiting = waiting.slice(-MAX_ROWS);
    }
    updateState();
  }

  function take(event) {
    queue.push(event);
    if (queue.length > 2 * MAX_ROWS) queue = queue.slice(-MAX_ROWS);
    if (!flushing) flushing = setTimeout(flush, FLUSH_MS);
  }

  function flush() {
    flushing = 0;
    if (!loaded) {
      flushing = setTimeout(flush, FLUSH_MS); // the page is loaded first
      return;
    }
    const events = queue;
    queue = [];
    if (paused) hold(events);
    else insert(events.slice(-rowLimit).reverse());
  }

  async function read(answer, mine) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done || mine !== controller) return;
      heardAt = performance.now();
      const messages = (text + value).split("\n\n");
      text = messages.pop();
      for (const message of messages) receive(message);
    }
  }

  function receive(message) {
    const lines = message.split("\n");
    if (lines.includes("event: gap")) return; // not asked for: the newest page is loaded instead
    for (const line of lines) if (line.startsWith("data: ")) take(JSON.parse(line.slice(6)));
  }

  async function connect() {
    disconnect();
    const mine = new AbortController();
    const query = parameters();
    controller = mine;
    tryingSince = performance.now();
    try {
      const headers = { Accept: "text/event-stream" };
      const answer = await checked(await fetch(`${main.dataset.api}?${query}`, { headers, signal: mine.signal, cache: "no-store" }));
      if (mine !== controller) return;
      opened = true;
      heardAt = performance.now();
      await Promise.all([loadNewest(query, mine).then(() => connected(mine)), read(answer, mine)]);
      if (mine === controller) again(0.2); // the collector ends each stream after a while
    } catch (error) {
      if (mine !== controller) return;
      if (error.name === "TypeError") failed = "The collector does not respond.";
      else failed = error.message;
      invalid = Boolean(error.invalid);
      mine.abort();
      if (invalid) {
        document.body.classList.remove("busy");
        loaded = true;
        cursor = null;
        replace([]);
        opened = false;
      } else again(waitS);
      waitS = Math.min(waitS * 2, MAX_WAIT_S);
      afterChange();
    }
    updateState();
  }

  function connected(mine) {
    if (mine !== controller) return;
    failed = "";
    invalid = false;
    waitS = 1;
    afterChange();
    updateState();
  }

  function again(seconds) {
    opened = false;
    tryingSince = performance.now();
    clearTimeout(retry);
    retry = setTimeout(connect, seconds * 1000 * (0.75 + Math.random() / 2));
  }

  function disconnect() {
    clearTimeout(retry);
    const before = controller;
    controller = null;
    if (before) before.abort();
    opened = false;
    queue = [];
  }

  async function loadOlder() {
    const older = one("older");
    const mine = controller;
    const active = document.activeElement === older;
    older.disabled = true;
    older.textContent = "Loading";
    try {
      const page = await search(parameters(), cursor, mine?.signal);
      if (mine !== controller) return;
      const last = rows.lastElementChild;
      cursor = page.after;
      insert(page.events, true);
      rowLimit = Math.max(LIVE_ROWS, rows.childElementCount);
      put(one("found"), `${page.events.length} older events loaded`);
      if (active && older.hidden) focusRow(last.nextElementSibling ?? last);
    } catch (error) {
      if (mine === controller) put(one("found"), "Older events could not be loaded");
      older.textContent = "Loading failed. Try again";
      return;
    } finally {
      older.disabled = false;
      if (older.textContent === "Loading") older.textContent = "Load older events";
      if (active && !older.hidden) older.focus();
    }
  }

  // State

  function stateNow() {
    const now = performance.now();
    if (opened && now - heardAt < SILENT_S * 1000 && !failed) return loaded ? "live" : "opening";
    if (invalid) return "invalid";
    if (failed || opened || now - tryingSince > OPEN_S * 1000) return "stale";
    return "opening";
  }

  function updateState() {
    const state = stateNow();
    const name = state === "live" && paused ? "paused" : state;
    for (const each of ["live", "paused", "stale"]) document.body.classList.toggle(each, each === name);
    if (state === "live") liveAt = Date.now();
    const since = liveAt ? `Not live since ${clock(liveAt)}` : "Not live";
    put(one("state"), { live: "Live", paused: "Paused", stale: since, opening: "Opening", invalid: "Filter is not valid" }[name]);
    put(one("age"), ageNow(name));
    put(one("alert"), name === "stale" ? `${since}. The list is not updated.` : "");
    const pause = one("pause");
    pause.setAttribute("aria-pressed", String(paused));
    put(pause, paused ? `Resume (${number(waiting.length)}${outdated ? " or more" : ""} new)` : "Pause");
    document.title = name === "stale" ? `Not live: ${title}` : title;
  }

  function ageNow(name) {
    if (name !== "stale") return "";
    const seconds = liveAt ? Math.round((Date.now() - liveAt) / 1000) : 0;
    return `${seconds ? `${number(seconds)} s old. ` : ""}The list is not updated.`;
  }

  function watch() {
    const silent = performance.now() - (opened ? heardAt : tryingSince) > SILENT_S * 1000;
    if (controller && silent && !invalid && !document.hidden && !retryPending()) {
      failed = "The collector does not respond.";
      connect();
      afterChange();
    }
    updateState();
  }
  const retryPending = () => !opened && failed !== "" && performance.now() - tryingSince < (MAX_WAIT_S + 10) * 1000;

  function setPaused(value) {
    paused = value;
    if (!paused) {
      const events = waiting;
      waiting = [];
      if (outdated) {
        outdated = false;
        changed(false);
      } else insert(events.slice(-rowLimit).reverse());
    }
    updateState();
  }

  // Input

  input.addEventListener("input", () => {
    clearTimeout(typing);
    narrow(rows.children);
    afterChange();
    typing = setTimeout(() => {
      if (parameters().toString() !== asked()) changed(false);
    }, TYPING_MS);
  });
  const asked = () => location.search.slice(1);

  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      const { key, value } = typed();
      clearTimeout(typing);
      if (!value) return;
      input.value = "";
      add(key, value);
      changed(true);
    } else if (event.key === "Backspace" && !input.value && filters.length) remove(filters.at(-1));
    else if (event.key === "ArrowDown") {
      const first = [...rows.children].find((row) => !row.hidden);
      if (first) focusRow(first);
      event.preventDefault();
    } else if (event.key === "Escape") {
      if (!input.value) input.blur();
      input.value = "";
      input.dispatchEvent(new Event("input"));
    }
  });

  document.addEventListener("keydown", (event) => {
    const inField = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key !== "/" || inField || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
    input.select();
  });

  rows.addEventListener("keydown", (event) => {
    const row = event.target.closest(".row");
    if (event.key === "Escape") {
      if (row.querySelector(".details")) {
        setOpen(row, false);
        focusRow(row);
      } else input.focus();
      return;
    }
    if (!event.target.classList.contains("line")) return;
    const visible = [...rows.children].filter((one) => !one.hidden);
    const at = visible.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: visible.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0) input.focus();
    else if (to < visible.length) focusRow(visible[to]);
    else if (!one("older").hidden) one("older").focus();
  });
  one("older").addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" || !rows.lastElementChild) return;
    event.preventDefault();
    focusRow(rows.lastElementChild);
  });

  one("query").addEventListener("click", (event) => {
    if (event.target === one("query")) input.focus();
  });
  for (const chip of document.querySelectorAll("[data-severity]")) chip.addEventListener("click", () => toggle("severity", chip.dataset.severity));
  one("topic").addEventListener("change", () => choose("topic", one("topic").value));
  one("period").addEventListener("change", () => choose("since", one("period").value));
  one("older").addEventListener("click", loadOlder);
  one("pause").addEventListener("click", () => setPaused(!paused));
  addEventListener("popstate", () => {
    input.value = "";
    readAddress();
    changed(false);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) disconnect(); // a hidden page needs no stream
    else if (!invalid) connect();
    updateState();
  });
  setInterval(watch, 500);
  readAddress();
  showFilters();
  afterChange();
  if (!document.hidden) connect();
})();
