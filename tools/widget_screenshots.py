"""Picture every widget of a store's first case, in both themes, and one in JupyterLab.

``python -m tools.widget_screenshots STORE [TARGET]``; ``make screenshots`` runs it over what ``make demo`` made.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, get_args

from workbench.bench import Bench, open_bench
from workbench.case.case import Case
from workbench.views.verbs import Kind, widget
from workbench_widgets.page import page

TARGET = Path("docs/screenshots/widgets")
THEMES = ("light", "dark")
WIDTH, HIGH = 1100, 900
LAB_HIGH = 1000


def main(store: Path, target: Path = TARGET) -> None:
    """Write one PNG a widget and theme, and one of the playbook in JupyterLab; the store itself stays as it is."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "store"
        shutil.copytree(store, copy)
        _in_lab(copy, _boards(copy, target), target)


def _boards(store: Path, target: Path) -> str:
    """Write one PNG a widget and theme; return the case's id."""
    from playwright.sync_api import sync_playwright

    from tools.screenshots import browser

    with open_bench(store, who="responder") as bench:
        case_id = next((line.id for line in bench.cases() if not line.problem), None)
        if case_id is None:
            sys.exit(f"{store} holds no case yet: run `make demo` first.")
        case = bench.case(case_id)
        _asked(bench, case)
        with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
            shown = play.chromium.launch(executable_path=browser(), args=["--no-sandbox", "--disable-gpu"])
            for kind in get_args(Kind):
                _picture(shown, case, kind, Path(folder), target)
            shown.close()
    return str(case_id)


def _asked(bench: Bench, case: Case) -> None:
    """Ask what boards show that the playbook does not: a contrast, a trace, a comparison."""
    models = sorted({c.entity for c in case.causes if c.entity.startswith("model:")})
    found = case.call("contrast")
    if "conditions" in found.frames and len(found.frames["conditions"]):
        case.call("inspect", condition=str(found.frames["conditions"]["condition"].iloc[0]))
    assert case.symptom is not None, "an investigated case has begun"
    window = case.symptom.window
    spans = bench.ask("rows", table="spans", start_ns=window.start_ns, end_ns=window.end_ns,
                      columns=["trace_id", "duration_ns"])  # fmt: skip
    if len(spans):
        case.call("trace", trace_id=str(spans.sort_values("duration_ns")["trace_id"].iloc[-1]))
    upstream = case.outcomes["lineage"].frames["upstream"]["entity"] if "lineage" in case.outcomes else ()
    for name in models or [e for e in upstream if e.startswith("model:")][:1]:
        case.call("compare", dataset=name)


def _picture(browser: Any, case: Case, kind: Kind, folder: Path, target: Path) -> None:
    made = widget(case, kind)
    for theme in THEMES:
        place = folder / f"{kind}-{theme}.html"
        place.write_text(page([made], theme=theme), encoding="utf-8")
        tab = browser.new_page(viewport={"width": WIDTH, "height": HIGH})
        tab.goto(place.as_uri())
        tab.wait_for_selector(".wbw")
        tab.wait_for_timeout(300)
        tab.locator(".wbw").screenshot(path=target / f"{kind}-{theme}.png")
        tab.close()
        sys.stdout.write(f"{target / f'{kind}-{theme}.png'}\n")


def _in_lab(store: Path, case_id: str, target: Path) -> None:
    """Picture a notebook in JupyterLab after its cells have run."""
    from benchmarks import front_end

    cells = [f'import workbench as wb\n\nbench = wb.open("./store")\ncase = bench.case("{case_id}")\n'
             'print(wb.explain(case.causes[0]))', "case.widget()"]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, front_end.lab(Path(folder), cells) as address, \
            front_end.page() as tab:  # fmt: skip
        (Path(folder) / "store").symlink_to(store.resolve())
        tab.set_viewport_size({"width": 1300, "height": LAB_HIGH})
        tab.goto(address, wait_until="commit")
        tab.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status "
                              "=== 'idle'", timeout=90_000)  # fmt: skip
        tab.evaluate("async () => { const app = window.jupyterapp; app.shell.collapseLeft(); "
                     "app.shell.activateById(app.shell.currentWidget.id); "
                     "await app.commands.execute('notebook:run-all-cells'); }")  # fmt: skip
        tab.wait_for_selector(".jp-OutputArea .wbw li.step", timeout=120_000)
        # JupyterLab asks once whether it may fetch its news.
        if tab.get_by_role("button", name="No", exact=True).count():
            tab.get_by_role("button", name="No", exact=True).first.click()
        tab.wait_for_timeout(500)
        tab.screenshot(path=target / "jupyterlab.png")
        sys.stdout.write(f"{target / 'jupyterlab.png'}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else TARGET)
