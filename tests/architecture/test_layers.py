"""Layers point down, and heavy or drawing libraries stay out of the layers that compute."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPUTING = ("model", "analysis", "store", "case", "playbook")
KEPT_OUT = {"panel", "holoviews", "ipywidgets", "anywidget", "bokeh", "mlflow", "evidently"}
STANDARD = set(sys.stdlib_module_names)
TEN = {"open", "Bench", "Case", "Window", "instrument", "rank_causes", "contrast", "frame", "plot", "explain"}
HEAVY = ("pandas", "numpy", "pyarrow", "duckdb", "mlflow", "evidently", "panel", "scipy", "sklearn", "typer")


def imported(path: Path) -> set[str]:
    """Return the first words of everything that a module imports, at its head or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def below(*parts: str) -> dict[str, set[str]]:
    """Return what each module below a folder imports."""
    folder = ROOT.joinpath(*parts)
    return {path.relative_to(ROOT).as_posix(): imported(path) for path in sorted(folder.rglob("*.py"))}


def run(code: str) -> str:
    """Run Python in a fresh process and return what it prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT).stdout.strip()


def test_import_linter_keeps_every_contract() -> None:
    """The contracts stand in pyproject.toml: nothing imports upward, siblings never import each other."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo", "--no-cache"], capture_output=True, text=True, timeout=120, check=False,
                          cwd=ROOT, env={**os.environ, "COLUMNS": "200"})  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert "0 broken" in done.stdout


def test_every_module_of_the_package_stands_in_a_layer() -> None:
    """A module that no layer names could import anything."""
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    named = {word.strip() for layer in layers for word in layer.replace(":", "|").split("|")}
    own = {f"workbench.{path.stem}" for path in (ROOT / "workbench").glob("*.py") if path.stem != "__init__"}
    own |= {f"workbench.{path.parent.name}" for path in (ROOT / "workbench").glob("*/__init__.py")}
    assert own == named


@pytest.mark.parametrize("layer", COMPUTING)
def test_computing_layers_import_no_screen_no_mlflow_and_no_evidently(layer: str) -> None:
    """Those take seconds to import and draw or fetch; not even inside a function."""
    modules = below("workbench", layer)
    assert modules
    assert {name: bad for name, all_ in modules.items() if (bad := all_ & KEPT_OUT)} == {}


def test_the_model_is_standard_library_only() -> None:
    """Its vocabulary can be read by anything."""
    modules = below("workbench", "model")
    assert {name: bad for name, all_ in modules.items() if (bad := all_ - STANDARD - {"workbench"})} == {}


def test_widgets_import_neither_workbench_nor_pandas() -> None:
    """A widget can be used without the bench."""
    modules = below("widgets")
    assert modules
    assert {name: bad for name, all_ in modules.items() if (bad := all_ & {"workbench", "pandas"})} == {}


def test_analysis_knows_neither_sources_nor_store() -> None:
    """Pure functions: import-linter says siblings never meet, and no text of SQL engines stands there."""
    modules = below("workbench", "analysis")
    assert {name: bad for name, all_ in modules.items() if (bad := all_ & {"duckdb", "sqlite3", "typer", "rich"})} == {}


def test_importing_workbench_loads_nothing_heavy() -> None:
    """``import workbench`` costs milliseconds; pandas, pyarrow and DuckDB come when a name is first used."""
    code = f"import sys, workbench; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert run(code) == "[]"


def test_ten_public_names_resolve_and_an_unknown_one_is_refused_in_words() -> None:
    """The list of docs/api.md, no more and no less."""
    import workbench

    assert set(workbench.__all__) == TEN
    assert all(callable(getattr(workbench, name)) for name in TEN)
    with pytest.raises(AttributeError, match="it has: Bench, Case"):
        _ = workbench.opne


def test_the_ten_names_are_documented() -> None:
    """Each has its line in the page's table."""
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    assert {name for name in TEN if f"| `wb.{name}" not in page} == set()


@pytest.mark.parametrize("group", ["source", "drift metric", "query", "step", "signature", "fault", "screen"])
def test_every_plugin_of_a_group_loads(group: str) -> None:
    """A file name is a plugin's name, and the file defines the group's object."""
    from workbench import plugins

    loaded = plugins.load_all(group)
    assert set(loaded) == set(plugins.names(group))
    assert None not in loaded.values()
    assert loaded or group == "screen"


def test_plugins_of_one_kind_never_import_each_other() -> None:
    """What two share stands in a file whose name begins with an underscore, or a layer below."""
    from workbench import plugins

    crossings = []
    for package, _ in plugins.GROUPS.values():
        folder = ROOT / package.replace(".", "/")
        own = {f"{package}.{p.stem}" for p in folder.glob("*.py") if not p.stem.startswith("_")}
        for path in folder.glob("*.py"):
            if path.stem.startswith("_"):
                continue
            nodes = ast.walk(ast.parse(path.read_text("utf-8")))
            met = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)} & own
            crossings += [f"{path.relative_to(ROOT)} imports {name}" for name in sorted(met)]
    assert crossings == []
