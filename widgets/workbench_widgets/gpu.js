
// Over the lanes of the timeline: where a device was slowed, and how long its requests waited, on a scale of their own.
const plainLane = Chart.prototype.lane;
Chart.prototype.lane = function (pen, lane, place, points) {
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
  plainLane.call(this, pen, lane, place, points);
  for (const one of lane.over ?? []) {
    if (one.high === null || one.high === undefined) continue;
    const y = (v) => floor - 3 - (v / (one.high || 1)) * (LANE - 20);
    pen.save(); pen.beginPath(); pen.rect(this.left, top, right - this.left, LANE); pen.clip();
    pen.strokeStyle = this.color("select"); pen.lineWidth = 1.5; pen.setLineDash([2, 2]); pen.beginPath();
    let open = false;
    for (let i = one.offset; i < one.offset + one.n; i++) {
      const value = points[i + one.n];
      if (Number.isNaN(value)) { open = false; continue; }
      if (open) pen.lineTo(this.x(points[i]), y(value)); else pen.moveTo(this.x(points[i]), y(value));
      open = true;
    }
    pen.stroke(); pen.setLineDash([]);
    const words = `${one.name}: to ${figure(one.high, "ms")}`;
    pen.font = "12px system-ui,sans-serif";
    pen.fillStyle = this.color("bg"); pen.globalAlpha = 0.85; pen.fillRect(right - pen.measureText(words).width - 8, top + 3, pen.measureText(words).width + 6, 16);
    pen.globalAlpha = 1; pen.fillStyle = this.color("select"); pen.textAlign = "right"; pen.fillText(words, right - 4, top + 15); pen.textAlign = "left";
    pen.restore();
  }
};

// Kernels: each by itself on a row of its stream, or the busy share of every pixel where they are too many.
const overLane = Chart.prototype.lane;
Chart.prototype.lane = function (pen, lane, place, points) {
  overLane.call(this, pen, lane, place, points);
  const held = lane.kernels;
  if (!held) return;
  const top = TOP + place * LANE, floor = top + LANE - 8, right = this.width - 8;
  pen.fillStyle = this.color("dim"); pen.font = "12px system-ui,sans-serif";
  pen.fillText(held.how === "spans" ? `${held.n} kernel${held.n === 1 ? "" : "s"}` : `${figure(held.of)} kernels, busy share`, 2, top + 35, this.left - 12);
  pen.save(); pen.beginPath(); pen.rect(this.left, top, right - this.left, LANE); pen.clip();
  if (held.how === "share") {
    const wide = (right - this.left) / held.n;
    pen.fillStyle = this.color("l0");
    // A pixel in which anything ran is at least one pixel high: a lone kernel among millions is seen.
    for (let i = 0; i < held.n; i++) { const v = points[held.offset + i]; if (v > 0) { const tall = Math.max(v * (LANE - 14), 1.5); pen.fillRect(this.left + i * wide, floor - tall, Math.max(wide, 0.8), tall); } }
  } else {
    const tall = (LANE - 14) / Math.max(held.rows, 1);
    pen.font = "11px system-ui,sans-serif";
    for (let i = 0; i < held.n; i++) {
      const at = (k) => points[held.offset + k * held.n + i];
      const left = Math.max(this.x(at(0)), this.left - 2), wide = Math.max(Math.min(this.x(at(1)), right + 2) - left, 1), y = top + 6 + at(3) * tall;
      pen.fillStyle = this.color(`l${at(2) % 6}`); pen.fillRect(left, y, wide > 3 ? wide - 0.5 : wide, Math.max(tall - 1.5, 2));
      if (wide > 46 && tall > 11) { pen.fillStyle = this.color("bg"); pen.save(); pen.beginPath(); pen.rect(left, y, wide - 3, tall); pen.clip(); pen.fillText(held.names[at(2)], left + 4, y + Math.min(tall / 2 + 4, 15)); pen.restore(); }
    }
  }
  pen.restore();
};
const plainReading = Chart.prototype.reading;
Chart.prototype.reading = function (points) {
  const said = plainReading.call(this, points);
  if (this.hover === null) return said;
  const t = this.t(this.hover), found = [];
  for (const { kernels: held } of this.model.get("lanes") ?? []) for (let i = 0; held?.how === "spans" && i < held.n; i++) {
    const [start, end] = [points[held.offset + i], points[held.offset + held.n + i]];
    if (start <= t && t < end) found.push(`${held.names[points[held.offset + 2 * held.n + i]]} ${figure((end - start) * 1e3, "µs")}`);
  }
  return [said, ...found].join(" · ");
};
export default { render };
