const CSS = `
.wbw .plot{position:relative;outline-offset:2px}
.wbw .plot canvas{display:block;width:100%;touch-action:none;cursor:crosshair}
.wbw .glyphs{position:absolute;left:0;right:0;top:0;height:26px;pointer-events:none}
.wbw .glyphs button{position:absolute;pointer-events:auto;min-height:24px;width:24px;padding:0;margin-left:-12px;border-radius:12px;background:var(--wb-bg)}
.wbw .read{min-height:20px;color:var(--wb-dim)}
`;
const TOP = 28, LANE = 66, AXIS = 22, SETTLE_MS = 250;
const GLYPHS = { deploy: "▲", commit: "◆", config: "■", flag: "⚑", model: "●", data: "▼", schema: "✚" };
const DASHES = [[], [6, 3], [2, 2], [8, 2, 2, 2]];

const floats = (raw) => new Float64Array(bytes(raw).slice().buffer);

const STEPS = [...[1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100].flatMap((size) => [size, 2 * size, 5 * size]), 1e3, 5e3, 15e3, 6e4, 3e5, 9e5, 18e5, 36e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 6048e5, 2592e6];
const stepOf = (start, end, most) => STEPS.find((size) => (end - start) / size <= most) ?? 2592e6;

// A moment as a clock says it; below a second with as many digits as tell two ticks apart. *zero* is whole seconds.
function moment(t, zero, step) {
  if (step >= 1e3) return iso(zero + t).slice(11, 19);
  const digits = Math.min(9, Math.max(3, Math.ceil(3 - Math.log10(step))));
  const whole = Math.floor(t / 1e3), part = Math.min(t - whole * 1e3, 999.9999999);
  return `${iso(zero + whole * 1e3).slice(11, 19)}.${(part / 1e3).toFixed(digits).slice(2, 2 + digits)}`;
}

function ticks(start, end, most, zero) {
  const step = stepOf(start, end, most), found = [];
  // Steps of whole units are counted from 1970, so that they fall on round clock times.
  const first = step >= 1e3 ? Math.ceil((zero + start) / step) * step - zero : Math.ceil(start / step) * step;
  for (let k = 0; first + k * step <= end && k < 200; k++) found.push(first + k * step);
  return found.map((t) => [t, step < 1e3 ? moment(t, zero, step).slice(6)
    : step >= 864e5 || (zero + t) % 864e5 === 0 ? iso(zero + t).slice(5, 10) : iso(zero + t).slice(11, step < 6e4 ? 19 : 16)]);
}

class Chart {
  constructor(model, canvas, root) {
    Object.assign(this, { model, canvas, root, hover: null, draft: null, scene: [], exact: false, view: model.get("view"), tiles: new Tiles(model), inks: {} });
  }
  get zero() { return this.model.get("zero") ?? 0; }
  get step() { return stepOf(this.view.start, this.view.end, Math.max(2, (this.width - this.left) / 80)); }
  get width() { return this.canvas.clientWidth; }
  get left() { return this.width < 560 ? 92 : 168; }
  get letters() { return this.width < 560 ? 13 : 24; }
  x(t) { return this.left + ((t - this.view.start) / (this.view.end - this.view.start)) * (this.width - this.left - 8); }
  t(x) { return this.view.start + ((Math.max(x, this.left) - this.left) / (this.width - this.left - 8)) * (this.view.end - this.view.start); }
  color(name) { return (this.inks[name] ??= this.styles.getPropertyValue(`--wb-${name}`).trim()); }
  // What is drawn of each lane: out of the tiles that are here, else out of the points of the last whole answer.
  resolve() {
    const lanes = this.model.get("lanes") ?? [], found = this.tiles.best(this.view, Math.max(100, this.width - this.left));
    this.exact = Boolean(found?.exact);
    if (found && found.pieces.every(({ slab }) => slab.lanes.length === lanes.length)) {
      this.scene = lanes.map((lane, place) => this.tiled(lane, place, found.pieces));
      return;
    }
    this.exact = false;
    const points = floats(this.model.get("points"));
    const own = (one) => ({ ...one, t: points.subarray(one.offset, one.offset + one.n), v: points.subarray(one.offset + one.n, one.offset + 2 * one.n) });
    this.scene = lanes.map((lane) => ({ ...lane, series: lane.series.map(own), over: (lane.over ?? []).map(own), drawn: lane.kernels && this.sent(lane.kernels, points) }));
  }
  tiled(lane, place, pieces) {
    const held = pieces[0].slab.lanes[place];
    if (!held.series.length && !held.kernels) return { ...lane, series: [], over: [] };
    const of = (part) => held[part].map((_, k) => ({ ...lane[part][k], ...traced(pieces, this.view, (slab) => slab.lanes[place][part][k]) }));
    const series = of("series"), over = of("over"), known = series.filter((one) => one.low !== null);
    for (const one of known) { const alike = known.filter((other) => other.unit === one.unit); one.scale = [Math.min(...alike.map((other) => other.low)), Math.max(...alike.map((other) => other.high))]; }
    const low = known.length ? Math.min(...known.map((one) => one.low)) : null, high = known.length ? Math.max(...known.map((one) => one.high)) : null;
    const drawn = held.kernels && this.kernels(place, pieces);
    return { ...lane, series, over, low, high, drawn, state: known.length || drawn ? "" : "no data in this window" };
  }
  sent() { return null; }
  kernels() { return null; }
  draw() {
    const lanes = this.model.get("lanes") ?? [], width = this.width;
    if (width < 2) return;
    this.styles = getComputedStyle(this.root); this.inks = {};
    this.resolve();
    const height = TOP + lanes.length * LANE + AXIS, ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.floor(width * ratio)) this.canvas.width = width * ratio;
    if (this.canvas.height !== Math.floor(height * ratio)) { this.canvas.height = height * ratio; this.canvas.style.height = `${height}px`; }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "12px system-ui,sans-serif";
    if ((this.model.get("changes") ?? []).length) { pen.fillStyle = this.color("fg"); pen.font = "600 12px system-ui,sans-serif"; pen.fillText("Changes", 2, 17); pen.font = "12px system-ui,sans-serif"; }
    this.windows(pen, height);
    this.scene.forEach((lane, place) => this.lane(pen, lane, place));
    this.axis(pen, height);
    for (const change of this.model.get("changes") ?? []) this.line(pen, this.x(change.t), TOP - 2, height - AXIS, this.color("dim"), [2, 3]);
    if (this.hover !== null) this.line(pen, this.hover, TOP, height - AXIS, this.color("fg"), []);
  }
  windows(pen, height) {
    const shade = (a, b, color) => {
      const left = Math.max(this.x(a), this.left), right = Math.min(this.x(b), this.width - 8);
      if (right <= left) return;
      pen.globalAlpha = 0.14; pen.fillStyle = color; pen.fillRect(left, TOP, right - left, height - TOP - AXIS);
      pen.globalAlpha = 1; pen.fillRect(left, TOP - 3, Math.max(right - left, 1), 3);
    };
    for (const [a, b] of this.model.get("baseline") ?? []) shade(a, b, this.color("base"));
    const chosen = this.draft ?? (this.model.get("selection") ?? []).map((t) => t - this.zero);
    if (chosen.length === 2) shade(chosen[0], chosen[1], this.color("select"));
  }
  line(pen, x, top, bottom, color, dash) {
    if (x < this.left || x > this.width - 8) return;
    pen.strokeStyle = color; pen.lineWidth = 1; pen.setLineDash(dash);
    pen.beginPath(); pen.moveTo(x, top); pen.lineTo(x, bottom); pen.stroke(); pen.setLineDash([]);
  }
  lane(pen, lane, place) {
    const top = TOP + place * LANE, floor = top + LANE - 8, color = this.color(`l${place % 6}`);
    pen.fillStyle = this.color("fg"); pen.font = "600 12px system-ui,sans-serif";
    pen.fillText(short(`${lane.first ? "▶ " : ""}${lane.title}`, this.letters), 2, top + 18, this.left - 12);
    pen.font = "12px system-ui,sans-serif"; pen.fillStyle = this.color("dim");
    pen.strokeStyle = this.color("line"); pen.lineWidth = 1;
    pen.beginPath(); pen.moveTo(this.left, floor + 0.5); pen.lineTo(this.width - 8, floor + 0.5); pen.stroke();
    if (lane.state) { this.hatch(pen, top, floor); pen.fillStyle = this.color("dim"); pen.fillText(lane.state, this.left + 8, top + 34); return; }
    if (lane.low === null || lane.low === undefined) return;
    // Series of one unit share a scale; those of another have their own, and then each says its range.
    const scaled = ([low, high]) => (v) => (high === low ? (top + floor) / 2 : floor - 3 - ((v - low) / (high - low)) * (LANE - 28));
    pen.save(); pen.beginPath(); pen.rect(this.left, top, this.width - this.left - 8, LANE); pen.clip();
    if (lane.onset?.length) { pen.fillStyle = this.color("select"); pen.globalAlpha = 0.35; const a = this.x(lane.onset[0]); pen.fillRect(a, top + 4, Math.max(this.x(lane.onset[1]) - a, 3), LANE - 12); pen.globalAlpha = 1; }
    lane.series.forEach((one, number) => {
      const y = scaled(one.scale?.length ? one.scale : [lane.low, lane.high]);
      pen.strokeStyle = color; pen.lineWidth = 1.5; pen.setLineDash(DASHES[number % 4]); pen.beginPath();
      this.path(pen, one, y);
      pen.stroke(); pen.setLineDash([]);
    });
    pen.restore();
    pen.fillStyle = this.color("dim");
    this.legend(pen, lane, top, color);
  }
  // Which line is which: a piece of it before its name, as many as fit.
  legend(pen, lane, top, color) {
    const unit = (one) => one.unit ?? lane.unit, alone = new Set(lane.series.map(unit)).size < 2;
    if (alone) pen.fillText(`${figure(lane.low)} to ${figure(lane.high, unit(lane.series[0]))}`, 2, top + 35, this.left - 12);
    const room = this.width - this.left - 50, wide = (texts) => texts.reduce((sum, text) => sum + pen.measureText(text).width + 38, 0);
    const ranged = lane.series.map((one) => (alone ? short(one.name, 44) : `${short(one.name, 44)} ${figure(one.low)} to ${figure(one.high, unit(one))}`));
    const texts = wide(ranged) <= room ? ranged : lane.series.map((one) => short(one.name, room < 500 ? 26 : 34));
    // A line alone that is called as its lane needs no name beside it.
    if (texts.length === 1 && lane.title.toLowerCase().endsWith(lane.series[0].name.toLowerCase())) return;
    let x = this.left + 6;
    for (const [number, text] of texts.entries()) {
      const size = wide([text]);
      if (number > 0 && x + size > this.width - 40) { pen.fillText(`+${texts.length - number}`, x, top + 13); break; }
      pen.globalAlpha = 0.8; pen.fillStyle = this.color("bg"); pen.fillRect(x - 3, top + 2, size - 6, 14); pen.globalAlpha = 1; pen.fillStyle = this.color("dim");
      pen.lineWidth = 1.5; pen.strokeStyle = color; pen.setLineDash(DASHES[number % 4]); pen.beginPath(); pen.moveTo(x, top + 9); pen.lineTo(x + 20, top + 9); pen.stroke(); pen.setLineDash([]);
      pen.fillText(text, x + 25, top + 13);
      x += size;
    }
  }
  path(pen, one, y) {
    const { start, end } = this.view, scale = (this.width - this.left - 8) / (end - start), left = this.left, { t, v } = one;
    let open = false;
    for (let i = 0; i < t.length; i++) {
      const value = v[i];
      if (Number.isNaN(value)) { open = false; continue; }
      const x = left + (t[i] - start) * scale;
      if (open) pen.lineTo(x, y(value));
      else { pen.moveTo(x, y(value)); pen.lineTo(x + 0.5, y(value)); }
      open = true;
    }
  }
  hatch(pen, top, floor) {
    pen.save(); pen.beginPath(); pen.rect(this.left, top + 4, this.width - this.left - 8, floor - top - 4); pen.clip();
    pen.strokeStyle = this.color("line"); pen.beginPath();
    for (let x = this.left - LANE; x < this.width; x += 9) { pen.moveTo(x, floor); pen.lineTo(x + LANE, floor - LANE); }
    pen.stroke(); pen.clearRect(this.left + 2, top + 20, 260, 20); pen.restore();
  }
  axis(pen, height) {
    pen.fillStyle = this.color("dim"); pen.textAlign = "center";
    for (const [t, words] of ticks(this.view.start, this.view.end, Math.max(2, (this.width - this.left) / 80), this.zero)) {
      const x = this.x(t);
      if (x < this.left + 16 || x > this.width - 24) continue;
      this.line(pen, x, TOP, height - AXIS, this.color("line"), [1, 4]);
      pen.fillText(words, x, height - 7);
    }
    pen.textAlign = "left"; pen.fillText(this.step < 1e3 ? `${iso(this.zero + this.view.start).slice(5, 16).replace("T", " ")} UTC, s` : "UTC", 2, height - 7);
  }
  reading() {
    if (this.hover === null) return "";
    const t = this.t(this.hover), parts = [];
    for (const lane of this.scene) for (const one of lane.series) {
      let best = -1;
      for (let i = 0; i < one.t.length; i++) if (best < 0 || Math.abs(one.t[i] - t) < Math.abs(one.t[best] - t)) best = i;
      if (best >= 0) parts.push(`${one.name} ${figure(one.v[best], one.unit ?? lane.unit)}`);
    }
    return `${iso(this.zero + t).slice(0, 11)}${moment(t, this.zero, this.step)}Z: ${parts.join(" · ")}`;
  }
}

function bounded(start, end, extent, least) {
  const size = Math.min(Math.max(end - start, least), extent[1] - extent[0]);
  const from = Math.min(Math.max(start, extent[0]), extent[1] - size);
  return { start: from, end: from + size };
}

function render({ model, el }) {
  const ui = mount(model, el, model.get("title") || "Joined timeline", CSS);
  const title = h("h3"), caption = h("p", { class: "cap" }), read = h("div", { class: "read" });
  const canvas = h("canvas", { role: "img" }), glyphs = h("div", { class: "glyphs" });
  const plot = h("div", { class: "plot", tabindex: 0, role: "group", "aria-label": "Time axis. w and s zoom, a and d pan, arrows move the selection, brackets go from change to change, Escape clears." }, canvas, glyphs);
  const from = h("input", { "aria-label": "Selection from, UTC", size: 22 }), to = h("input", { "aria-label": "Selection to, UTC", size: 22 });
  const chart = new Chart(model, canvas, ui.root), table = h("table");
  let asked = 0, glyph = -1, settled = 0, pivot = 0.5, sent = "";
  // The page follows at once; whoever listens in Python hears of a view once the hand rests.
  const settle = () => { if (ui.signal.aborted) return; sent = JSON.stringify(chart.view); ui.set({ view: chart.view }); };
  const ahead = () => chart.tiles.ask(chart.view, Math.max(100, chart.width - chart.left), model.get("extent"), pivot);
  const look = (start, end) => {
    chart.view = { ...bounded(start, end, model.get("extent"), model.get("least") ?? 1000), width: Math.max(100, Math.round(chart.width - chart.left)) };
    clearTimeout(settled); settled = setTimeout(settle, SETTLE_MS);
    draw(); ahead();
  };
  const zoom = (factor, at) => { const { start, end } = chart.view, c = at ?? (start + end) / 2; pivot = (c - start) / (end - start); look(c - (c - start) * factor, c + (end - c) * factor); };
  const pan = (share) => { const { start, end } = chart.view, by = (end - start) * share; look(start + by, end + by); };
  const choose = (a, b) => ui.set({ selection: a === null ? [] : [Math.round(chart.zero + Math.min(a, b)), Math.round(chart.zero + Math.max(a, b))] });
  const typed = () => { const a = Date.parse(from.value), b = Date.parse(to.value); if (a < b) choose(a - chart.zero, b - chart.zero); };
  const use = () => { typed(); const chosen = model.get("selection") ?? []; if (chosen.length) ui.act("select", { window: `${iso(chosen[0])}/${iso(chosen[1])}` }); };
  const button = (words, click, cls) => h("button", { type: "button", class: cls, click }, words);
  const draw = () => { if (!asked) asked = requestAnimationFrame(() => { asked = 0; if (!ui.signal.aborted) { chart.draw(); told(); } }); };
  const said = (c) => `${iso(chart.zero + c.t)} ${c.kind}: ${c.title}`;
  // Signs that would lie on each other are one with their number; brackets and the table go through each of them.
  const place = () => {
    let first = null;
    for (const [x, k] of changed.map((c, i) => [chart.x(c.t), i]).sort((a, b) => a[0] - b[0])) {
      const one = glyphs.children[k], out = x < chart.left - 1 || x > chart.width - 7, near = !out && first !== null && x - first.x < 24;
      one.style.left = `${x}px`; one.hidden = out || near;
      if (out) continue;
      if (!near) first = { x, one, all: [] };
      first.all.push(said(changed[k]));
      const many = first.all.length, words = many > 1 ? `${many} changes: ${first.all.join("; ")}` : first.all[0];
      first.one.textContent = many > 1 ? String(many) : GLYPHS[changed[k].kind] ?? "◇";
      first.one.setAttribute("aria-label", words); first.one.title = words;
    }
  };
  // Others may wait until what they asked for is drawn, exactly; what stands in for it meanwhile is not told.
  const told = () => {
    place();
    const { start, end } = chart.view, detail = chart.exact ? [start, end] : chart.tiles.slabs.length ? [] : model.get("shown");
    ui.root.dispatchEvent(new CustomEvent("workbench:repainted", { bubbles: true, composed: true, detail }));
  };

  let changed = [], stale = 0, written = null;
  // Several values that change at once are one writing of the table.
  const fresh = () => { draw(); clearTimeout(stale); stale = setTimeout(() => { if (!ui.signal.aborted) facts(); }, 30); };
  function facts() {
    title.textContent = model.get("title") ?? ""; caption.textContent = model.get("caption") ?? "";
    const lanes = model.get("lanes") ?? [], changes = model.get("changes") ?? [], chosen = model.get("selection") ?? [];
    canvas.setAttribute("aria-label", `${lanes.length} lanes: ${lanes.map((l) => l.title).join(", ")}. The table below has the numbers.`);
    // What somebody is typing stays: only another selection writes the fields anew, and never the one being written.
    const held = ui.root.getRootNode().activeElement, times = chosen.length ? chosen.map(iso) : ["", ""];
    if (times.join() !== written) for (const [k, field] of [from, to].entries()) if (field !== held) field.value = times[k];
    written = times.join();
    changed = changes;
    glyphs.replaceChildren(...changes.map((c) => {
      const one = button(GLYPHS[c.kind] ?? "◇", () => { read.textContent = one.title; });
      one.setAttribute("aria-label", said(c)); one.title = said(c);
      return one;
    }));
    const rows = lanes.flatMap((l) => (l.series ?? []).map((one) => h("tr", {}, h("td", {}, l.title), h("td", {}, one.name),
      h("td", { class: "n" }, figure(one.low, one.unit ?? l.unit)), h("td", { class: "n" }, figure(one.high, one.unit ?? l.unit)), h("td", { class: "n" }, figure(one.last, one.unit ?? l.unit)), h("td", { class: "n" }, String(one.of)))));
    const silent = lanes.filter((l) => l.state || l.note).map((l) => h("tr", {}, h("td", {}, l.title), h("td", { colspan: 5 }, l.state || l.note)));
    table.replaceChildren(h("thead", {}, h("tr", {}, ...["Lane", "Series", "Lowest", "Highest", "Last", "Points"].map((w, i) => h("th", { class: i > 1 && "n" }, w)))),
      h("tbody", {}, rows, silent, changes.map((c) => h("tr", {}, h("td", {}, "Change"), h("td", { colspan: 5 }, said(c))))));
    draw();
  }

  let began = null;
  ui.listen(canvas, "pointerdown", (e) => { if (e.offsetX < chart.left) return; began = e.offsetX; canvas.setPointerCapture(e.pointerId); plot.focus(); });
  ui.listen(canvas, "pointermove", (e) => {
    chart.hover = e.offsetX >= chart.left ? e.offsetX : null;
    if (began !== null) chart.draft = [chart.t(Math.min(began, e.offsetX)), chart.t(Math.max(began, e.offsetX))];
    read.textContent = chart.reading();
    draw();
  });
  ui.listen(canvas, "pointerup", (e) => {
    const wide = began !== null && Math.abs(e.offsetX - began) > 3;
    if (wide) choose(chart.t(began), chart.t(e.offsetX));
    began = null; chart.draft = null; draw();
  });
  ui.listen(canvas, "pointerleave", () => { chart.hover = null; draw(); });
  ui.listen(canvas, "wheel", (e) => { if (!e.ctrlKey && !plot.matches(":focus")) return; e.preventDefault(); zoom(e.deltaY > 0 ? 1.25 : 0.8, chart.t(e.offsetX)); }, { passive: false });
  const step = (by) => {
    const changes = model.get("changes") ?? [];
    if (!changes.length) return;
    glyph = (glyph + by + changes.length) % changes.length;
    const c = changes[glyph]; read.textContent = said(c); chart.hover = chart.x(c.t); draw();
  };
  const move = (by) => { const [a, b] = model.get("selection") ?? []; if (b) choose(a - chart.zero + by * (b - a), b - chart.zero + by * (b - a)); };
  const keys = { w: () => zoom(0.5), s: () => zoom(2), a: () => pan(-0.25), d: () => pan(0.25), "[": () => step(-1), "]": () => step(1), ArrowLeft: () => move(-0.1), ArrowRight: () => move(0.1), Escape: () => choose(null), Enter: use };
  ui.listen(plot, "keydown", (e) => { const run = e.target === plot && !e.ctrlKey && !e.metaKey && keys[e.key]; if (run) { e.preventDefault(); e.stopPropagation(); run(); } });
  ui.listen(from, "change", typed); ui.listen(to, "change", typed);
  ui.body.append(title, caption, plot, read, h("div", { class: "bar" }, button("Zoom in", () => zoom(0.5)), button("Zoom out", () => zoom(2)), button("All", () => look(...model.get("extent"))),
    h("span", { class: "dim" }, "Selection"), from, to, button("Select", use, "main"), button("Clear", () => choose(null))),
    h("details", {}, h("summary", {}, "The same as a table"), h("div", { class: "scroll" }, table)));
  for (const trait of ["lanes", "points", "changes", "selection", "baseline", "title", "caption"]) ui.on(trait, fresh);
  ui.on("view", () => { const view = model.get("view"); if (JSON.stringify(view) !== sent) { chart.view = view; draw(); ahead(); } });
  ui.on("tiles", () => { chart.tiles.take(); draw(); ahead(); });
  ui.redrawn.push(draw);
  // render may run before el is attached: the first drawing waits for a width.
  let known = 0;
  const sized = new ResizeObserver(() => { if (chart.width > 1 && chart.width !== known) { known = chart.width; facts(); const width = Math.max(100, Math.round(known - chart.left)); if (Math.abs(width - (chart.view.width ?? 0)) > 40) look(chart.view.start, chart.view.end); else ahead(); } });
  sized.observe(canvas); ui.signal.addEventListener("abort", () => sized.disconnect());
  facts();
  return ui.end;
}
export default { render };
