"""Size limits: a module has at most 400 lines, a function at most 50; one place alone catches every exception."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for top in ("workbench", "widgets", "benchmarks", "tools") for path in (ROOT / top).rglob("*.py"))
SCRIPTS = sorted((ROOT / "widgets/workbench_widgets").glob("*.js")) + sorted((ROOT / "workbench/apps").rglob("*.js"))
MOST_LINES_A_MODULE = 400
MOST_LINES_A_FUNCTION = 50
CATCHES_EVERYTHING = "workbench/case/case.py"
"""A computed operation that raises is recorded in the journal, whatever it raised."""


def name(path: Path) -> str:
    """Return a module's path as people write it."""
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.AST) -> list[tuple[str, int]]:
    """Return every function of a module and its lines, decorators included."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found.append((node.name, (node.end_lineno or first) - first + 1))
    return found


def broad(tree: ast.AST) -> list[int]:
    """Return the lines that catch every exception and let the program go on."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = "" if node.type is None else ast.unparse(node.type)
            passes_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if caught in {"", "Exception", "BaseException"} and not passes_on:
                found.append(node.lineno)
    return found


def test_the_rules_can_fail() -> None:
    """A function of 51 lines and a bare except are seen; one that cleans up and raises again is let be."""
    long = "def f():\n" + "    x = 1\n" * 50
    assert functions(ast.parse(long)) == [("f", 51)]
    assert broad(ast.parse("try:\n    f()\nexcept Exception:\n    pass")) == [3]
    assert broad(ast.parse("try:\n    f()\nexcept BaseException:\n    clean()\n    raise")) == []


def test_at_least_two_hundred_modules_are_looked_at() -> None:
    """An empty list would pass every test below."""
    assert len(MODULES) >= 200
    assert len(SCRIPTS) >= 10


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_has_at_most_400_lines_and_its_functions_50(path: Path) -> None:
    """Longer ones are two concepts."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MOST_LINES_A_MODULE
    assert {f: lines for f, lines in functions(ast.parse(text)) if lines > MOST_LINES_A_FUNCTION} == {}


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_of_a_page_has_at_most_400_lines(path: Path) -> None:
    """The parts of one widget are joined when it is served."""
    assert path.read_text(encoding="utf-8").count("\n") <= MOST_LINES_A_MODULE


def test_one_place_alone_catches_every_exception() -> None:
    """Elsewhere the narrowest error is caught."""
    found = {name(path): len(lines) for path in MODULES if (lines := broad(ast.parse(path.read_text("utf-8"))))}
    assert found == {CATCHES_EVERYTHING: 1}
