// Widgets: the modules of the notebook, each with the state that the server put beside it; clicks become forms.
"use strict";
const unpack = (value) => value && value.__bytes !== undefined
  ? Uint8Array.from(atob(value.__bytes), (c) => c.charCodeAt(0)).buffer : value;
const nonce = document.currentScript?.nonce ?? document.querySelector("script[nonce]")?.nonce;

// The page's policy lets styles in by nonce alone; what a widget brings carries the page's.
const make = document.createElement.bind(document);
document.createElement = (tag, options) => {
  const made = make(tag, options);
  if (String(tag).toLowerCase() === "style") made.nonce = nonce;
  return made;
};

function held(state, kind) {
  const asks = [];
  // What only looks further is asked of the server with all that was asked before, so that it keeps nothing.
  async function look(asked) {
    asks.push(asked);
    while (asks.length > 1 && JSON.stringify(asks).length > 6000) asks.shift();
    const address = `/board/${encodeURIComponent(document.body.dataset.case)}/${kind}?asks=${encodeURIComponent(JSON.stringify(asks))}`;
    const answer = await fetch(address, { credentials: "same-origin", signal: AbortSignal.timeout(15000) });
    if (!answer.ok) return;
    const found = Object.entries(await answer.json());
    const changed = found.filter(([name, value]) => name !== "ask" && JSON.stringify(value) !== JSON.stringify(values[name]));
    for (const [name, value] of changed) values[name] = unpack(value);
    for (const [name] of changed) for (const run of heard[`change:${name}`] ?? []) run();
  }
  const values = Object.fromEntries(Object.entries(state).map(([name, value]) => [name, unpack(value)])), heard = {};
  return {
    get: (name) => values[name], save_changes() {}, send() {},
    set(name, value) {
      values[name] = value;
      if (name === "action" && value?.operation) act(value);
      if (name === "ask" && value?.what) look(value);
      for (const run of heard[`change:${name}`] ?? []) run();
    },
    on(event, run) { (heard[event] ??= []).push(run); },
    off(event, run) { heard[event] = (heard[event] ?? []).filter((x) => x !== run); },
  };
}

function act({ operation, arguments: given }) {
  const form = document.getElementById("act-form");
  if (!form) return;
  form.action = form.dataset.base + encodeURIComponent(operation);
  for (const [name, value] of Object.entries(given ?? {})) {
    const field = make("input");
    field.type = "hidden"; field.name = name; field.value = String(value);
    form.append(field);
  }
  form.submit();
}

for (const place of document.querySelectorAll("[data-board]")) {
  const state = JSON.parse(place.querySelector("script").textContent);
  place.style.minHeight = `${place.dataset.height}px`;
  // Live parts wait while somebody draws a selection.
  place.addEventListener("pointerdown", () => { document.body.dataset.busy = "brush"; });
  addEventListener("pointerup", () => setTimeout(() => { delete document.body.dataset.busy; }, 1500));
  import(`/assets/${place.dataset.board}.widget.js`)
    .then((module) => module.default.render({ model: held(state, place.dataset.board), el: place }))
    .catch(() => { place.textContent = "The board could not be drawn; the same numbers stand below it."; });
}
