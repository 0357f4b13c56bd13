// Live list, keyboard and copying. Each page works without this file.

const list = document.querySelector("[data-list]");
const search = document.querySelector("input[type=search]");
const MAX_ROWS = 500;

function keys(event) {
  const inField = event.target.closest("input, select, textarea");
  if (event.key === "/" && search && !inField) {
    event.preventDefault();
    search.focus();
  }
  const back = document.querySelector("[data-back]");
  if (event.key === "Escape" && back && !inField) back.click();
  if (!list || inField || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const links = [...list.tBodies[0].querySelectorAll("a")];
  const step = event.key === "ArrowDown" ? 1 : -1;
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? links[0] : links[at + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

function row(callback) {
  const tr = document.querySelector("[data-row]").content.firstElementChild.cloneNode(true);
  const [time, verdict, ...rest] = tr.querySelectorAll("td");
  const link = tr.querySelector("a");
  link.href = `callbacks/${callback.id}`;
  link.textContent = callback.id;
  time.firstElementChild.textContent = callback.at;
  time.firstElementChild.dateTime = callback.at;
  verdict.firstElementChild.textContent = callback.verdict;
  verdict.firstElementChild.classList.add(callback.verdict);
  const decision = callback.decision ? ` (${callback.decision})` : "";
  verdict.lastElementChild.textContent = callback.code + decision;
  const { provider, kind, tenant, template, status, elapsed_ms } = callback;
  [provider, kind, tenant, template, status, `${elapsed_ms.toFixed(1)} ms`].forEach((text, i) => {
    rest[i].textContent = text ?? "-";
  });
  return tr;
}

async function live() {
  const area = document.querySelector("[data-live]");
  const [state, follow, show] = ["state", "follow", "show"].map((name) =>
    area.querySelector(`[data-${name}]`),
  );
  area.hidden = false;
  let waiting = [];
  let last = list.dataset.last;
  const add = () => {
    if (waiting.length) document.querySelector("[data-empty]")?.remove();
    for (const callback of waiting) list.tBodies[0].prepend(row(callback));
    while (list.tBodies[0].rows.length > MAX_ROWS) list.tBodies[0].lastElementChild.remove();
    waiting = [];
    show.hidden = true;
  };
  show.addEventListener("click", add);
  follow.addEventListener("change", () => follow.checked && add());
  for (;;) {
    const query = new URLSearchParams(list.dataset.query);
    query.set("after", last);
    query.set("wait", "25");
    query.delete("limit");
    try {
      const response = await fetch(`feed?${query}`, { redirect: "error" });
      if (!response.ok) throw new Error(response.status);
      const page = await response.json();
      last = page.last;
      waiting = waiting.concat(page.callbacks).slice(-MAX_ROWS);
      state.textContent = page.missed ? `Live, ${page.missed} came too fast` : "Live";
      if (follow.checked) add();
      else if (waiting.length) {
        show.textContent = `Show ${waiting.length} new`;
        show.hidden = false;
      }
      await new Promise((done) => setTimeout(done, 250));
    } catch {
      state.textContent = "Not connected: trying again";
      await new Promise((done) => setTimeout(done, 3000));
    }
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  // The clipboard is there only with HTTPS or on localhost; the field can be selected always.
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    field.select();
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  });
}
document.addEventListener("keydown", keys);
if (list) live();
