// Keys, copying and live parts. Without this file every page still reads, links and forms still work.
"use strict";
const editing = () => document.activeElement?.matches("input:not([type=checkbox]), textarea, select");
const sheet = document.querySelector("dialog.sheet");
const keysOn = document.querySelector("[data-keys]");
const rows = () => [...document.querySelectorAll("[data-row]")];

try { keysOn.checked = localStorage.getItem("keys") !== "off"; } catch { /* storage may be closed */ }
keysOn.addEventListener("change", () => {
  try { localStorage.setItem("keys", keysOn.checked ? "on" : "off"); } catch { /* storage may be closed */ }
});

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
  all[next].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && editing()) { document.activeElement.blur(); return; }
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
    z: () => document.querySelector("[data-undo]")?.requestSubmit(),
  }[event.key];
  const link = /^[1-9]$/.test(event.key) && document.querySelector(`[data-key="${event.key}"]`);
  if (act) { event.preventDefault(); act(); }
  else if (link) { event.preventDefault(); location.assign(link.href); }
});
if (location.hash === "#note") document.getElementById("note")?.focus();

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

// Live: only this server's own escaped HTML is put in, and only while nobody types, reads a sheet or stands in it.
const lost = document.querySelector(".lost");
let lastGood = new Date();
async function refresh() {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    if (document.hidden || editing() || sheet.open || part.contains(document.activeElement)) continue;
    if (!getSelection().isCollapsed) continue;
    try {
      const answer = await fetch(part.dataset.refresh, { credentials: "same-origin", signal: AbortSignal.timeout(4000) });
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      if (editing() || part.contains(document.activeElement)) continue;
      if (text.trim() !== part.dataset.shown) { part.innerHTML = text; part.dataset.shown = text.trim(); }
      lastGood = new Date();
      lost.hidden = true;
    } catch {
      lost.querySelector("[data-lost-since]").textContent = lastGood.toLocaleTimeString();
      lost.hidden = false;
    }
  }
}
setInterval(refresh, 5000);
