
// Over the lanes of the timeline: where a device was slowed, and how long its requests waited, on a scale of their own.
const plainLane = Chart.prototype.lane;
Chart.prototype.lane = function (pen, lane, place, points) {
  const top = TOP + place * LANE, floor = top + LANE - 8, right = this.width - 8;
  pen.save(); pen.beginPath(); pen.rect(LEFT, top, right - LEFT, LANE); pen.clip();
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
    pen.save(); pen.beginPath(); pen.rect(LEFT, top, right - LEFT, LANE); pen.clip();
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
export default { render };
