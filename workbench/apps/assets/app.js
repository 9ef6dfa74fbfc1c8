// Keys, copying and live parts. Without this file every page still reads, links and forms still work.
"use strict";
// Panel's boards stand in shadow trees: what is focused there counts, not the place that holds them.
function active() {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at;
}
function* deep(root, selector) {
  yield* root.querySelectorAll(selector);
  for (const place of root.querySelectorAll("*")) if (place.shadowRoot) yield* deep(place.shadowRoot, selector);
}
const editing = () => active()?.matches("input:not([type=checkbox]), textarea, select");
const sheet = document.querySelector("dialog.sheet");
const keysOn = document.querySelector("[data-keys]");
const inBoards = () => [...document.querySelectorAll("[data-drawn]")].flatMap((place) =>
  [...deep(place, ".wbw li.cause, .wbw tbody tr")].map((row) => row.querySelector("button, summary")).filter(Boolean));
const rows = () => [...inBoards(), ...document.querySelectorAll("[data-row]")].filter((row) => row.checkVisibility());

try { keysOn.checked = localStorage.getItem("keys") !== "off"; } catch { /* storage may be closed */ }
keysOn.addEventListener("change", () => {
  try { localStorage.setItem("keys", keysOn.checked ? "on" : "off"); } catch { /* storage may be closed */ }
});

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(active());
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
  all[next].focus();
  all[next].scrollIntoView({ block: "nearest" });
}

const there = (screen) => { if (document.body.dataset.case) location.assign(`/case/${document.body.dataset.case}/${screen}`); };
const shade = () => document.body.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

function change(step) {
  const all = [...document.querySelectorAll("#changes tbody tr")];
  if (!all.length) { there("timeline#changes"); return; }
  const at = all.indexOf(document.activeElement);
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
  next.tabIndex = -1;
  next.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && editing()) { active().blur(); return; }
  if (editing() || sheet.open) return;
  if (event.key === "?") { event.preventDefault(); sheet.showModal(); return; }
  if (!keysOn.checked) return;
  const act = {
    j: () => move(1),
    k: () => move(-1),
    "/": () => document.getElementById("search").focus(),
    n: () => {
      const note = document.getElementById("note");
      if (note) note.focus();
      else if (document.body.dataset.case) location.assign(`/case/${document.body.dataset.case}/brief#note`);
    },
    b: () => { const field = document.getElementById("windows"); if (field) field.focus(); else there("timeline#windows"); },
    c: () => there("contrast"),
    p: () => { const button = document.querySelector("[data-copy=pinned]"); if (button) button.click(); else there("handoff#pinned"); },
    t: () => { const url = new URL(location.href); url.searchParams.set("theme", shade() === "dark" ? "light" : "dark"); location.assign(url); },
    "[": () => change(-1),
    "]": () => change(1),
    z: () => document.querySelector("[data-undo]")?.requestSubmit(),
  }[event.key];
  const link = /^[1-9]$/.test(event.key) && document.querySelector(`[data-key="${event.key}"]`);
  if (act) { event.preventDefault(); act(); }
  else if (link) { event.preventDefault(); location.assign(link.href); }
});
document.querySelector("nav.screens [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
if (["#note", "#windows"].includes(location.hash)) document.querySelector(location.hash)?.focus();

document.addEventListener("click", async (event) => {
  const help = event.target.closest("[data-help]");
  if (help) { sheet.showModal(); return; }
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const was = button.textContent;
  try {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    button.textContent = "Selected: press Ctrl+C";
  }
  setTimeout(() => { button.textContent = was; }, 2000);
});

// Live: only this server's own escaped HTML is put in, and only while nobody types, draws, reads a sheet or stands in it.
const lost = document.querySelector("[data-lost]");
const stamps = {};
let lastGood = new Date();
let waiting = new Set();

const busy = (part) => editing() || sheet.open || document.body.dataset.busy || part.contains(document.activeElement)
  || part.querySelector("details[open]") || !getSelection().isCollapsed;

// Boards draw anew what the case says, like the parts below: not under somebody's hands.
function tellBoards() {
  const boards = [...document.querySelectorAll("[data-drawn]")];
  if (!boards.length || !waiting.has("case") || document.hidden || document.body.dataset.busy || sheet.open) return;
  if (boards.some((place) => place.contains(document.activeElement) && editing())) return;
  dispatchEvent(new Event("workbench:news"));
}

async function refresh() {
  tellBoards();
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const wanted = (part.dataset.news ?? "").split(" ").some((kind) => waiting.has(kind)) || part.dataset.first === "";
    if (!wanted || document.hidden || busy(part)) continue;
    delete part.dataset.first;
    try {
      const answer = await fetch(part.dataset.refresh, { credentials: "same-origin", signal: AbortSignal.timeout(8000) });
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      if (busy(part)) { part.dataset.first = ""; continue; }
      if (text.trim() !== part.dataset.shown) { part.innerHTML = text; part.dataset.shown = text.trim(); }
    } catch { part.dataset.first = ""; }
  }
  if (![...document.querySelectorAll("[data-refresh]")].some(busy)) waiting = new Set();
}

function gone() {
  lost.querySelector("[data-lost-since]").textContent = lastGood.toLocaleTimeString();
  lost.hidden = false;
}

if (document.querySelector("[data-refresh]") || document.body.dataset.case) {
  const news = new EventSource(`/live?case=${encodeURIComponent(document.body.dataset.case)}`);
  news.onmessage = (event) => {
    lastGood = new Date();
    lost.hidden = true;
    for (const [kind, stamp] of Object.entries(JSON.parse(event.data))) {
      if (stamps[kind] !== undefined && stamps[kind] !== stamp) waiting.add(kind);
      stamps[kind] = stamp;
    }
    refresh();
  };
  news.onopen = () => {
    lastGood = new Date();
    lost.hidden = true;
    // A board that lost its session begins anew with the page, once nobody writes in it.
    if (document.querySelector("[data-panel][data-lost]") && !editing()) location.reload();
  };
  news.onerror = gone;
  addEventListener("pagehide", () => news.close());
}
setInterval(refresh, 2000);
refresh();
