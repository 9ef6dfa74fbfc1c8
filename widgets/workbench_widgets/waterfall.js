const CSS = `
.wbw .rows{overflow:auto;max-height:560px;border:1px solid var(--wb-line);border-radius:6px}
.wbw .row{display:grid;grid-template-columns:minmax(180px,34%) 1fr;align-items:center;min-height:26px;cursor:pointer;outline-offset:-2px}
.wbw .row:nth-child(even){background:var(--wb-soft)}
.wbw .row[aria-selected=true]{box-shadow:inset 3px 0 var(--wb-base)}
.wbw .row .who{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;padding-right:8px}
.wbw .row .who b{font-weight:600}
.wbw .lane{position:relative;height:20px}
.wbw .lane i{position:absolute;display:block;border-radius:2px;min-width:1px}
.wbw .lane .whole{top:3px;height:14px;background:color-mix(in srgb,var(--wb-base) 30%,transparent);border:1px solid var(--wb-base)}
.wbw .lane .whole[data-error]{border:2px solid var(--wb-select);background:color-mix(in srgb,var(--wb-select) 25%,transparent)}
.wbw .lane .crit{top:7px;height:6px;background:var(--wb-fg)}
.wbw .lane .queue{top:3px;height:4px;background:repeating-linear-gradient(90deg,var(--wb-l0) 0 4px,transparent 4px 7px)}
.wbw .lane .forward{top:3px;height:4px;background:var(--wb-l4)}
.wbw .lane .log{top:0;width:2px;height:20px;background:var(--wb-dim)}
.wbw .lane span{position:absolute;top:1px;font-size:11px;color:var(--wb-dim);white-space:nowrap;padding:0 4px}
.wbw .key{margin-right:10px}
.wbw .key i{display:inline-block;width:22px;height:8px;margin-right:4px;vertical-align:middle;border-radius:2px}
.wbw .key .crit{background:var(--wb-fg)}.wbw .key .forward{background:var(--wb-l4)}
.wbw .key .whole{border:1px solid var(--wb-base)}
.wbw .key .queue{background:repeating-linear-gradient(90deg,var(--wb-l0) 0 4px,transparent 4px 7px)}
.wbw label{display:inline-flex;gap:5px;align-items:center}
.wbw .diff{width:140px;position:relative}.wbw .diff i{position:absolute;height:10px;top:8px;border-radius:2px}
`;

function render({ model, el }) {
  const ui = mount(model, el, model.get("title") || "Trace", CSS);
  const title = h("h3"), caption = h("p", { class: "cap" }), rows = h("div", { class: "rows", role: "listbox", "aria-label": "Spans in tree order; arrows move, Enter opens" });
  const about = h("div"), compared = h("div"), bar = h("div", { class: "bar" }), table = h("table");
  let chosen = null, opened = "";
  const button = (words, click, label) => h("button", { type: "button", click, "aria-label": label }, words);
  const sum = (s) => s.critical.reduce((n, [a, b]) => n + b - a, 0);
  const words = (s) => [`${s.service} ${s.name}`, span(s.duration), `own ${span(s.self)}`, `critical path ${span(sum(s))}`, s.status === "error" && "failed", ...s.flags].filter(Boolean).join(", ");

  function bar_(cls, from, to, begin, whole) {
    const i = h("i", { class: cls });
    i.style.left = `${(100 * (from - begin)) / whole}%`;
    i.style.width = `${Math.max(0, (100 * (to - from)) / whole)}%`;
    return i;
  }
  function line(s, at, begin, whole) {
    const box = bar_("whole", s.start, s.start + s.duration, begin, whole), lane = h("div", { class: "lane" }, box);
    if (s.status === "error") box.dataset.error = "";
    for (const [a, b] of s.critical) lane.append(bar_("crit", a, b, begin, whole));
    if (s.queue !== null && s.queue !== undefined) lane.append(bar_("queue", s.start, s.start + Math.min(s.queue, s.duration), begin, whole));
    if (s.forward !== null && s.forward !== undefined) { const from = s.start + Math.min(s.queue ?? 0, s.duration); lane.append(bar_("forward", from, Math.min(from + s.forward, s.start + s.duration), begin, whole)); }
    for (const one of s.logs ?? []) { const tick = h("i", { class: "log", title: `${one.severity ?? ""} ${one.body ?? ""}` }); tick.style.left = `${(100 * (one.at - begin)) / whole}%`; lane.append(tick); }
    const label = h("span", {}, span(s.duration)), end = (100 * (s.start + s.duration - begin)) / whole;
    if (end > 85) label.style.right = `${Math.max(0, 100 - (100 * (s.start - begin)) / whole)}%`; else label.style.left = `${end}%`;
    lane.append(label);
    const who = h("div", { class: "who" }, s.flags.length ? "⚠ " : "", s.status === "error" ? "✕ " : "", h("b", {}, s.service ?? "unknown"), ` ${s.name ?? ""}`);
    who.style.paddingLeft = `${6 + 12 * Math.min(s.depth, 14)}px`;
    return h("div", { class: "row", role: "option", tabindex: at === (chosen ?? 0) ? 0 : -1, "data-at": at, "aria-selected": at === chosen ? "true" : "false", "aria-label": words(s), title: words(s), click: () => pick(at) }, who, lane);
  }
  function draw() {
    const spans = model.get("spans") ?? [];
    title.textContent = model.get("title") ?? ""; caption.textContent = model.get("caption") ?? "";
    const begin = Math.min(...spans.map((s) => s.start)), whole = Math.max(...spans.map((s) => s.start + s.duration)) - begin || 1;
    rows.replaceChildren(...(spans.length ? spans.map((s, at) => line(s, at, begin, whole)) : [h("p", {}, model.get("trace") ? "No span of this trace is kept." : "No trace was looked at yet: name one above, or inspect a condition of the contrast.")]));
    if (model.get("left_out")) rows.append(h("p", { class: "dim" }, `${model.get("left_out")} more spans are not drawn.`));
    table.replaceChildren(h("thead", {}, h("tr", {}, ["Service", "Operation", "Begin", "Duration", "Own", "Critical path", "Queue", "Forward pass", "Status", "Flags"].map((w, i) => h("th", { class: i > 1 && i < 8 && "n" }, w)))),
      h("tbody", {}, spans.map((s) => h("tr", {}, h("td", {}, s.service ?? "unknown"), h("td", {}, s.name ?? "unknown"), [s.start, s.duration, s.self, sum(s)].map((v) => h("td", { class: "n" }, figure(v, "ms"))),
        [s.queue, s.forward].map((v) => h("td", { class: "n" }, v === null || v === undefined ? "" : figure(v, "ms"))), h("td", {}, s.status ?? "unset"), h("td", {}, s.flags.join("; "))))));
    if (chosen !== null && chosen >= spans.length) chosen = null;
    detail(); difference();
  }
  function detail() {
    const s = (model.get("spans") ?? [])[chosen];
    if (!s) { about.replaceChildren(); return; }
    about.replaceChildren(h("div", { class: "bar" }, h("b", {}, `${s.service} ${s.name}`), s.status === "error" ? h("span", { class: "tag" }, "✕ error") : null, h("span", { class: "dim" }, `${span(s.duration)}, own ${span(s.self)}, critical path ${span(sum(s))}`)),
      s.flags.map((f) => h("div", {}, `⚠ ${f}`)), (s.links ?? []).length ? h("div", {}, "Belongs to: ", s.links.map((l) => h("span", { class: "tag" }, l))) : null,
      (s.logs ?? []).map((l) => h("div", {}, h("span", { class: "tag" }, l.severity || "log"), ` ${figure(l.at, "ms")}: ${l.body ?? ""}`)),
      h("div", { class: "bar" }, button("Make hypothesis", () => ui.act("hypothesis", { statement: `${s.service} ${s.name} holds requests up`, entity: `service:${s.service}` }), `Make hypothesis: ${s.service} ${s.name}`)));
  }
  function difference() {
    const found = model.get("operations") ?? [];
    if (!found.length) { compared.replaceChildren(); return; }
    const reach = Math.max(...found.map((r) => Math.max(Math.abs(r.more), Math.abs(r.low ?? 0), Math.abs(r.high ?? 0)))) || 1;
    const bar = (r) => { const i = h("i"), half = (50 * Math.abs(r.more)) / reach; i.style.width = `${half}%`; i.style.left = r.more < 0 ? `${50 - half}%` : "50%"; i.style.background = `var(--wb-${r.more < 0 ? "base" : "select"})`; return i; };
    compared.replaceChildren(h("b", { class: "sub" }, `B against A: ${model.get("against")}`), h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["Service", "Operation", "A own time", "B own time", "B takes more", "95 % interval", ""].map((w, i) => h("th", { class: i > 1 && i < 6 && "n" }, w)))),
      h("tbody", {}, found.slice(0, 40).map((r) => h("tr", {}, h("td", {}, r.service), h("td", {}, r.name), h("td", { class: "n" }, figure(r.a, "ms")), h("td", { class: "n" }, figure(r.b, "ms")), h("td", { class: "n" }, figure(r.more, "ms")),
        h("td", { class: "n" }, r.low === null || r.low === undefined ? "" : `${figure(r.low)} to ${figure(r.high)} ms`), h("td", { class: "diff", "aria-hidden": "true" }, bar(r))))))));
  }
  function pick(at) {
    chosen = at;
    for (const one of rows.querySelectorAll(".row")) { const on = Number(one.dataset.at) === at; one.setAttribute("aria-selected", on ? "true" : "false"); one.setAttribute("tabindex", on ? 0 : -1); if (on) one.focus(); }
    detail();
  }
  function controls() {
    const known = model.get("traces") ?? [], list = `t${Math.random().toString(36).slice(2)}`;
    const one = h("input", { "aria-label": "Trace to show", size: 34, value: model.get("trace") ?? "", list }), other = h("input", { "aria-label": "Trace to compare with", placeholder: "compare with trace", size: 34, list });
    const first = h("input", { "aria-label": "First cohort, a condition", placeholder: "cohort A: model_version = 41", size: 26 }), second = h("input", { "aria-label": "Second cohort, a condition", placeholder: "cohort B: model_version = 42", size: 26 });
    const show = () => one.value.trim() && ui.act("trace", other.value.trim() ? { trace_id: one.value.trim(), against: other.value.trim() } : { trace_id: one.value.trim() });
    const cohorts = () => { const [a, b] = [first.value.trim(), second.value.trim()]; if (Boolean(a) === Boolean(b)) ui.act("slower", a ? { first: a, second: b } : {}); else (a ? second : first).focus(); };
    for (const field of [one, other]) ui.listen(field, "keydown", (e) => { if (e.key === "Enter") show(); });
    bar.replaceChildren(h("datalist", { id: list }, known.map((t) => h("option", { value: t }))), one, other, button("Show trace", show), first, second, button("Compare cohorts", cohorts, "Compare cohorts; without conditions the baseline with the selection"));
  }
  ui.listen(rows, "keydown", (e) => {
    const spans = model.get("spans") ?? [], at = Number(e.target.closest?.(".row")?.dataset.at ?? chosen ?? 0), to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: spans.length - 1, Enter: at, " ": at }[e.key];
    if (to === undefined || e.ctrlKey || e.metaKey) return;
    e.preventDefault(); e.stopPropagation();
    if (to >= 0 && to < spans.length) pick(to);
  });
  const key = (cls, text) => h("span", { class: "key dim" }, h("i", { class: cls }), text);
  ui.body.append(title, caption, bar, h("div", { class: "bar" }, ["crit:critical path", "whole:span", "queue:queue", "forward:forward pass"].map((t) => key(...t.split(":"))), h("span", { class: "dim" }, "✕ error  ⚠ missing or skewed")), rows, about, compared,
    h("details", {}, h("summary", {}, "The same as a table"), h("div", { class: "scroll" }, table)));
  const later = ui.soon(() => { if (opened !== model.get("trace")) { opened = model.get("trace"); chosen = null; } draw(); });
  for (const trait of ["spans", "left_out", "title", "caption"]) ui.on(trait, later);
  for (const trait of ["operations", "against"]) ui.on(trait, ui.soon(difference));
  for (const trait of ["trace", "traces"]) ui.on(trait, ui.soon(controls));
  controls(); draw();
  return ui.end;
}
export default { render };
