const CSS = `
.wbw ol{list-style:none;margin:0;padding:0;display:grid;gap:8px}
.wbw li.cause{border:1px solid var(--wb-line);border-left:4px solid var(--wb-base);border-radius:6px;padding:8px 10px}
.wbw li.cause[data-rejected]{border-left:4px dashed var(--wb-line);color:var(--wb-dim)}
.wbw li.cause b{overflow-wrap:anywhere}
.wbw .factor{display:grid;grid-template-columns:110px 1fr 56px;gap:8px;align-items:center}
.wbw .factor i{display:block;height:8px;border-radius:4px;background:var(--wb-base)}
`;

const VERDICTS = { none: "not proven" };
const LEAST = 0.02, FIRST = 3;

function render({ model, el }) {
  const ui = mount(model, el, model.get("title") || "Cause board", CSS);
  const list = (words, items) => h("div", {}, h("b", {}, `${words} (${items.length})`), items.map((text) => h("div", {}, `• ${text}`)));
  const card = (cause) => {
    const place = h("div"), rejected = cause.rejected;
    const clear = () => place.replaceChildren();
    const ask = () => place.replaceChildren(reasonForm("Why is it not the cause?", (reason) => {
      clear();
      ui.act("reject", { cause: cause.rank, reason });
    }, clear));
    return h("li", { class: "cause", "data-rejected": Boolean(rejected) },
      h("div", { class: "bar" }, h("b", {}, `${cause.rank}. ${cause.entity}`), h("span", { class: "tag" }, cause.kind.replaceAll("_", " ")),
        h("span", { class: "tag" }, VERDICTS[cause.verdict] ?? cause.verdict), h("span", { class: "dim" }, `confidence ${percent(cause.confidence)}`)),
      h("div", {}, cause.statement), rejected ? h("div", { class: "dim" }, `Rejected: ${rejected}`) : null,
      h("details", { "data-of": `cause ${cause.rank} ${cause.entity}` }, h("summary", {}, `What the confidence is made of; evidence: ${cause.for.length} for, ${cause.against.length} against`),
        Object.entries(cause.factors).map(([name, value]) => {
          const bar = h("i");
          bar.style.width = `${Math.max(0, Math.min(1, value)) * 100}%`;
          return h("div", { class: "factor" }, h("span", {}, name.replaceAll("_", " ")), bar, h("span", {}, figure(value)));
        }), list("For", cause.for), list("Against", cause.against)),
      h("div", { class: "bar" }, rejected ? null : h("button", { type: "button", click: ask, "aria-label": `Reject cause ${cause.rank}` }, "Reject…")), place);
  };
  const draw = () => {
    // Read what stands open from the page itself: a "toggle" event comes only after the next repaint may have begun.
    const open = new Set([...ui.body.querySelectorAll("details[open]")].map((one) => one.dataset.of));
    const causes = model.get("causes") ?? [], far = causes.filter((one, place) => place >= FIRST && one.confidence < LEAST), near = causes.filter((one) => !far.includes(one));
    ui.body.replaceChildren(h("h3", {}, model.get("title") ?? ""), h("p", { class: "cap" }, model.get("caption") ?? ""),
      causes.length ? h("ol", {}, near.map(card)) : h("p", {}, "No cause is proven, and there is no lead yet."),
      ...(far.length ? [h("details", { "data-of": "far" }, h("summary", {}, `${far.length} more, each with less than ${percent(LEAST)} confidence`), h("ol", {}, far.map(card)))] : []));
    for (const one of ui.body.querySelectorAll("details")) one.open = open.has(one.dataset.of);
  };
  const later = ui.soon(draw);
  for (const trait of ["causes", "title", "caption"]) ui.on(trait, later);
  draw();
  return ui.end;
}
export default { render };
