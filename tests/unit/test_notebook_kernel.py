"""The notebook of a case runs in a kernel of its own, quietly and encrypted, and says it where none can run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from workbench.case.case import Case
from workbench.errors import IntegrityError, WorkbenchError
from workbench.report.notebook import write_executed_notebook


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Return a case of one note."""
    case = Case.create(tmp_path / "INC-1", case_id="INC-1", who="ada")
    case.begin("kpi:approval_rate", "approval_rate", "2026-03-01T13:40Z/2026-03-01T14:40Z")
    return case


def _kernel(monkeypatch: pytest.MonkeyPatch, folder: Path, argv: list[str]) -> None:
    """Put a kernel named python3 that runs *argv* before every other."""
    spec = folder / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "broken", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(folder))


def test_the_connection_is_encrypted_and_nothing_is_warned_of(case: Case, capfd: pytest.CaptureFixture[str]) -> None:
    """ipykernel warns on stderr when code and evidence pass in plain text."""
    write_executed_notebook(case, case.path.parent / "case.ipynb")
    assert "without encryption" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "argv", [["/nowhere/python", "{connection_file}"], [sys.executable, "-c", "raise SystemExit(3)"]]
)
def test_a_kernel_that_cannot_start_is_told_in_words(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str]
) -> None:
    """No program, or one that ends at once: the notebook is there, unexecuted, and the case is not accused."""
    _kernel(monkeypatch, tmp_path / "jupyter", argv)
    path = tmp_path / "case.ipynb"
    with pytest.raises(WorkbenchError, match=r"kernel for the notebook of INC-1 cannot run.*case\.ipynb") as told:
        write_executed_notebook(case, path)
    assert not isinstance(told.value, IntegrityError)
    assert path.is_file()
