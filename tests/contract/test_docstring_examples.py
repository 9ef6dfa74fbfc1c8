"""Examples in docstrings run as they stand; each of the ten public names has one."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import workbench as wb

ROOT = Path(wb.__file__).parent
WRITTEN = sorted(
    ".".join(("workbench", *p.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for p in ROOT.rglob("*.py")
    if ">>> " in p.read_text(encoding="utf-8")
)
FINDER = doctest.DocTestFinder(exclude_empty=True)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", WRITTEN)
def test_examples_of_a_module_say_what_they_give(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder; 0 failures, and at least one example that is not only shown."""
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    runner, said = doctest.DocTestRunner(optionflags=FLAGS), []
    for found in FINDER.find(module, name):
        runner.run(found, out=said.append)
    assert runner.failures == 0, "".join(said)
    assert runner.tries > 0


@pytest.mark.parametrize("name", wb.__all__)
def test_every_public_name_shows_an_example_that_runs(name: str) -> None:
    """Ten names, ten examples, none of them skipped."""
    held = getattr(wb, name)
    own = doctest.DocTestParser().get_examples(held.__doc__ or "")
    assert own, f"{name} has no example"
    assert not [one for one in own if doctest.SKIP in one.options]
    assert held.__module__ in WRITTEN


def test_every_module_with_an_example_can_be_imported_by_name() -> None:
    """The list above is found by text; each of its modules is one that the package knows."""
    known = {m.name for m in pkgutil.walk_packages([str(ROOT)], "workbench.", onerror=lambda _: None)} | {"workbench"}
    assert set(WRITTEN) <= known
