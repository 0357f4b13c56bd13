// Updates the list, and handles keys and copy buttons. Each page works without this file.

const list = document.querySelector("[data-list]");
const search = document.querySelector("[data-filter] [type=search]");
const MAX_ROWS = 500;

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inField = event.target.closest("input, select, textarea");
  if (event.key === "Escape") return leave(inField);
  if (inField && event.target !== search) return;
  if (event.key === "/" && search && !inField) {
    event.preventDefault();
    search.select();
  }
  if (list && ["ArrowDown", "ArrowUp"].includes(event.key)) choose(event);
}

// Closes the menu, leaves a field, or goes back.
function leave(field) {
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.firstElementChild.focus();
  } else if (field) field.blur();
  else document.querySelector("[data-back]")?.click();
}

function choose(event) {
  const links = [...list.tBodies[0].querySelectorAll("th a")];
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? links[0] : links[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function row(callback, suffix) {
  const tr = document.querySelector("[data-row]").content.firstElementChild.cloneNode(true);
  const field = (name) => tr.querySelector(`[data-f=${name}]`);
  const put = (name, text) => (field(name).textContent = text ?? "");
  put("id", `#${callback.id}`);
  field("id").href = `callbacks/${callback.id}${suffix}`;
  const [, date, clock, millis] = /^(.*)T(.*)(\..*)Z$/.exec(callback.at) ?? [null, "", callback.at, ""];
  field("at").dateTime = callback.at;
  [`${date} `, clock, millis].forEach((part, at) => (field("at").children[at].textContent = part));
  showDate(field("at"));
  put("verdict", callback.verdict);
  field("verdict").classList.add(list.dataset.failures.split(" ").includes(callback.code) ? "warn" : callback.verdict);
  field("cause").replaceChildren(...breakable(callback.code));
  field("kind").replaceChildren(...breakable(callback.kind ?? "not verified"));
  field("kind").classList.toggle("sub", !callback.kind);
  for (const name of ["code", "decision", "provider", "tenant", "template"]) put(name, callback[name]);
  for (const name of ["tenant", "template"]) field(name).title = callback[name] ?? "";
  put("status", callback.status ?? "-");
  put("took", `${callback.elapsed_ms.toFixed(1)} ms`);
  return tr;
}

// Lets the browser break a name after each separator.
const breakable = (text) => text.split(/(?<=[_./])/).flatMap((part) => [part, document.createElement("wbr")]);

const currentDay = () => new Date().toISOString().slice(0, 10);

// Shows the date of a callback of another day.
function showDate(time) {
  time.firstElementChild.hidden = time.dateTime.startsWith(currentDay());
}

async function live() {
  const area = document.querySelector("[data-live]");
  const [state, follow, show] = ["state", "follow", "show"].map((name) => area.querySelector(`[data-${name}]`));
  const body = list.tBodies[0];
  const suffix = list.dataset.query ? `?${list.dataset.query}` : "";
  const say = (text, word) => {
    if (state.textContent !== text) state.textContent = text;
    state.className = `state ${word}`;
  };
  let waiting = [];
  let last = list.dataset.last;
  let day = currentDay();
  const add = () => {
    if (waiting.length) document.querySelector("[data-empty]")?.remove();
    for (const callback of waiting) body.prepend(row(callback, suffix));
    if (day !== currentDay()) list.querySelectorAll("time").forEach(showDate);
    day = currentDay();
    while (body.rows.length > MAX_ROWS) body.lastElementChild.remove();
    waiting = [];
    show.hidden = true;
  };
  area.hidden = false;
  follow.checked = sessionStorage.getItem("stay") === null;
  show.addEventListener("click", add);
  follow.addEventListener("change", () => {
    if (follow.checked) sessionStorage.removeItem("stay");
    else sessionStorage.setItem("stay", "1");
    if (follow.checked) add();
  });
  say("Live", "on");
  for (;;) {
    const query = new URLSearchParams(list.dataset.query);
    query.set("after", last);
    query.set("wait", "25");
    try {
      const response = await fetch(`feed?${query}`);
      if (response.status === 401) {
        area.querySelector("[data-login]").hidden = false;
        return say("Session ended", "off");
      }
      if (!response.ok) throw new Error(response.status);
      const page = await response.json();
      last = page.last;
      waiting = waiting.concat(page.callbacks).slice(-MAX_ROWS);
      say(page.missed ? `Live, ${page.missed} callbacks missed` : "Live", "on");
      // If the list is empty, new rows move no row that the operator reads.
      if (follow.checked || !body.rows.length) add();
      else if (waiting.length) {
        show.textContent = `Show ${waiting.length} new`;
        show.hidden = false;
      }
      await pause(250);
    } catch {
      say("Not connected: trying again", "off");
      await pause(3000);
    }
  }
}

const pause = (millis) => new Promise((done) => setTimeout(done, millis));

// Shows the replies to a scenario as they arrive.
async function watch(table) {
  const [state, progress, stop] = ["playback", "progress", "stop"].map((name) => document.querySelector(`[data-${name}]`));
  const rows = table.tBodies[0].rows;
  let sent = Number(table.dataset.sent);
  document.querySelector("[data-reload]").hidden = true;
  for (;;) {
    await pause(500);
    const response = await fetch(`feed?after=${sent}`).catch(() => null);
    if (response?.status === 401) return (progress.textContent = "Session ended: log in again");
    if (!response?.ok) continue;
    const page = await response.json();
    for (const callback of page.sent) reply(rows[sent++], callback);
    progress.textContent = `${sent} of ${rows.length} callbacks sent`;
    state.textContent = page.state;
    state.className = `badge ${page.state}`;
    if (page.state !== "playing") return (stop.hidden = true);
  }
}

function reply(tr, callback) {
  const badge = Object.assign(document.createElement("span"), { textContent: callback.reply });
  badge.className = `badge ${callback.is_expected ? "good" : "bad"}`;
  tr.cells[2].replaceChildren(badge);
  if (!callback.id) return;
  const link = Object.assign(document.createElement("a"), { textContent: `#${callback.id}` });
  link.href = `../callbacks/${callback.id}`;
  tr.cells[3].replaceChildren(link);
}

// Focuses the row of the callback from which the operator returns, so that the arrow keys start there.
function restore() {
  const id = sessionStorage.getItem("open");
  sessionStorage.removeItem("open");
  if (id) [...list.querySelectorAll("th a")].find((link) => link.textContent === id)?.focus();
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  // Browsers offer the clipboard only with HTTPS or on localhost. The operator can always select the field.
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  });
}
document.addEventListener("keydown", keys);
if (list?.dataset.last) {
  list.addEventListener("click", (event) => {
    const link = event.target.closest("th a");
    if (link) sessionStorage.setItem("open", link.textContent);
  });
  restore();
  live();
}
const played = document.querySelector("table[data-sent]");
if (played && document.querySelector("[data-stop]")) watch(played);
