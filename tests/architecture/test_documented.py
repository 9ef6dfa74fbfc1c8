"""Every public module, class, function and method says in words what it is for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for top in ("workbench", "widgets", "tools") for path in (ROOT / top).rglob("*.py"))


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Yield public names without a docstring, methods of public classes included."""
    if not (ast.get_docstring(tree) or "").strip():
        yield "the module"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                yield node.name
            if isinstance(node, ast.ClassDef):
                yield from (
                    f"{node.name}.{inner.name}" for inner in node.body
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
                    and not inner.name.startswith("_") and not ast.get_docstring(inner)
                )  # fmt: skip


def test_the_rule_can_fail() -> None:
    """A public function and a method without words are named, private ones are not."""
    tree = ast.parse('"""M."""\ndef f(): ...\ndef _g(): ...\nclass C:\n    """C."""\n    def m(self): ...\n')
    assert list(undocumented(tree)) == ["f", "C.m"]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_public_name_is_documented(path: Path) -> None:
    """A module says more than a single dot."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert list(undocumented(tree)) == []
    assert len(ast.get_docstring(tree) or "") > 3
