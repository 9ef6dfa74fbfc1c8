// A prebuilt JupyterLab extension, written as it is served: no build, no request, no library of its own.
// Widgets offer the line of Python of a click as a DOM event; it becomes a code cell below the widget.
var _JUPYTERLAB = (window._JUPYTERLAB = window._JUPYTERLAB || {});
(() => {
  const MINE = "incident_workbench", TEMPLATE = "notebooks/templates/investigation.ipynb";
  let shared = {};

  // JupyterLab shares its own packages by name and version; its one copy is taken, whichever version that is.
  async function take(name) {
    const versions = shared[name];
    if (!versions) throw new Error(`JupyterLab shares no ${name}.`);
    const factory = await versions[Object.keys(versions)[0]].get();
    return factory();
  }

  // The cell goes below the widget's, after what earlier clicks have put there.
  function insert(panel, node, line) {
    const cells = panel.content.widgets, model = panel.content.model;
    const home = cells.findIndex((cell) => cell.node.contains(node));
    if (home < 0 || !model || model.readOnly) return false;
    let at = home + 1;
    while (at < cells.length && cells[at].model.getMetadata(MINE)) at += 1;
    model.sharedModel.insertCell(at, { cell_type: "code", source: line, metadata: { [MINE]: { from: "click", line }, trusted: true } });
    return true;
  }

  // Whoever changes the line of a click sees that the cell no longer says what was clicked; changed back, the mark goes.
  function mark(cell) {
    const held = cell.model.getMetadata(MINE);
    if (typeof held?.line !== "string") return;
    const edited = cell.model.sharedModel.source.trim() !== held.line.trim();
    if (edited !== Boolean(held.edited)) cell.model.setMetadata(MINE, { ...held, edited });
    const shown = cell.node.querySelector(":scope > .workbench-edited");
    if (edited === Boolean(shown)) return;
    if (!edited) { shown.remove(); return; }
    const note = document.createElement("div");
    note.className = "workbench-edited";
    note.setAttribute("role", "note");
    note.textContent = `✎ Edited by hand; the click said ${held.line}`;
    note.style.cssText = "font-size:var(--jp-ui-font-size1);color:var(--jp-ui-font-color1);border-left:3px solid var(--jp-warn-color1);padding:1px 8px;margin:2px 0 2px 8px;overflow-wrap:anywhere";
    cell.node.prepend(note);
  }
  async function watch(panel) {
    await panel.context.ready;
    const look = () => panel.isDisposed || panel.content.widgets.forEach(mark);
    panel.content.model?.contentChanged.connect(look);
    look();
  }

  function cells(tracker) {
    return {
      id: "incident-workbench:cells",
      description: "Puts the line of Python of a widget's click below it as a cell.",
      autoStart: true,
      requires: [tracker],
      activate: (app, notebooks) => {
        notebooks.forEach(watch);
        notebooks.widgetAdded.connect((_, panel) => watch(panel));
        document.addEventListener("workbench:cell", (event) => {
          const node = event.composedPath()[0], line = event.detail?.line;
          if (typeof line !== "string" || !line || !node?.closest?.(".jp-OutputArea")) return;
          const panel = notebooks.find((one) => one.content.node.contains(node));
          if (panel && insert(panel, node, line)) event.preventDefault();
        });
      },
    };
  }

  function investigation(launcher) {
    return {
      id: "incident-workbench:launcher",
      description: "Adds a new investigation to the launcher.",
      autoStart: true,
      optional: [launcher],
      activate: (app, board) => {
        const command = "incident-workbench:new-investigation";
        app.commands.addCommand(command, {
          label: "New investigation",
          caption: "Copy the template of an investigation and open it",
          execute: async (args) => {
            const made = await app.serviceManager.contents.copy(TEMPLATE, args.cwd ?? "");
            return app.commands.execute("docmanager:open", { path: made.path });
          },
        });
        app.serviceManager.contents.get(TEMPLATE, { content: false }).then(
          () => board?.add({ command, category: "Notebook", rank: 0 }), () => {});
      },
    };
  }

  async function get(module) {
    if (module !== "./extension") throw new Error(`There is no module ${module} in incident-workbench.`);
    const { INotebookTracker } = await take("@jupyterlab/notebook");
    const { ILauncher } = await take("@jupyterlab/launcher");
    return () => ({ __esModule: true, default: [cells(INotebookTracker), investigation(ILauncher)] });
  }

  _JUPYTERLAB["incident-workbench"] = { get, init: (scope) => { shared = scope; } };
})();
