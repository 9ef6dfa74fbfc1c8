const bytes = (raw) => (!raw ? new Uint8Array() : raw instanceof ArrayBuffer ? new Uint8Array(raw) : new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength));

const BINS = 256, RUN = 4, AT_ONCE = 16, AHEAD = 6, BEHIND = 5, PATIENCE_MS = 5000, MOST_NUMBERS = 8e6, MOST_SPANS = 2000;
const wide = (level) => 2 ** level / 1e6;

// What was sent of a recording: slabs of tiles by level (bins of 2^level ns), and what to ask for before it is needed.
class Tiles {
  constructor(model) {
    Object.assign(this, { model, slabs: [], size: 0, waiting: null, unheard: 0, serial: Math.floor(Math.random() * 1e9) });
  }
  take() {
    const raw = bytes(this.model.get("tiles"));
    if (raw.length < 8) return;
    const length = Number(new DataView(raw.buffer, raw.byteOffset).getBigInt64(0, true));
    const head = JSON.parse(new TextDecoder().decode(raw.subarray(8, 8 + length)));
    const numbers = new Float64Array(raw.slice(8 + length).buffer);
    if (head.serial === this.waiting?.serial) { this.waiting = null; this.unheard = 0; }
    for (const slab of head.groups) {
      if (this.slabs.some((s) => s.level === slab.level && s.first <= slab.first && s.last >= slab.last)) continue;
      const parts = slab.lanes.flatMap((lane) => [...lane.series, ...lane.over]);
      for (const part of parts) part.gaps = new Set(part.gaps);
      const few = parts.every((part) => part.how === "samples") && slab.lanes.every((lane) => !lane.kernels || lane.kernels.spans >= 0);
      const size = wide(slab.level) * BINS, tall = parts.reduce((sum, part) => sum + 2 * part.n, 0);
      this.slabs.push({ ...slab, numbers, few, start: slab.first * size, end: (slab.last + 1) * size, tall });
      this.size += tall;
    }
    while (this.size > MOST_NUMBERS) this.size -= this.slabs.shift().tall;
  }
  // The slab that holds a tile: one of few samples serves every level below its own.
  of(level, tile) {
    let found = null;
    for (const slab of this.slabs) {
      const by = slab.level - level, own = by > 0 ? Math.floor(tile / 2 ** by) : tile;
      if (by < 0 || (by > 0 && !slab.few) || slab.first > own || slab.last < own) continue;
      if (slab.few) return slab;
      found = slab;
    }
    return found;
  }
  // Slabs that together hold a view, each with the stretch of time that it is drawn for; null where a tile is missing.
  pieces(level, start, end) {
    const size = wide(level) * BINS, found = [];
    if (level < 0 || (end - start) / size > 80) return null;
    for (let tile = Math.floor(start / size), last = Math.floor(end / size); tile <= last;) {
      const slab = this.of(level, tile);
      if (!slab) return null;
      const next = Math.max(tile + 1, Math.round(slab.end / size));
      found.push({ slab, from: tile * size, to: next * size });
      tile = next;
    }
    found[0].from = -Infinity; found.at(-1).to = Infinity;
    return found;
  }
  static level({ start, end }, width) { return Math.max(0, Math.floor(Math.log2(((end - start) * 1e6) / width))); }
  // The finest that is here: exact, else coarser, else finer.
  best(view, width) {
    const level = Tiles.level(view, width);
    for (const by of [0, 1, 2, 3, 4, 5, 6, -1, -2]) {
      const pieces = this.slabs.length ? this.pieces(level + by, view.start, view.end) : null;
      if (pieces) return { pieces, exact: by === 0 };
    }
    return null;
  }
  // Ask for what the view lacks; where it lacks nothing, for where the hand may go next. *pivot* is the share of the view zoomed about.
  ask(view, width, extent, pivot) {
    if (this.waiting && performance.now() - this.waiting.at < PATIENCE_MS) return;
    if (this.waiting) { this.waiting = null; this.unheard++; }
    // Nobody answers in a page that was saved.
    if (this.unheard > 1) return;
    const ranges = [], level = Tiles.level(view, width), length = view.end - view.start, center = view.start + pivot * length;
    let left = AT_ONCE;
    const add = (k, a, b) => {
      const size = wide(k) * BINS, last = Math.floor(Math.min(b, extent[1]) / size);
      for (let tile = Math.floor(Math.max(a, extent[0]) / size); tile <= last && left > 0; tile++) {
        if (this.of(k, tile)) continue;
        const run = ranges.at(-1);
        if (run && run[0] === k && run[2] === tile - 1 && tile - run[1] < RUN) run[2] = tile; else ranges.push([k, tile, tile]);
        left--;
      }
    };
    add(level, view.start, view.end);
    if (!ranges.length) for (let j = 1; j <= AHEAD && left > 0; j++) {
      const near = length / 2 ** j;
      if (level - j >= 0) add(level - j, center - (pivot + 0.3) * near, center + (1.3 - pivot) * near);
      if (j === 1) add(level, view.start - 0.6 * length, view.end + 0.6 * length);
      if (j <= BEHIND) add(level + j, center - (pivot + 0.3) * length * 2 ** j, center + (1.3 - pivot) * length * 2 ** j);
    }
    if (!ranges.length) return;
    this.waiting = { serial: ++this.serial, at: performance.now() };
    this.model.set("want", { serial: this.serial, ranges });
    this.model.save_changes();
  }
}

// A series out of slabs: times and values to draw a line by, and the extremes of the view.
function traced(pieces, view, pick) {
  const t = [], v = [];
  let low = null, high = null, held = NaN;
  const put = (time, value) => {
    t.push(time); v.push(value);
    if (Number.isNaN(value)) return;
    held = value;
    if (low === null || value < low) low = value;
    if (high === null || value > high) high = value;
  };
  for (const { slab, from, to } of pieces) {
    const part = pick(slab), { numbers } = slab, { at, n } = part;
    if (part.how === "samples") {
      for (let i = 0; i < n; i++) {
        const time = numbers[at + i];
        const near = (i + 1 < n ? numbers[at + i + 1] : Infinity) >= view.start && (i ? numbers[at + i - 1] : -Infinity) <= view.end;
        if (time >= from && time < to && near) put(time, numbers[at + n + i]);
      }
      continue;
    }
    const size = wide(slab.level), begin = Math.max(from, view.start), end = Math.min(to, view.end);
    const last = Math.min(n - 1, Math.floor((end - slab.start) / size));
    for (let i = Math.max(0, Math.floor((begin - slab.start) / size)); i <= last; i++) {
      const a = numbers[at + i], b = numbers[at + n + i], time = slab.start + (i + 0.5) * size;
      if (!Number.isNaN(a)) { const up = Math.abs(a - held) <= Math.abs(b - held) || Number.isNaN(held); put(time, up ? a : b); if (a !== b) put(time, up ? b : a); }
      if (part.gaps.has(i)) put(time, NaN);
    }
  }
  return { t, v, low, high };
}
