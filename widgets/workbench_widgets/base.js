// Put before every widget's own file, so that what is served is one module without imports.
const TOKENS = `
.wbw{--wb-select:#D55E00;--wb-base:#0072B2;--wb-bg:#fff;--wb-soft:#f3f4f6;--wb-fg:#1b1f24;--wb-dim:#59616b;--wb-line:#c9ced6;
 --wb-l0:#915026;--wb-l1:#3f83b3;--wb-l2:#566372;--wb-l3:#857868;--wb-l4:#9105E9;--wb-l5:#b9620f;
 font:13px/1.45 system-ui,sans-serif;color:var(--wb-fg);background:var(--wb-bg);padding:12px;border:1px solid var(--wb-line);
 border-radius:8px;box-sizing:border-box;width:100%;min-width:0;overflow:hidden;container-type:inline-size}
.wbw[data-theme=dark]{--wb-bg:#14171b;--wb-soft:#20252b;--wb-fg:#e8eaed;--wb-dim:#a3abb5;--wb-line:#3b434d;
 --wb-select:#F08030;--wb-base:#4DA6E0;--wb-l0:#C98A5B;--wb-l1:#7FB6DC;--wb-l2:#93A1B2;--wb-l3:#BDB1A4;--wb-l4:#C07BFF;--wb-l5:#F0A04B}
.wbw[data-lab]{--wb-bg:var(--jp-layout-color1,#fff);--wb-fg:var(--jp-content-font-color1,#1b1f24)}
.wbw *{box-sizing:border-box}
.wbw h3{font-size:15px;margin:0 0 2px;font-weight:650}
.wbw p.cap{margin:0 0 8px;color:var(--wb-dim)}
.wbw .bar{display:flex;flex-wrap:wrap;gap:6px;align-items:center;margin:6px 0}
.wbw button{font:inherit;color:inherit;background:var(--wb-soft);border:1px solid var(--wb-line);border-radius:5px;min-height:26px;padding:1px 9px;cursor:pointer}
.wbw button:hover{border-color:var(--wb-fg)}
.wbw button[disabled]{opacity:.5;cursor:default}
.wbw button.main{background:var(--wb-base);border-color:var(--wb-base);color:#fff}
.wbw[data-theme=dark] button.main{color:#0b0d10}
.wbw input{font:inherit;color:inherit;background:var(--wb-bg);border:1px solid var(--wb-line);border-radius:5px;min-height:26px;padding:1px 7px}
.wbw :focus-visible{outline:2px solid var(--wb-base);outline-offset:1px}
.wbw table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.wbw th{text-align:left;font-weight:600;color:var(--wb-dim);border-bottom:1px solid var(--wb-line);padding:3px 8px}
.wbw td{padding:3px 8px;border-bottom:1px solid color-mix(in srgb,var(--wb-line) 50%,transparent);overflow-wrap:anywhere}
.wbw td.n,.wbw th.n{text-align:right;white-space:nowrap}
.wbw details{margin-top:8px}.wbw summary{cursor:pointer;min-height:24px;color:var(--wb-dim)}
.wbw .scroll{overflow:auto;max-width:100%}
.wbw .scroll td{overflow-wrap:break-word}
.wbw .sub{display:block;margin-top:12px;font-weight:650}
.wbw .dim{color:var(--wb-dim)}
.wbw .tag{border:1px solid var(--wb-line);border-radius:9px;padding:0 7px;white-space:nowrap}
.wbw .said{display:flex;gap:8px;align-items:center;margin-top:8px;padding:4px 8px;background:var(--wb-soft);border-radius:5px}
.wbw .said code{flex:1;overflow-wrap:anywhere;font-family:ui-monospace,monospace;font-size:12px}
`;
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  // Strings become text nodes: telemetry is never read as markup.
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}
const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

function figure(value, unit = "") {
  if (value === null || value === undefined || Number.isNaN(value)) return "unknown";
  const size = Math.abs(value);
  const [scale, word] = size >= 1e9 ? [1e9, " G"] : size >= 1e6 ? [1e6, " M"] : size >= 1e4 ? [1e3, " k"] : [1, ""];
  return `${Number((value / scale).toPrecision(3))}${word}${unit ? ` ${unit}` : ""}`;
}
const percent = (value) => (value === null || value === undefined ? "unknown" : `${Number((value * 100).toPrecision(3))} %`);
const span = (ms) => (ms >= 120000 ? `${figure(ms / 60000)} min` : ms >= 1000 ? `${figure(ms / 1000)} s` : `${figure(ms)} ms`);
const short = (text, most) => (text.length > most ? `${text.slice(0, most - 9)}…${text.slice(-8)}` : text);
const iso = (ms) => new Date(ms).toISOString().replace(".000Z", "Z");

function themeOf(model) {
  const asked = model.get("theme") || new URLSearchParams(location.search).get("theme");
  if (asked === "light" || asked === "dark") return asked;
  const lab = document.body?.dataset.jpThemeLight;
  if (lab) return lab === "true" ? "light" : "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// Builds root, theme, caption and the line of Python; returns what a widget draws with.
function mount(model, el, label, css = "") {
  const abort = new AbortController();
  const { signal } = abort;
  const root = h("section", { class: "wbw", "aria-label": label });
  const body = h("div");
  const said = h("div", { role: "status", "aria-live": "polite" });
  // A notebook keeps a static twin beside the widget for viewers without a kernel; a living widget stands in its place.
  const twin = model.get("_twin") ?? "", hidden = /^wbw-twin-\w+$/.test(twin) ? `.${twin}{display:none}` : "";
  root.append(h("style", {}, TOKENS + css + hidden), body, said);
  el.replaceChildren(root);
  const on = (trait, run) => {
    model.on(`change:${trait}`, run);
    signal.addEventListener("abort", () => model.off(`change:${trait}`, run));
  };
  const listen = (target, event, run, options = {}) => target.addEventListener(event, run, { ...options, signal });
  const set = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  };
  let acted = false;
  const act = (operation, args) => {
    const serial = (model.get("action")?.serial ?? 0) + 1;
    acted = true;
    set({ action: { operation, arguments: args, serial } });
  };
  const ask = (what, about = {}) => {
    const serial = (model.get("ask")?.serial ?? 0) + 1;
    set({ ask: { what, ...about, serial } });
  };
  // Many changes in one frame are one drawing: hundreds of events a second freeze nothing. While somebody writes
  // into a form of the widget, nothing is drawn anew below the hand.
  const writing = () => { const held = root.getRootNode().activeElement; return Boolean(held && root.contains(held) && held.closest("form")); };
  const soon = (run) => {
    let asked = 0;
    const again = () => { asked = 0; if (signal.aborted) return; if (writing()) asked = setTimeout(again, 200); else run(); };
    return () => { if (!asked) asked = requestAnimationFrame(again); };
  };
  const redrawn = [];
  const theme = () => {
    root.dataset.theme = themeOf(model);
    if (document.body?.dataset.jpThemeLight && !model.get("theme")) root.dataset.lab = "";
    for (const run of redrawn) run();
  };
  on("theme", theme);
  listen(matchMedia("(prefers-color-scheme: dark)"), "change", theme);
  const watch = new MutationObserver(theme);
  if (document.body) watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  signal.addEventListener("abort", () => watch.disconnect());
  // JupyterLab's extension puts the line below as a cell and says so; elsewhere it is there to be copied.
  const insert = (line) => {
    const offer = new CustomEvent("workbench:cell", { bubbles: true, composed: true, cancelable: true, detail: { line } });
    return !root.dispatchEvent(offer);
  };
  const tell = () => {
    const { line, text } = model.get("said") ?? {};
    said.replaceChildren();
    if (!line && !text) return;
    // Of several views of one widget only the one that was clicked asks for the cell; a reopened one asks for none.
    const inserted = Boolean(line) && acted && insert(line);
    acted = false;
    const copy = h("button", { type: "button", "aria-label": "Copy the line of Python", click: () => navigator.clipboard?.writeText(line) }, "Copy");
    said.append(h("div", { class: "said" }, h("code", {}, line ?? ""), h("span", { class: "dim" }, text ?? ""),
      inserted ? h("span", { class: "tag" }, "cell below") : null, line ? copy : null));
  };
  on("said", tell);
  theme();
  tell();
  return { root, body, signal, on, listen, set, act, ask, soon, redrawn, end: () => abort.abort() };
}

// Asks for a reason in place: a form that calls done(text) once text is given.
function reasonForm(question, done, cancel) {
  const input = h("input", { "aria-label": question, placeholder: question, size: 34 });
  const form = h("form", { class: "bar", submit: (event) => {
    event.preventDefault();
    if (input.value.trim()) done(input.value.trim());
    else input.focus();
  }, keydown: (event) => { if (event.key === "Escape") cancel(); } }, input,
    h("button", { type: "submit", class: "main" }, "Save"), h("button", { type: "button", click: cancel }, "Cancel"));
  queueMicrotask(() => input.focus());
  return form;
}
