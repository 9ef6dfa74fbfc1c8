
// Over the lanes of the timeline: where a device was slowed, and how long its requests waited, on a scale of their own.
const plainLane = Chart.prototype.lane;
Chart.prototype.lane = function (pen, lane, place) {
  const top = TOP + place * LANE, floor = top + LANE - 8, right = this.width - 8;
  pen.save(); pen.beginPath(); pen.rect(this.left, top, right - this.left, LANE); pen.clip();
  for (const [a, b] of lane.bands ?? []) {
    const left = this.x(a), width = Math.max(this.x(b) - left, 2);
    pen.fillStyle = this.color("dim"); pen.globalAlpha = 0.16; pen.fillRect(left, top + 2, width, LANE - 10); pen.globalAlpha = 1;
    pen.strokeStyle = this.color("dim"); pen.lineWidth = 1; pen.beginPath();
    for (let x = left; x < left + width; x += 7) { pen.moveTo(x, floor); pen.lineTo(Math.min(x + 7, left + width), floor - 7); }
    pen.stroke();
  }
  pen.restore();
  plainLane.call(this, pen, lane, place);
  for (const one of lane.over ?? []) {
    if (one.high === null || one.high === undefined) continue;
    const y = (v) => floor - 3 - (v / (one.high || 1)) * (LANE - 20);
    pen.save(); pen.beginPath(); pen.rect(this.left, top, right - this.left, LANE); pen.clip();
    pen.strokeStyle = this.color("select"); pen.lineWidth = 1.5; pen.setLineDash([2, 2]); pen.beginPath();
    this.path(pen, one, y);
    pen.stroke(); pen.setLineDash([]);
    const words = `${one.name}: to ${figure(one.high, "ms")}`;
    pen.font = "12px system-ui,sans-serif";
    pen.fillStyle = this.color("bg"); pen.globalAlpha = 0.85; pen.fillRect(right - pen.measureText(words).width - 8, top + 3, pen.measureText(words).width + 6, 16);
    pen.globalAlpha = 1; pen.fillStyle = this.color("select"); pen.textAlign = "right"; pen.fillText(words, right - 4, top + 15); pen.textAlign = "left";
    pen.restore();
  }
};

// Kernels: each by itself on a row of its stream, or the busy share of every pixel where they are too many.
// Spans are begin, end (ms), name and row; shares are begin (ms), length (ms) and share.
Chart.prototype.sent = function (held, points) {
  const part = (k) => points.subarray(held.offset + k * held.n, held.offset + (k + 1) * held.n), [start, end] = this.model.get("shown");
  if (held.how === "spans") {
    const [begins, ends, codes, rows] = [0, 1, 2, 3].map(part);
    return { rows: held.rows, of: held.n, spans: [...begins].map((t, i) => [t, ends[i], held.names[codes[i]], rows[i]]) };
  }
  const size = (end - start) / held.n;
  return { rows: held.rows, of: held.of, shares: [...part(0)].map((share, i) => [start + i * size, size, share]) };
};
Chart.prototype.kernels = function (place, pieces) {
  const { start, end } = this.view, spans = [], shares = [];
  let of = 0, few = true;
  for (const { slab, from, to } of pieces) {
    const { at, n, spans: held, names } = slab.lanes[place].kernels, { numbers } = slab, size = wide(slab.level);
    few &&= held >= 0;
    const last = Math.min(n - 1, Math.floor((Math.min(to, end) - slab.start) / size));
    for (let i = Math.max(0, Math.floor((Math.max(from, start) - slab.start) / size)); i <= last; i++) {
      of += numbers[at + n + i];
      shares.push([slab.start + i * size, size, numbers[at + i]]);
    }
    for (let i = 0, at4 = at + 2 * n; few && i < held; i++) {
      const begin = numbers[at4 + i], stop = numbers[at4 + held + i];
      if (begin >= from && begin < to && stop > start && begin < end) spans.push([begin, stop, names[numbers[at4 + 2 * held + i]], numbers[at4 + 3 * held + i]]);
    }
  }
  const { rows } = pieces[0].slab.lanes[place].kernels;
  return few && spans.length <= MOST_SPANS ? { rows, of: spans.length, spans } : { rows, of, shares };
};
Chart.prototype.ink = function (name) {
  this.known ??= new Map();
  if (!this.known.has(name)) this.known.set(name, this.known.size % 6);
  return this.color(`l${this.known.get(name)}`);
};
const overLane = Chart.prototype.lane;
Chart.prototype.lane = function (pen, lane, place) {
  overLane.call(this, pen, lane, place);
  const held = lane.drawn;
  if (!held) return;
  const top = TOP + place * LANE, floor = top + LANE - 8, right = this.width - 8;
  pen.fillStyle = this.color("dim"); pen.font = "12px system-ui,sans-serif";
  pen.fillText(held.spans ? `${held.of} kernel${held.of === 1 ? "" : "s"}` : `${figure(held.of)} kernels, busy share`, 2, top + 35, this.left - 12);
  pen.save(); pen.beginPath(); pen.rect(this.left, top, right - this.left, LANE); pen.clip();
  if (held.shares) {
    pen.fillStyle = this.color("l0");
    // A pixel in which anything ran is at least one pixel high: a lone kernel among millions is seen.
    for (const [t, size, share] of held.shares) if (share > 0) { const tall = Math.max(share * (LANE - 14), 1.5), x = this.x(t); pen.fillRect(x, floor - tall, Math.max(this.x(t + size) - x, 0.8), tall); }
  } else {
    const tall = (LANE - 14) / Math.max(held.rows, 1);
    pen.font = "11px system-ui,sans-serif";
    for (const [t, stop, name, row] of held.spans) {
      const left = Math.max(this.x(t), this.left - 2), long = Math.max(Math.min(this.x(stop), right + 2) - left, 1), y = top + 6 + row * tall;
      pen.fillStyle = this.ink(name); pen.fillRect(left, y, long > 3 ? long - 0.5 : long, Math.max(tall - 1.5, 2));
      if (long > 46 && tall > 11) { pen.fillStyle = this.color("bg"); pen.save(); pen.beginPath(); pen.rect(left, y, long - 3, tall); pen.clip(); pen.fillText(name, left + 4, y + Math.min(tall / 2 + 4, 15)); pen.restore(); }
    }
  }
  pen.restore();
};
const plainReading = Chart.prototype.reading;
Chart.prototype.reading = function () {
  const said = plainReading.call(this);
  if (this.hover === null) return said;
  const t = this.t(this.hover), found = [];
  for (const { drawn } of this.scene) for (const [start, end, name] of drawn?.spans ?? []) if (start <= t && t < end) found.push(`${name} ${figure((end - start) * 1e3, "µs")}`);
  return [said, ...found].join(" · ");
};
export default { render };
