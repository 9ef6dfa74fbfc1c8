const CSS = `
.wbw .two{width:120px}.wbw .two i{display:block;height:7px;margin:2px 0;border-radius:2px;min-width:1px}
.wbw tr[aria-selected=true]{background:var(--wb-soft)}
`;
const COLUMNS = [["condition", "Condition"], ["share_in", "Share in selection"], ["share_out", "In baseline"], ["lift", "Lift (95 %)"], ["support", "Rows"], ["q", "q"]];

function render({ model, el }) {
  const ui = mount(model, el, model.get("title") || "Contrast", CSS);
  let order = null, down = true, inspected = null;
  const bar = (share, color) => { const i = h("i"); i.style.width = `${Math.max(0, Math.min(1, share ?? 0)) * 100}%`; i.style.background = `var(--wb-${color})`; return i; };
  const interval = (r) => (r.lift_low === null || r.lift_low === undefined ? "" : ` (${figure(r.lift_low)} to ${figure(r.lift_high)})`);
  const ask = (name, row) => { if (name === "inspect") inspected = row.condition; ui.act(name, name === "hypothesis" ? { statement: row.condition } : { condition: row.condition }); draw(); };
  const line = (row) => h("tr", { "aria-selected": row.condition === inspected ? "true" : "false" }, h("td", {}, row.condition),
    h("td", { class: "n" }, percent(row.share_in)), h("td", { class: "n" }, percent(row.share_out)), h("td", { class: "n" }, figure(row.lift) + interval(row)),
    h("td", { class: "n" }, figure(row.support)), h("td", { class: "n" }, figure(row.q)), h("td", { class: "two", "aria-hidden": "true" }, bar(row.share_in, "select"), bar(row.share_out, "base")),
    h("td", {}, h("div", { class: "bar" }, ["inspect", "filter", "exclude", "hypothesis"].map((name) =>
      h("button", { type: "button", "aria-label": `${name}: ${row.condition}`, click: () => ask(name, row) }, name[0].toUpperCase() + name.slice(1))))));
  const sort = (name) => { down = order === name ? !down : true; order = name; draw(); };
  function draw() {
    const rows = [...(model.get("rows") ?? [])];
    if (order) rows.sort((a, b) => (a[order] > b[order] ? 1 : a[order] < b[order] ? -1 : 0) * (down ? -1 : 1));
    const head = COLUMNS.map(([name, words]) => h("th", { class: name !== "condition" && "n", "aria-sort": order === name ? (down ? "descending" : "ascending") : "none" }, h("button", { type: "button", click: () => sort(name) }, words)));
    ui.body.replaceChildren(h("h3", {}, model.get("title") ?? ""), h("p", { class: "cap" }, model.get("caption") ?? ""),
      rows.length ? h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, head, h("th", {}, "Selection over baseline"), h("th", {}, "Actions"))), h("tbody", {}, rows.map(line))))
        : h("p", {}, "No condition sets the selection apart from the baseline."));
  }
  for (const trait of ["rows", "title", "caption"]) ui.on(trait, draw);
  draw();
  return ui.end;
}
export default { render };
