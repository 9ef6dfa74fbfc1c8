const CSS = `
.wbw .graph{overflow:auto;max-height:560px;border:1px solid var(--wb-line);border-radius:6px}
.wbw .graph svg{display:block}
.wbw .graph text{fill:var(--wb-fg);font-size:12px}
.wbw .graph text.dim{fill:var(--wb-dim);font-size:11px}
.wbw .node{cursor:pointer;outline:none}
.wbw .node .shape{fill:var(--wb-soft);stroke:var(--wb-dim);stroke-width:1.5}
.wbw .node .box{fill:var(--wb-bg);stroke:var(--wb-line)}
.wbw .node[data-focus] .box{stroke:var(--wb-base);stroke-width:2.5}
.wbw .node[data-proven] .box{stroke:var(--wb-select);stroke-width:2.5}
.wbw .node[data-origin=own] .ring{stroke:var(--wb-select);stroke-width:2.5;fill:none}
.wbw .node[data-origin=inherited] .ring{stroke:var(--wb-select);stroke-width:1.5;stroke-dasharray:3 2;fill:none}
.wbw .node:focus-visible .box{stroke:var(--wb-fg);stroke-width:3}
.wbw .node[data-change=vanished] .box{stroke-dasharray:2 3}
.wbw .edge{fill:none;stroke:var(--wb-dim);stroke-width:1.2}
.wbw .edge[data-proven]{stroke:var(--wb-select);stroke-width:3.5}
.wbw .edge[data-change=appeared]{stroke:var(--wb-base);stroke-width:2;stroke-dasharray:6 3}
.wbw .edge[data-change=vanished]{stroke-dasharray:1 4}
.wbw .stub{cursor:pointer}.wbw .stub text{fill:var(--wb-base);font-weight:600;paint-order:stroke;stroke:var(--wb-bg);stroke-width:5px}
.wbw td[data-level]{padding-left:calc(8px + 18px * var(--level))}
.wbw .key{display:flex;flex-wrap:wrap;gap:2px 14px;margin:4px 0;color:var(--wb-dim)}
.wbw .key i{display:inline-block;width:22px;margin-right:5px;vertical-align:middle;border-top:1.5px solid var(--wb-dim)}
.wbw .key .path{border-top:3.5px solid var(--wb-select)}.wbw .key .new{border-top:2px dashed var(--wb-base)}.wbw .key .gone{border-top:1.5px dotted var(--wb-dim)}
.wbw .key .bad,.wbw .key .own,.wbw .key .from{width:13px;height:13px;border:1.5px solid var(--wb-dim)}
.wbw .key .bad{background:repeating-linear-gradient(45deg,var(--wb-select) 0 2px,transparent 2px 4px)}
.wbw .key .own{border:2px solid var(--wb-select);border-radius:7px}.wbw .key .from{border:1.5px dashed var(--wb-select);border-radius:7px}
.wbw label{display:inline-flex;gap:5px;align-items:center}
.wbw select{font:inherit;color:inherit;background:var(--wb-bg);border:1px solid var(--wb-line);border-radius:5px;min-height:26px}
`;
const WIDE = 178, GAP = 66, ROW = 46, LEFT = 46;
const SIDES = { dataset: 4, data_version: 4, column: 4, job: -4, feature: 6, run: 40, model: 8, model_version: 8, service: 5, kpi: 3, host: 4, gpu: 4, source: 7 };
const MARK = { appeared: "+ ", vanished: "− ", changed: "~ " };

function polygon(kind, x, y, r) {
  const n = Math.abs(SIDES[kind] ?? 40), turn = SIDES[kind] === 4 ? Math.PI / 4 : SIDES[kind] === -4 ? 0 : -Math.PI / 2;
  return Array.from({ length: n }, (_, i) => `${(x + r * Math.cos(turn + (2 * Math.PI * i) / n)).toFixed(1)},${(y + r * Math.sin(turn + (2 * Math.PI * i) / n)).toFixed(1)}`).join(" ");
}

// A tree of what is drawn: from the focus up, then down; an entity that is reached twice stands once.
function branches(nodes, edges, focus) {
  const rows = [], near = (name, up) => edges.filter((e) => (up ? e.target : e.source) === name).map((e) => (up ? e.source : e.target)).sort();
  const seen = new Set(), known = new Map(nodes.map((n) => [n.name, n]));
  const walk = (name, level, up) => {
    if (seen.has(name) || !known.has(name)) return;
    seen.add(name);
    rows.push([known.get(name), level, name === focus ? "focus" : up ? "upstream" : "downstream"]);
    for (const next of near(name, up)) walk(next, level + 1, up);
  };
  walk(focus, 0, true);
  for (const next of near(focus, false)) walk(next, 1, false);
  for (const node of nodes) walk(node.name, 1, true);
  return rows;
}

function render({ model, el }) {
  const ui = mount(model, el, model.get("title") || "Lineage", CSS);
  const title = h("h3"), caption = h("p", { class: "cap" }), graph = h("div", { class: "graph" }), tree = h("table", { role: "treegrid" });
  const about = h("div"), hits = h("div", { class: "bar" }), when = h("div"), bar = h("div", { class: "bar" });
  const pattern = `h${Math.random().toString(36).slice(2)}`;
  let chosen = null, waiting = 0;
  const by = (name) => (model.get("nodes") ?? []).find((n) => n.name === name);
  const button = (words, click, label) => h("button", { type: "button", click, "aria-label": label }, words);
  const own = (name) => name.slice(name.indexOf(":") + 1);
  // Server and database, which all tables of a place share, stand in the name that is read out and in the tree.
  const brief = (name) => { const text = own(name); return text.includes("://") ? text.slice(text.lastIndexOf("/") + 1) : text; };
  const named = (n) => (MARK[n.change] ?? "") + short(brief(n.name), 22);
  const fitted = (n) => (named(n).length > 19 ? { textLength: WIDE - 40, lengthAdjust: "spacingAndGlyphs" } : {});
  const places = () => new Map((model.get("nodes") ?? []).map((n) => [n.name, [LEFT + n.layer * (WIDE + GAP), 24 + n.row * ROW]]));

  function words(n) {
    return [`${n.kind} ${own(n.name)}`, n.health && `health: ${n.health}`, n.origin && (n.origin === "own" ? "its own deviation" : "inherited from upstream"),
      n.change, n.proven && "on the proven path", n.hidden_up && `${n.hidden_up} upstream not drawn`, n.hidden_down && `${n.hidden_down} downstream not drawn`, n.detail].filter(Boolean).join(", ");
  }
  function node(n, [x, y]) {
    const bad = n.health && n.health !== "well";
    const shape = { class: "shape", points: polygon(n.kind, x + 16, y, 9) };
    if (bad) shape.fill = `url(#${pattern})`;
    const box = s("g", { class: "node", role: "button", tabindex: n.name === (chosen ?? model.get("focus")) ? 0 : -1, "data-name": n.name, "data-focus": n.name === model.get("focus"), "data-proven": n.proven,
      "data-origin": n.origin || null, "data-change": n.change || null, "aria-label": words(n), click: () => pick(n.name), dblclick: () => ui.ask("focus", { name: n.name }) },
      s("title", {}, words(n)), s("rect", { class: "box", x, y: y - 16, width: WIDE, height: 32, rx: 5 }), s("polygon", shape),
      n.origin ? s("circle", { class: "ring", cx: x + 16, cy: y, r: 12 }) : null,
      s("text", { x: x + 32, y: n.health ? y - 1 : y + 4, ...fitted(n) }, named(n)), n.health ? s("text", { class: "dim", x: x + 32, y: y + 12 }, short(n.health, 23)) : null);
    if (bad) box.querySelector(".shape").style.fill = `url(#${pattern})`;
    const stub = (count, side, at, anchor) => count > 0 && s("g", { class: "stub", role: "button", tabindex: -1, "aria-label": `Draw ${count} more ${side === "up" ? "upstream" : "downstream"} of ${own(n.name)}`, click: () => ui.ask("expand", { name: n.name, side }) },
      s("rect", { x: at - (anchor === "end" ? 34 : 0), y: y - 12, width: 34, height: 24, fill: "transparent" }), s("text", { x: at, y: y + 4, "text-anchor": anchor }, `+${count}`));
    return [box, stub(n.hidden_up, "up", x - 6, "end"), stub(n.hidden_down, "down", x + WIDE + 6, "start")];
  }
  function draw() {
    const nodes = model.get("nodes") ?? [], edges = model.get("edges") ?? [], at = places();
    title.textContent = model.get("title") ?? ""; caption.textContent = model.get("caption") ?? "";
    if (!nodes.length) { graph.replaceChildren(h("p", {}, "No lineage is known around this entity; send OpenLineage events, traces or registry data.")); tree.replaceChildren(); return; }
    const wide = Math.max(...[...at.values()].map((p) => p[0])) + WIDE + LEFT, high = Math.max(...[...at.values()].map((p) => p[1])) + 28;
    const lines = edges.filter((e) => at.has(e.source) && at.has(e.target)).sort((a, b) => a.proven - b.proven).map((e) => {
      const [x, y] = at.get(e.source), [u, v] = at.get(e.target), a = x + WIDE, bend = Math.max(24, Math.abs(u - a) / 2);
      return s("path", { class: "edge", "data-proven": e.proven, "data-change": e.change || null, d: `M${a},${y} C${a + bend},${y} ${u - bend},${v} ${u},${v}` }, s("title", {}, `${own(e.source)} → ${own(e.target)}${e.rule ? `, ${e.rule}` : ""}${e.change ? `, ${e.change}` : ""}`));
    });
    const hatch = s("defs", {}, s("pattern", { id: pattern, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, s("rect", { width: 5, height: 5, fill: "var(--wb-bg)" }), s("rect", { width: 2.4, height: 5, fill: "var(--wb-select)" })));
    const held = graph.contains(document.activeElement) || graph.getRootNode().activeElement?.closest?.(".graph") === graph;
    const scroll = [graph.scrollLeft, graph.scrollTop];
    graph.replaceChildren(s("svg", { width: wide, height: high, role: "group", "aria-label": `${nodes.length} entities and ${edges.length} edges; arrows move, Enter focuses, plus draws neighbours, Space shows before and after` }, hatch, lines, nodes.flatMap((n) => node(n, at.get(n.name)))));
    [graph.scrollLeft, graph.scrollTop] = scroll;
    if (held) focusNode(chosen ?? model.get("focus"));
    tree.replaceChildren(h("thead", {}, h("tr", {}, ["Entity", "Kind", "Side", "Health", "Origin", "Change", "Not drawn"].map((w) => h("th", { scope: "col" }, w)))),
      h("tbody", {}, branches(nodes, edges, model.get("focus")).map(([n, level, side]) => {
        const first = h("td", { "data-level": level }, button(own(n.name), () => ui.ask("focus", { name: n.name }), `Focus ${n.kind} ${own(n.name)}`));
        first.style.setProperty("--level", level);
        return h("tr", { "aria-level": level + 1 }, first, h("td", {}, n.kind), h("td", {}, side), h("td", {}, n.health || "unknown"), h("td", {}, n.origin), h("td", {}, n.change), h("td", { class: "n" }, String(n.hidden_up + n.hidden_down)));
      })));
  }
  const focusNode = (name) => { const one = [...graph.querySelectorAll(".node")].find((g) => g.dataset.name === name); if (one) { for (const g of graph.querySelectorAll(".node")) g.setAttribute("tabindex", -1); one.setAttribute("tabindex", 0); one.focus({ preventScroll: false }); } };
  function pick(name) { chosen = name; focusNode(name); ui.ask("profile", { name }); side(); }
  function side() {
    const n = by(chosen), profile = model.get("profile") ?? {};
    if (!n) { about.replaceChildren(); return; }
    const dataset = n.kind === "dataset" || n.kind === "model", place = h("div"), mine = profile.name === n.name;
    about.replaceChildren(h("div", { class: "bar" }, h("b", {}, `${n.kind} ${own(n.name)}`), n.health ? h("span", { class: "tag" }, n.health) : null, n.origin ? h("span", { class: "tag" }, n.origin) : null, n.change ? h("span", { class: "tag" }, n.change) : null),
      h("div", {}, n.detail), mine && profile.text ? h("div", {}, profile.text) : null,
      mine && profile.rows?.length ? h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["What", "Before", "In the selection"].map((w) => h("th", {}, w)))),
        h("tbody", {}, profile.rows.map((r) => h("tr", {}, h("td", {}, r.what), h("td", { class: "n" }, r.before), h("td", { class: "n" }, r.after)))))) : null,
      h("div", { class: "bar" }, button("Focus here", () => ui.ask("focus", { name: n.name })), button("Draw neighbours", () => ui.ask("expand", { name: n.name, side: "both" })),
        dataset ? button("Compare before and after", () => ui.act("compare", { dataset: n.kind === "dataset" ? own(n.name) : n.name })) : null,
        button("Make hypothesis", () => ui.act("hypothesis", { statement: `${own(n.name)} is where it began`, entity: n.name }), `Make hypothesis: ${own(n.name)}`)), place);
  }
  function controls() {
    const shown = model.get("shown") ?? {}, times = model.get("times") ?? {};
    const box = h("input", { type: "search", "aria-label": "Search an entity", placeholder: "search an entity", size: 24 });
    ui.listen(box, "input", () => { clearTimeout(waiting); waiting = setTimeout(() => ui.ask("search", { text: box.value }), 150); });
    ui.listen(box, "keydown", (e) => { const one = (model.get("found") ?? [])[0]; if (e.key === "Enter" && one) ui.ask("focus", { name: one }); });
    const overlay = h("select", { "aria-label": "Signal shown as health", change: (e) => ui.ask("overlay", { signal: e.target.value }) }, h("option", { value: "" }, "worst of all signals"), (model.get("signals") ?? []).map((name) => h("option", { value: name, selected: shown.signal === name }, name)));
    bar.replaceChildren(box, h("label", {}, "Health by", overlay), button(shown.columns === "shown" ? "Fold columns" : "Show columns", () => ui.ask("columns", { columns: shown.columns === "shown" ? "folded" : "shown" })),
      button("One hop more", () => ui.ask("hop")), button("Start again", () => ui.ask("reset")), button(shown.most > 40 ? "Draw 40 at most" : "Draw up to 200", () => ui.ask("more", { most: shown.most > 40 ? 40 : 200 })));
    if (!(times.end > times.start)) { when.replaceChildren(); return; }
    const slider = (what, value, words) => {
      const said = h("span", { class: "dim" }, value === null || value === undefined ? "now" : iso(value).slice(0, 16) + "Z");
      const input = h("input", { type: "range", min: times.start, max: times.end, step: Math.max(1, Math.round((times.end - times.start) / 500)), value: value ?? times.end, "aria-label": words });
      ui.listen(input, "input", () => { said.textContent = iso(Number(input.value)).slice(0, 16) + "Z"; clearTimeout(waiting); waiting = setTimeout(() => ui.ask(what, { at: Number(input.value) }), 120); });
      return h("label", {}, words, input, said);
    };
    const two = times.against !== null && times.against !== undefined;
    when.replaceChildren(h("div", { class: "bar" }, slider("as_of", times.at, "As of"), two ? slider("against", times.against, "compared with") : null,
      two ? button("One time only", () => ui.ask("against", { at: null })) : button("Compare two times", () => ui.ask("against", { at: times.start }))));
  }
  const results = () => hits.replaceChildren(...(model.get("found") ?? []).slice(0, 12).map((name) => button(short(name, 40), () => ui.ask("focus", { name }))));
  ui.listen(graph, "keydown", (e) => {
    const here = e.target.closest?.(".node")?.dataset.name, at = places();
    if (!here || e.ctrlKey || e.metaKey || e.altKey) return;
    const [x, y] = at.get(here), go = (ok, cost) => { const best = [...at].filter(([n, p]) => n !== here && ok(p)).sort((a, b) => cost(a[1]) - cost(b[1]))[0]; if (best) { chosen = best[0]; focusNode(chosen); } };
    const far = (p) => Math.abs(p[0] - x) * 4 + Math.abs(p[1] - y), keys = {
      ArrowLeft: () => go((p) => p[0] < x, far), ArrowRight: () => go((p) => p[0] > x, far), ArrowUp: () => go((p) => p[0] === x && p[1] < y, far), ArrowDown: () => go((p) => p[0] === x && p[1] > y, far),
      Enter: () => ui.ask("focus", { name: here }), " ": () => pick(here), "+": () => ui.ask("expand", { name: here, side: "both" }), Escape: () => { chosen = null; side(); } };
    if (keys[e.key]) { e.preventDefault(); e.stopPropagation(); keys[e.key](); }
  });
  // What signs mean, of those only that are drawn here; the words stand in every node's name too.
  const legend = h("div", { class: "key" }), signs = { bad: "deviates", own: "by itself", from: "inherited from upstream", path: "proven path", new: "appeared", gone: "vanished" };
  function signed() {
    const nodes = model.get("nodes") ?? [], edges = model.get("edges") ?? [], both = [...nodes, ...edges];
    const here = { bad: nodes.some((n) => n.health && n.health !== "well"), own: nodes.some((n) => n.origin === "own"), from: nodes.some((n) => n.origin === "inherited"), path: both.some((n) => n.proven), new: both.some((n) => n.change === "appeared"), gone: both.some((n) => n.change === "vanished") };
    legend.replaceChildren(...Object.entries(signs).filter(([name]) => here[name]).map(([name, words]) => h("span", {}, h("i", { class: name }), words)));
  }
  ui.body.append(title, caption, bar, hits, when, graph, legend, about, h("details", {}, h("summary", {}, "The same as a tree"), h("div", { class: "scroll" }, tree)));
  const later = ui.soon(() => { draw(); side(); signed(); });
  for (const trait of ["nodes", "edges", "focus", "title", "caption"]) ui.on(trait, later);
  const held = ui.soon(controls);
  for (const trait of ["signals", "shown"]) ui.on(trait, held);
  ui.on("times", () => { if (!when.contains(when.getRootNode().activeElement)) held(); });
  ui.on("found", results); ui.on("profile", side);
  controls(); results(); draw(); signed();
  return ui.end;
}
export default { render };
