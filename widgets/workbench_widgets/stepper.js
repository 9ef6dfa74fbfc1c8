const CSS = `
.wbw ol{list-style:none;margin:0;padding:0;display:grid;gap:4px}
.wbw li.step{display:grid;grid-template-columns:30px 1fr auto;gap:8px;align-items:start;border:1px solid var(--wb-line);border-radius:6px;padding:6px 8px}
.wbw li.step[data-next]{border-left:4px solid var(--wb-base)}
.wbw li.step .sign{font-weight:700;text-align:center}
.wbw li.step[data-state=interesting] .sign{color:var(--wb-select)}
.wbw li.step .what{overflow-wrap:anywhere}
.wbw .next{border:1px solid var(--wb-base);border-radius:6px;padding:6px 10px;margin-bottom:8px}
`;
const SIGNS = { "to do": "○", running: "◔", clear: "✓", interesting: "!", "could not run": "✕", skipped: "–" };

function render({ model, el }) {
  const ui = mount(model, el, model.get("title") || "Playbook", CSS);
  const list = h("ol"), next = h("div"), title = h("h3"), caption = h("p", { class: "cap" });
  const button = (words, click, label, cls) => h("button", { type: "button", class: cls, click, "aria-label": label, disabled: Boolean(model.get("running")) }, words);
  const run = (step) => { if (step.kind === "view") { ui.ask("view", { name: step.name }); return; } ui.set({ running: step.name }); ui.act(step.name, {}); };

  function item(step) {
    const place = h("div"), clear = () => place.replaceChildren(), suggested = model.get("suggested") ?? {}, state = model.get("running") === step.name ? "running" : step.state;
    const skip = () => place.replaceChildren(reasonForm("Why is this step left out?", (reason) => { clear(); ui.act("skip", { step: step.name, reason }); }, clear));
    const form = () => place.replaceChildren(reasonForm(step.field || "What will be done?", (text) => { clear(); ui.act(step.name, { what: text }); }, clear));
    const plain = step.kind === "step", label = (verb) => `${verb} step ${step.number}: ${step.question}`;
    return h("li", { class: "step", "data-state": state, "data-next": step.name === suggested.step, "aria-current": step.name === suggested.step ? "step" : null },
      h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[state] ?? "○"),
      h("div", { class: "what" }, h("div", {}, h("b", {}, `${step.number} ${step.question} `), h("span", { class: "tag" }, state), model.get("hunch") === step.name ? h("span", { class: "tag" }, "your hunch") : null),
        step.summary ? h("div", {}, step.summary) : h("div", { class: "dim" }, [step.why, step.cost].filter(Boolean).join(" ")), step.took ? h("div", { class: "dim took" }, step.took) : null, step.reason ? h("div", { class: "dim" }, `Left out: ${step.reason}`) : null, place),
      h("div", { class: "bar" }, button(step.kind === "view" ? "Open" : step.kind === "form" ? "Add…" : state === "to do" || state === "skipped" ? "Run" : "Run again", () => (step.kind === "form" ? form() : run(step)), label("Run")),
        plain && state === "to do" ? button("Skip…", skip, label("Skip")) : null, plain && state === "to do" && step.name !== "rank" ? button("My hunch", () => ui.act("hunch", { step: step.name }), label("My hunch is")) : null));
  }
  function draw() {
    const steps = model.get("steps") ?? [], suggested = model.get("suggested") ?? {}, best = steps.find((s) => s.name === suggested.step);
    title.textContent = model.get("title") ?? ""; caption.textContent = model.get("caption") ?? "";
    next.replaceChildren(best ? h("div", { class: "next bar" }, h("b", {}, `Next best step: ${best.question}`), h("span", { class: "dim" }, suggested.why ?? ""), button("Run it", () => run(best), `Run the next best step: ${best.question}`, "main")) : h("p", { class: "dim" }, suggested.why ?? ""));
    list.replaceChildren(...steps.map(item));
  }
  const later = ui.soon(draw);
  for (const trait of ["steps", "suggested", "hunch", "running", "title", "caption"]) ui.on(trait, later);
  ui.on("said", () => { if (model.get("running")) ui.set({ running: "" }); });
  ui.body.append(title, caption, next, list);
  draw();
  return ui.end;
}
export default { render };
