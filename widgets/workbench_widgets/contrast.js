const CSS = `
.wbw .two{width:120px}.wbw .two i{display:block;height:7px;margin:2px 0;border-radius:2px;min-width:1px}
.wbw tr[aria-selected=true]{background:var(--wb-soft)}
.wbw th button{background:none;border-color:transparent;padding:1px 4px;font-weight:600;color:inherit;text-align:inherit}
.wbw th button:hover{border-color:var(--wb-line)}
.wbw th:not([aria-sort=none]) button::after{content:" ▾"}.wbw th[aria-sort=ascending] button::after{content:" ▴"}
.wbw .does{flex-wrap:nowrap;margin:0}
.wbw .wide td:first-child{min-width:min(210px,100%)}
@container (max-width:760px){
 .wbw .wide thead tr{display:flex;flex-wrap:wrap}.wbw .wide th{border:0;padding:0 4px 0 0}.wbw .wide th.rest{display:none}
 .wbw .wide tbody tr{display:grid;grid-template-columns:1fr 1fr;gap:2px 12px;padding:8px 0;border-bottom:1px solid var(--wb-line)}
 .wbw .wide td{border:0;padding:0 4px;text-align:left}.wbw .wide td.n{white-space:normal}
 .wbw .wide td[data-of]::before{content:attr(data-of) " ";color:var(--wb-dim)}
 .wbw .wide td:first-child,.wbw .wide td.two,.wbw .wide td:last-child{grid-column:1/-1;width:auto}
 .wbw .wide td:first-child{font-weight:600}.wbw .wide .does{flex-wrap:wrap}
}
`;
const COLUMNS = [["condition", "Condition"], ["share_in", "Share in selection"], ["share_out", "In baseline"], ["lift", "Lift (95 %)"], ["support", "Rows"], ["q", "q"]];

function render({ model, el }) {
  const ui = mount(model, el, model.get("title") || "Contrast", CSS);
  let order = null, down = true, inspected = null;
  const bar = (share, color) => { const i = h("i"); i.style.width = `${Math.max(0, Math.min(1, share ?? 0)) * 100}%`; i.style.background = `var(--wb-${color})`; return i; };
  const interval = (r) => (r.lift_low === null || r.lift_low === undefined ? "" : ` (${figure(r.lift_low)} to ${figure(r.lift_high)})`);
  const ask = (name, row) => { if (name === "inspect") inspected = row.condition; ui.act(name, name === "hypothesis" ? { statement: row.condition } : { condition: row.condition }); draw(); };
  const line = (row) => h("tr", { "aria-selected": row.condition === inspected ? "true" : "false" }, h("td", {}, row.condition),
    ...[percent(row.share_in), percent(row.share_out), figure(row.lift) + interval(row), figure(row.support), figure(row.q)].map((text, i) => h("td", { class: "n", "data-of": COLUMNS[i + 1][1] }, text)),
    h("td", { class: "two", "aria-hidden": "true" }, bar(row.share_in, "select"), bar(row.share_out, "base")),
    h("td", {}, h("div", { class: "bar does" }, ["inspect", "filter", "exclude", "hypothesis"].map((name) =>
      h("button", { type: "button", "aria-label": `${name}: ${row.condition}`, click: () => ask(name, row) }, name[0].toUpperCase() + name.slice(1))))));
  const sort = (name) => { down = order === name ? !down : true; order = name; draw(); };
  function draw() {
    const rows = [...(model.get("rows") ?? [])];
    if (order) rows.sort((a, b) => (a[order] > b[order] ? 1 : a[order] < b[order] ? -1 : 0) * (down ? -1 : 1));
    const head = COLUMNS.map(([name, words]) => h("th", { class: name !== "condition" && "n", "aria-sort": order === name ? (down ? "descending" : "ascending") : "none" }, h("button", { type: "button", click: () => sort(name) }, words)));
    ui.body.replaceChildren(...[h("h3", {}, model.get("title") ?? ""), h("p", { class: "cap" }, model.get("caption") ?? ""),
      rows.length ? h("div", { class: "scroll" }, h("table", { class: "wide" }, h("thead", {}, h("tr", {}, head, h("th", { class: "rest" }, "Selection over baseline"), h("th", { class: "rest" }, "Actions"))), h("tbody", {}, rows.map(line))))
        : model.get("caption") ? null : h("p", {}, "No condition sets the selection apart from the baseline.")].filter(Boolean));
  }
  const later = ui.soon(draw);
  for (const trait of ["rows", "title", "caption"]) ui.on(trait, later);
  draw();
  return ui.end;
}
export default { render };
