const CSS = `
.wbw{container-type:inline-size}
.wbw .strip{position:relative;outline-offset:2px;border-radius:4px}
.wbw .strip canvas{display:block;width:100%;touch-action:none;cursor:crosshair}
.wbw .read{min-height:20px;color:var(--wb-dim);font-variant-numeric:tabular-nums}
.wbw .seg{display:inline-flex}
.wbw .seg button{border-radius:0;margin-left:-1px}
.wbw .seg button:first-child{border-radius:5px 0 0 5px}.wbw .seg button:last-child{border-radius:0 5px 5px 0}
.wbw .seg button[aria-pressed=true]{background:var(--wb-bg);font-weight:650;box-shadow:inset 0 -3px 0 var(--mark)}
.wbw .key{display:inline-block;width:11px;height:11px;border-radius:2px;vertical-align:-1px;margin-right:5px;background:var(--mark)}
.wbw .cols{max-height:470px;overflow:auto;border-top:1px solid var(--wb-line);margin-top:4px}
.wbw .cols thead th{position:sticky;top:0;background:var(--wb-bg);z-index:1}
.wbw .cols td{vertical-align:middle}.wbw .cols td:first-child{width:24%;min-width:112px}.wbw .cols .words{width:34%}
.wbw .cols canvas{display:block;width:148px;height:34px}
.wbw .cols tr[aria-selected=true] td{background:var(--wb-soft)}
.wbw .cols td button{background:none;border-color:transparent;text-align:left;padding:1px 4px;overflow-wrap:anywhere;font-weight:600}
.wbw .cols tr:not([data-verdict=drifted]) td button{font-weight:400}
.wbw .cols .words{color:var(--wb-dim)}
.wbw .cols tr[data-verdict=drifted] .words{color:var(--wb-fg)}
.wbw tr[data-verdict=drifted] .tag{border-color:var(--wb-select);border-width:2px}
.wbw .detail{margin-top:10px;display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:14px;align-items:start}
.wbw .detail svg{width:100%;height:auto;display:block}
.wbw .detail .scroll{max-height:220px}
.wbw h4{font-size:13px;font-weight:650;margin:10px 0 2px}
@container (max-width:640px){.wbw .wide{display:none}.wbw .detail{grid-template-columns:minmax(0,1fr)}.wbw .cols canvas{width:84px}.wbw .tight{display:none}.wbw .cols thead{display:none}.wbw td,.wbw th{padding:3px 4px}}
`;
const LANES = [["Rows", ""], ["Nulls", "%"], ["Drift", ""]], LANE = 44, TOP = 8, AXIS = 20, EDGE = 6;
const SIDES = { current: "select", baseline: "base" };
const MARKS = { drifted: "◆", small: "◇", ok: "○", silent: "■", "no data": "□", "too few rows": "△" };

function numbers(raw, Kind) {
  if (!raw) return new Kind();
  const bytes = raw instanceof ArrayBuffer ? new Uint8Array(raw) : new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
  return new Kind(bytes.slice().buffer);
}
const stamp = (ms) => iso(ms).slice(0, 16).replace("T", " ");
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

class Strip {
  constructor(model, canvas, root) { Object.assign(this, { model, canvas, root, hover: null, draft: null, lanes: new Float64Array(), width: 0, known: {}, still: document.createElement("canvas"), drawn: "" }); }
  // Width and colours are asked for once: each question would lay the whole page out.
  measure() { this.width = this.canvas.clientWidth; this.known = {}; this.drawn = ""; }
  get left() { return this.width < 520 ? 66 : 104; }
  get extent() { return this.model.get("extent") ?? []; }
  x(t) { const [a, b] = this.extent; return this.left + ((t - a) / (b - a)) * (this.width - this.left - 6); }
  t(x) { const [a, b] = this.extent; return a + ((x - this.left) / (this.width - this.left - 6)) * (b - a); }
  color(name) { return this.known[name] ??= getComputedStyle(this.root).getPropertyValue(`--wb-${name}`).trim(); }
  windows() { return this.draft ?? { current: this.model.get("current") ?? [], baseline: this.model.get("baseline") ?? [] }; }
  draw() {
    const width = this.width, height = TOP + 3 * LANE + AXIS, ratio = devicePixelRatio || 1;
    if (width < 2) return;
    if (this.canvas.width !== Math.round(width * ratio)) { this.canvas.width = Math.round(width * ratio); this.canvas.height = height * ratio; this.canvas.style.height = `${height}px`; }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0); pen.clearRect(0, 0, width, height);
    pen.font = "12px system-ui,sans-serif";
    if (this.extent.length < 2) { pen.fillStyle = this.color("dim"); pen.fillText("No history of this table is frozen in the case yet.", 4, 40); return; }
    const { current, baseline } = this.windows(), color = { fg: this.color("fg"), dim: this.color("dim"), line: this.color("line"), bg: this.color("bg") };
    for (const [a, b] of baseline) this.shade(pen, a, b, this.color("base"), height);
    if (current.length) this.shade(pen, current[0], current[1], this.color("select"), height);
    this.stand(height, ratio, color);
    pen.setTransform(1, 0, 0, 1, 0, 0); pen.drawImage(this.still, 0, 0); pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (this.hover !== null) { pen.strokeStyle = color.fg; pen.beginPath(); pen.moveTo(this.hover + 0.5, TOP); pen.lineTo(this.hover + 0.5, height - AXIS); pen.stroke(); }
  }
  // Lanes and axis stay while a brush moves over them; they are drawn once for a width, a theme and a history.
  stand(height, ratio, color) {
    const key = `${this.width} ${ratio} ${this.extent}`;
    if (this.drawn === key) return;
    this.drawn = key;
    Object.assign(this.still, { width: Math.round(this.width * ratio), height: height * ratio });
    const pen = this.still.getContext("2d"), n = this.lanes.length / 4;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0); pen.font = "12px system-ui,sans-serif";
    LANES.forEach(([words, unit], place) => this.lane(pen, words, unit, place, n, color));
    this.axis(pen, height, color);
  }
  shade(pen, a, b, color, height) {
    const left = this.x(a), wide = Math.max(this.x(b) - left, 2);
    pen.fillStyle = color; pen.globalAlpha = 0.2; pen.fillRect(left, TOP, wide, height - TOP - AXIS);
    pen.globalAlpha = 1; pen.fillRect(left + wide / 2 - Math.max(wide, 4) / 2, TOP - 6, Math.max(wide, 4), 6);
    if (wide > 14) { pen.fillRect(left, TOP, 1.5, height - TOP - AXIS); pen.fillRect(left + wide - 1.5, TOP, 1.5, height - TOP - AXIS); }
  }
  lane(pen, words, unit, place, n, color) {
    const top = TOP + place * LANE, floor = top + LANE - 6, from = n * (place + 1);
    let high = 0, known = false;
    for (let i = from; i < from + n; i++) if (!Number.isNaN(this.lanes[i])) { known = true; if (this.lanes[i] > high) high = this.lanes[i]; }
    pen.fillStyle = color.fg; pen.font = "600 12px system-ui,sans-serif"; pen.fillText(words, 0, top + 17);
    pen.font = "12px system-ui,sans-serif"; pen.fillStyle = color.dim;
    pen.fillText(!known ? "unknown" : unit === "%" ? `to ${percent(high)}` : `to ${figure(high)}`, 0, top + 32, this.left - 8);
    pen.strokeStyle = color.line; pen.lineWidth = 1; pen.beginPath(); pen.moveTo(this.left, floor + 0.5); pen.lineTo(this.width - 6, floor + 0.5); pen.stroke();
    pen.strokeStyle = this.color(`l${[2, 1, 4][place]}`); pen.lineWidth = 1.3;
    // Of the buckets in one pixel the lowest and the highest are drawn, so that no spike is lost.
    const y = (v) => floor - (v / (high || 1)) * (LANE - 14);
    let pixel = -1, low = 0, top_ = 0, last = null;
    pen.beginPath();
    const flush = () => { if (pixel < 0) return; if (last === null) pen.moveTo(pixel, y(low)); else pen.lineTo(pixel, y(low)); pen.lineTo(pixel, y(top_)); last = pixel; };
    for (let i = 0; i < n; i++) {
      const v = this.lanes[from + i], at = Math.round(this.x(this.lanes[i]));
      if (Number.isNaN(v)) { flush(); pixel = -1; last = null; continue; }
      if (at === pixel) { low = Math.min(low, v); top_ = Math.max(top_, v); } else { flush(); pixel = at; low = v; top_ = v; }
    }
    flush(); pen.stroke();
  }
  axis(pen, height, color) {
    const [a, b] = this.extent, steps = [9e5, 36e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 4320e5, 6048e5, 12096e5, 2592e6];
    const step = steps.find((size) => (b - a) / size <= Math.max(2, (this.width - this.left) / 84)) ?? 2592e6;
    pen.fillStyle = color.dim; pen.textAlign = "center";
    for (let t = Math.ceil(a / step) * step; t < b; t += step) {
      const x = this.x(t);
      if (x < this.left + 16 || x > this.width - 22) continue;
      pen.fillRect(x, height - AXIS, 1, 4);
      pen.fillText(step >= 864e5 || t % 864e5 === 0 ? iso(t).slice(5, 10) : iso(t).slice(11, 16), x, height - 4);
    }
    pen.textAlign = "left"; pen.fillText("UTC", 0, height - 4);
  }
}

// Bars of both windows side by side; a bar that is there in one window only is still seen.
function paired(canvas, before, now, colors, width) {
  const height = 34, ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) { canvas.width = Math.round(width * ratio); canvas.height = height * ratio; }
  const pen = canvas.getContext("2d"), n = before.length, wide = width / Math.max(n, 1);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0); pen.clearRect(0, 0, width, height);
  pen.fillStyle = colors.line; pen.fillRect(0, height - 1, width, 1);
  let high = 0;
  for (let i = 0; i < n; i++) high = Math.max(high, before[i], now[i]);
  if (!high) return;
  const most = Math.min(wide, 26);
  [before, now].forEach((side, place) => {
    pen.fillStyle = place ? colors.now : colors.before;
    for (let i = 0; i < n; i++) { const tall = side[i] ? Math.max((side[i] / high) * (height - 3), 1) : 0; pen.fillRect(i * wide + place * most * 0.47, height - 1 - tall, most * 0.47, tall); }
  });
}

const tiny = (share) => (share > 0 && share < 1e-4 ? "<0.01 %" : `${Number((share * 100).toPrecision(2))} %`);

function large(column, labels, before, now, W) {
  const H = 170, n = column.n, wide = (W - 44) / Math.max(n, 1), high = Math.max(...before, ...now, 1e-9);
  const every = Math.max(1, Math.ceil(n / (W / 76))), parts = [];
  for (const share of [0, high / 2, high]) {
    const y = H - 26 - (share / high) * (H - 40);
    parts.push(s("line", { x1: 44, x2: W, y1: y, y2: y, stroke: "var(--wb-line)" }), s("text", { x: 40, y: y + 4, "text-anchor": "end", "font-size": 11, fill: "var(--wb-dim)" }, tiny(share)));
  }
  for (let i = 0; i < n; i++) {
    [[before[i], "base"], [now[i], "select"]].forEach(([share, color], side) => {
      const tall = (share / high) * (H - 40);
      parts.push(s("rect", { x: 44 + i * wide + side * wide * 0.46, y: H - 26 - tall, width: Math.max(wide * 0.44, 1), height: tall, fill: `var(--wb-${color})` }));
    });
    if (i % every === 0) parts.push(s("text", { x: 44 + (i + 0.5) * wide, y: H - 10, "text-anchor": "middle", "font-size": 11, fill: "var(--wb-dim)" }, short(labels[i], 12)));
  }
  return s("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${column.name}: share of rows in baseline and current, ${n} bars; the table beside it has the numbers` }, parts);
}

function render({ model, el }) {
  const ui = mount(model, el, model.get("title") || "Drift comparator", CSS);
  const title = h("h3"), caption = h("p", { class: "cap" }), read = h("div", { class: "read" });
  const canvas = h("canvas", { role: "img" });
  const plot = h("div", { class: "strip", tabindex: 0, role: "group", "aria-label": "History of the table. c and b choose the current or the baseline window, left and right move it, with Shift they change its end, h takes the same hours as baseline, Enter compares, Escape goes back." }, canvas);
  const strip = new Strip(model, canvas, ui.root), body = h("tbody"), rows = [], detail = h("div"), driving = h("div");
  const from = h("input", { size: 16 }), to = h("input", { size: 16 }), twin = h("table");
  let active = "current", waiting = 0, serial = model.get("ask")?.serial ?? 0, next = null, timer = 0, bars = new Float32Array(), drag = null, settled = null, wide = 0;
  const button = (words, click, extra = {}) => h("button", { type: "button", click, ...extra }, words);
  const mark = (side) => h("span", { class: "key", "aria-hidden": "true" });
  const choice = Object.fromEntries(Object.keys(SIDES).map((side) => {
    const made = button([mark(side), side === "current" ? "Current" : "Baseline"], () => choose(side));
    made.style.setProperty("--mark", `var(--wb-${SIDES[side]})`);
    return [side, made];
  }));
  // Anything that case.compare takes as a baseline: a version or an environment has no place on the strip.
  const ways = h("datalist", { id: `wbw-${Math.random().toString(36).slice(2)}` }), stated = h("p", { class: "cap", "aria-live": "polite" });
  const other = h("input", { size: 26, list: ways.id, "aria-label": "Baseline by name: a rule, version NAME or environment NAME", placeholder: "version …, environment …" });
  const rule = button("Same hours, 30 d", () => { ui.set({ rule: "same hours, 30 d", against: "" }); look(now().current, null); settle(); });
  const tied = () => Boolean(model.get("rule")), free = () => !tied() && !model.get("against");
  const now = () => strip.windows();
  const single = () => { const held = now(); return active === "current" ? held.current : held.baseline.length === 1 ? held.baseline[0] : []; };
  const snap = (t) => { const [a, b] = strip.extent, e = model.get("every"); return Math.min(Math.max(Math.round((t - a) / e) * e + a, a), b); };
  const drawStrip = ui.soon(() => strip.draw());

  function send(asked) { waiting = ++serial; clearTimeout(timer); timer = setTimeout(() => { waiting = 0; flush(); }, 1500); ui.set({ ask: { ...asked, serial } }); }
  function flush() { if (next && !waiting && !ui.signal.aborted) { const asked = next; next = null; send(asked); } }
  // One look is under way at a time; of those that come meanwhile the newest counts.
  function look(current, baseline) { if (current.length !== 2) return; next = { what: "windows", current, baseline }; flush(); }
  function move(a, b) {
    let [start, end] = [snap(Math.min(a, b)), snap(Math.max(a, b))];
    if (end - start < model.get("every")) end = Math.min(start + model.get("every"), strip.extent[1]);
    if (end <= start) return;
    const held = now();
    strip.draft = active === "current" ? { ...held, current: [start, end] } : { ...held, baseline: [[start, end]] };
    if (active === "baseline" && (tied() || model.get("against"))) ui.set({ rule: "", against: "" });
    look(strip.draft.current, free() ? strip.draft.baseline : null);
    facts(); drawStrip();
  }
  function settle() {
    const { current, baseline } = now();
    if (current.length !== 2) return;
    const text = model.get("against") || (tied() ? model.get("rule") : baseline.map(([a, b]) => `${iso(a)}/${iso(b)}`).join(", "));
    compare(current, text);
  }
  function compare(current, text) {
    const chosen = { dataset: model.get("dataset"), current: `${iso(current[0])}/${iso(current[1])}`, baseline: text };
    if (same(chosen, settled)) return;
    settled = chosen;
    ui.act("compare", chosen);
  }
  function choose(side) { active = side; facts(); }
  function back() { strip.draft = null; next = null; look(model.get("current") ?? [], free() ? model.get("baseline") : null); facts(); drawStrip(); }
  function typed() {
    const [a, b] = [from, to].map((one) => Date.parse(`${one.value.trim().replace(" ", "T").replace(/Z$/, "")}Z`));
    if (a < b) { move(a, b); settle(); } else facts();
  }

  function facts() {
    const held = now(), chosen = single();
    for (const side of Object.keys(SIDES)) choice[side].setAttribute("aria-pressed", String(side === active));
    [from.value, to.value] = chosen.length ? chosen.map(stamp) : ["", ""];
    from.setAttribute("aria-label", `${active} window from, UTC`); to.setAttribute("aria-label", `${active} window to, UTC`);
    from.placeholder = to.placeholder = held.baseline.length > 1 && active === "baseline" ? `${held.baseline.length} windows` : "";
    rule.setAttribute("aria-pressed", String(tied()));
    if (document.activeElement !== other && other.getRootNode().activeElement !== other) other.value = model.get("against") || model.get("rule") || "";
    stated.textContent = model.get("stated") ? `Compared: ${model.get("stated")}` : "";
    const words = model.get("against") || (held.baseline.length === 1 && held.baseline[0].map(stamp).join(" to ")) || `${held.baseline.length} windows (${model.get("rule") || "chosen"})`;
    canvas.setAttribute("aria-label", held.current.length ? `Current ${held.current.map(stamp).join(" to ")} UTC, baseline ${words}.` : "No window is chosen.");
  }
  function reading() {
    if (strip.hover === null || !strip.lanes.length) { read.textContent = ""; return; }
    const n = strip.lanes.length / 4, t = strip.t(strip.hover);
    let best = 0;
    for (let i = 0; i < n && strip.lanes[i] <= t; i++) best = i;
    const [count, nulls, drift] = [1, 2, 3].map((k) => strip.lanes[k * n + best]);
    read.textContent = `${stamp(strip.lanes[best])} UTC: ${figure(count)} rows · nulls ${Number.isNaN(nulls) ? "unknown" : percent(nulls)} · greatest distance ${figure(drift)}`;
  }

  function line() {
    const made = { name: button("", () => pick(made.column.name)), tag: h("span", { class: "tag" }), canvas: h("canvas", { "aria-hidden": "true" }), effect: h("td", { class: "n tight" }), nulls: h("td", { class: "n wide" }), words: h("td", { class: "words wide" }), column: null };
    made.row = h("tr", {}, h("td", {}, made.name), h("td", {}, made.tag), h("td", {}, made.canvas), made.effect, made.nulls, made.words);
    return made;
  }
  const part = (c) => [bars.subarray(c.offset, c.offset + c.n), bars.subarray(c.offset + c.n, c.offset + 2 * c.n)];
  // Rows are kept and filled anew: thirty columns are repainted without building a table.
  function list() {
    const columns = model.get("columns") ?? [], colors = { line: strip.color("line"), before: strip.color("base"), now: strip.color("select") };
    bars = numbers(model.get("bars"), Float32Array);
    // Asked once for a width of the strip, before anything is written: asking after it would lay the page out again.
    const width = wide ||= rows.find((made) => made.row.isConnected)?.canvas.clientWidth ?? 0;
    while (rows.length < columns.length) { const made = line(); rows.push(made); }
    const text = (node, words) => { if (node.textContent !== words) node.textContent = words; };
    rows.forEach((made, i) => {
      const c = columns[i];
      if (!c) { made.row.remove(); return; }
      made.column = c;
      if (!made.row.isConnected) body.append(made.row);
      made.row.dataset.verdict = c.verdict; made.row.setAttribute("aria-selected", String(c.name === model.get("chosen")));
      text(made.name, short(c.name, 48)); made.name.title = c.name; text(made.tag, `${MARKS[c.verdict] ?? ""} ${c.verdict}`);
      text(made.effect, c.effect === null ? "unknown" : figure(c.effect)); text(made.nulls, same(c.nulls_before, c.nulls_now) ? percent(c.nulls_now) : `${percent(c.nulls_before)} → ${percent(c.nulls_now)}`); text(made.words, c.words ?? "");
      if (c.offset + 2 * c.n <= bars.length) paired(made.canvas, ...part(c), colors, width || (strip.width < 640 ? 84 : 148));
    });
    more(); ended();
  }
  const pick = (name) => { ui.set({ chosen: model.get("chosen") === name ? "" : name }); };
  function more() {
    const columns = model.get("columns") ?? [], c = columns.find((one) => one.name === model.get("chosen"));
    detail.replaceChildren();
    if (c && c.offset + 2 * c.n <= bars.length) {
      const [before, after] = part(c), labels = JSON.parse(model.get("names") || "[]")[columns.indexOf(c)] ?? [];
      const body = h("tbody", {}, labels.map((label, i) => h("tr", {}, h("td", {}, label), h("td", { class: "n" }, tiny(before[i])), h("td", { class: "n" }, tiny(after[i])))));
      detail.append(h("h4", {}, c.name), h("p", { class: "cap" }, c.words ?? ""), h("div", { class: "detail" }, large(c, labels, before, after, strip.width < 640 ? 320 : 460),
        h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Shares of ${c.name}` }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, c.type === "number" ? "From" : "Value"), h("th", { class: "n" }, "Baseline"), h("th", { class: "n" }, "Current"))), body))));
    }
    const found = model.get("drivers") ?? [];
    driving.replaceChildren();
    if (found.length) driving.append(h("h4", {}, "What drives it (association, not proof)"), h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["Column", "Without rows of", "Difference gone", "Share before", "Share now"].map((w, i) => h("th", { class: `${i > 1 ? "n" : ""}${i > 2 ? " tight" : ""}` }, w)))),
      h("tbody", {}, found.map((d) => h("tr", {}, h("td", {}, short(d.column, 40)), h("td", {}, short(d.segment, 64)), ...["explained", "share_before", "share_now"].map((k, i) => h("td", { class: `n${i ? " tight" : ""}` }, percent(d[k])))))))));
  }
  // Others may wait until what they asked for is drawn.
  const ended = () => ui.root.dispatchEvent(new CustomEvent("workbench:repainted", { bubbles: true, composed: true, detail: model.get("answered") }));

  function offered() { ways.replaceChildren(...(model.get("ways") ?? []).map((way) => h("option", { value: way }))); }
  function heads() { title.textContent = model.get("title") ?? ""; caption.textContent = model.get("caption") ?? ""; }
  function laid() {
    strip.lanes = numbers(model.get("history"), Float64Array); strip.measure();
    const n = strip.lanes.length / 4, step = Math.max(1, Math.ceil(n / 60));
    twin.replaceChildren(h("thead", {}, h("tr", {}, ["From, UTC", "Rows", "Nulls", "Greatest distance"].map((w, i) => h("th", { class: i && "n" }, w)))),
      h("tbody", {}, Array.from({ length: Math.ceil(n / step) }, (_, k) => h("tr", {}, h("td", {}, stamp(strip.lanes[k * step])), ...[1, 2, 3].map((lane) => h("td", { class: "n" }, (lane === 2 ? percent : figure)(Number.isNaN(strip.lanes[lane * n + k * step]) ? null : strip.lanes[lane * n + k * step])))))));
    drawStrip();
  }
  function answered() {
    if (model.get("answered") < waiting) return;
    waiting = 0; clearTimeout(timer); flush();
    if (!drag && !waiting) { strip.draft = null; facts(); drawStrip(); }
  }

  const hit = (x) => {
    const { current, baseline } = now(), windows = [["current", current], ...(baseline.length === 1 ? [["baseline", baseline[0]]] : [])].filter(([, w]) => w.length === 2);
    if (active === "baseline") windows.reverse();
    for (const [side, [a, b]] of windows) {
      const [left, right] = [strip.x(a), strip.x(b)];
      if (right - left > 2 * EDGE && Math.abs(x - left) <= EDGE) return { side, kind: "edge", fixed: b };
      if (right - left > 2 * EDGE && Math.abs(x - right) <= EDGE) return { side, kind: "edge", fixed: a };
      if (x > left - EDGE && x < right + EDGE) return { side, kind: "move", a, b };
    }
    return { side: active, kind: "edge", fixed: null };
  };
  ui.listen(canvas, "pointerdown", (e) => {
    if (e.offsetX < strip.left || strip.extent.length < 2) return;
    const found = hit(e.offsetX), at = strip.t(e.offsetX);
    active = found.side; drag = { ...found, fixed: found.fixed ?? at, at, moved: false };
    canvas.setPointerCapture(e.pointerId); plot.focus({ preventScroll: true }); facts();
  });
  ui.listen(canvas, "pointermove", (e) => {
    strip.hover = e.offsetX >= strip.left ? e.offsetX : null; reading();
    if (drag) {
      const t = strip.t(e.offsetX);
      drag.moved ||= Math.abs(strip.x(t) - strip.x(drag.at)) > 2;
      if (drag.moved && drag.kind === "edge") move(drag.fixed, t);
      else if (drag.moved) { const size = drag.b - drag.a, [low, high] = strip.extent, start = Math.min(Math.max(drag.a + t - drag.at, low), high - size); move(start, start + size); }
    } else if (strip.extent.length) { const kind = hit(e.offsetX); canvas.style.cursor = kind.kind === "move" ? "grab" : kind.fixed === null ? "crosshair" : "ew-resize"; }
    drawStrip();
  });
  ui.listen(canvas, "pointerup", () => { const moved = drag?.moved; drag = null; if (moved) settle(); });
  ui.listen(canvas, "pointercancel", () => { drag = null; back(); });
  ui.listen(canvas, "pointerleave", () => { strip.hover = null; reading(); drawStrip(); });
  const by = (start, end) => { const held = single(), e = model.get("every"); if (held.length) move(held[0] + start * e, held[1] + end * e); };
  const keys = { c: () => choose("current"), b: () => choose("baseline"), h: () => rule.click(), Enter: settle, Escape: back };
  ui.listen(plot, "keydown", (e) => {
    if (e.target !== plot || e.ctrlKey || e.metaKey || e.altKey) return;
    const way = { ArrowLeft: -1, ArrowRight: 1 }[e.key], run = way ? () => (e.shiftKey ? by(0, way) : by(way, way)) : keys[e.key];
    if (run) { e.preventDefault(); e.stopPropagation(); run(); }
  });
  ui.listen(other, "change", () => { const text = other.value.trim(), held = now(); if (text && held.current.length) compare(held.current, text); });
  ui.listen(from, "change", typed); ui.listen(to, "change", typed);
  ui.body.append(title, caption, plot, read, stated, h("div", { class: "bar" }, h("span", { class: "seg", role: "group", "aria-label": "Window that the brush draws" }, choice.current, choice.baseline), from, h("span", { class: "dim" }, "to"), to, h("span", { class: "dim" }, "UTC"), rule, other, ways, button("Compare", settle, { class: "main" })),
    h("div", { class: "cols", tabindex: 0, role: "region", "aria-label": "Columns, the strongest evidence first" }, h("table", {}, h("thead", {}, h("tr", {}, ["Column", "Verdict", "Baseline and current", "Effect", "Nulls", "In words"].map((w, i) => h("th", { scope: "col", class: `${i === 3 || i === 4 ? "n " : ""}${i > 3 ? "wide" : i === 3 ? "tight" : ""}` }, w)))), body)),
    detail, driving, h("details", {}, h("summary", {}, "The history as a table"), h("div", { class: "scroll" }, twin)));
  const relist = ui.soon(list), redraw = () => { facts(); drawStrip(); };
  for (const trait of ["columns", "bars", "drivers", "chosen"]) ui.on(trait, relist);
  for (const trait of ["title", "caption"]) ui.on(trait, heads);
  for (const trait of ["current", "baseline"]) ui.on(trait, () => {
    if (!drag && !next && !waiting) strip.draft = null;
    else if (strip.draft && tied()) strip.draft = { ...strip.draft, baseline: model.get("baseline") ?? [] };
    redraw();
  });
  for (const trait of ["rule", "against", "stated"]) ui.on(trait, ui.soon(facts));
  ui.on("ways", offered); ui.on("history", laid); ui.on("extent", redraw);
  ui.on("answered", () => { answered(); relist(); });
  ui.redrawn.push(() => { strip.measure(); wide = 0; drawStrip(); relist(); });
  // render may run before el is attached: the first drawing waits for a width.
  const sized = new ResizeObserver(() => { const before = strip.width; strip.measure(); if (strip.width > 1 && strip.width !== before) { wide = 0; drawStrip(); relist(); } });
  sized.observe(canvas); ui.signal.addEventListener("abort", () => sized.disconnect());
  heads(); offered(); laid(); facts(); list();
  return () => { clearTimeout(timer); ui.end(); };
}
export default { render };
