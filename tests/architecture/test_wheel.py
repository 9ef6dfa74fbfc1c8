"""A built wheel holds everything, and works when it is installed alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the locked build tools; nothing is fetched."""
    out = tmp_path_factory.mktemp("wheel")
    code = f"import os; os.chdir({str(ROOT)!r}); from hatchling.build import build_wheel; build_wheel({str(out)!r})"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_package_widgets_templates_notebooks_and_licences(wheel: Path) -> None:
    """Every tracked module and template of the checkout is inside, tests and benchmarks are not."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        p.relative_to(ROOT).as_posix() for p in (ROOT / "workbench").rglob("*") if p.suffix in {".py", ".j2", ".css"}
    }
    wanted |= {
        p.relative_to(ROOT / "widgets").as_posix() for p in (ROOT / "widgets").rglob("*") if p.suffix in {".py", ".js"}
    }
    wanted |= {f"workbench/_notebooks/{p.relative_to(ROOT / 'notebooks').as_posix()}"
               for p in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts}  # fmt: skip
    assert len(wanted) > 200
    assert wanted - inside == set()
    assert {name.split("/")[0] for name in inside} == {
        "workbench", "workbench_widgets", "incident_workbench-0.1.0.dist-info", "incident_workbench-0.1.0.data"
    }  # fmt: skip
    # JupyterLab finds its extension where an environment keeps what is shared.
    shared = "incident_workbench-0.1.0.data/data/share/jupyter/labextensions/incident-workbench"
    assert {f"{shared}/package.json", f"{shared}/install.json", f"{shared}/static/remoteEntry.js"} <= inside
    assert {"LICENSE", "NOTICE"} <= {name.rsplit("/", 1)[-1] for name in inside}
    assert {"workbench/py.typed", "workbench_widgets/py.typed"} <= inside


@pytest.mark.full
def test_the_wheel_installed_alone_runs_its_verbs(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, with the locked libraries beside it and no checkout: help, faults, settings,
    notebooks, an incident and its case."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True, timeout=120)
    python = venv / "bin/python"
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(ask, capture_output=True, text=True, check=True, timeout=60).stdout.strip())
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, timeout=120, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    # The libraries come from this environment, read after its own folder; the editable checkout must not.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    def run(*arguments: str | Path) -> str:
        done = subprocess.run([venv / "bin/workbench", *arguments], capture_output=True, text=True, cwd=tmp_path,
                              timeout=250, check=False, env={**os.environ, "PYTHONPATH": ""})  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    where = "import workbench, workbench_widgets; print(workbench.__file__, workbench_widgets.__file__)"
    found = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60)
    assert all(str(site) in place for place in found.stdout.split())
    assert "investigate" in run("--help")
    assert "unmapped_category" in run("scenario", "list")
    run("init")
    lay = "from workbench.commands.lab import lay_notebooks; print(len(lay_notebooks('notebooks')))"
    lay = lay.replace("'notebooks'", "__import__('pathlib').Path('notebooks')")
    laid = subprocess.run([python, "-c", lay], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60)
    assert int(laid.stdout) == len(list((ROOT / "notebooks").rglob("*.ipynb")))
    run("demo", "--seed", "3", "--out", "demo")
    made = tmp_path / "demo/unmapped_category-cause-3"
    assert (made / "INC-1.html").stat().st_size > 10_000
    # Its last cell holds the case to its state hash; it ran in a kernel of the environment of its own.
    book = json.loads((made / "INC-1.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert len(code) >= 12
    assert all(cell["execution_count"] for cell in code)
    assert "assert case.state_hash" in "".join(code[-1]["source"])
    assert "INC-1" in first_page(venv / "bin/workbench", made / "store")


def first_page(program: Path, store: Path) -> str:
    """Serve the triage app over *store*, and return what a browser is shown first."""
    command = [program, "triage", "--store", store, "--port", "0", "--no-browser"]
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=store.parent, env=environment) as served:
        assert served.stdout is not None
        try:
            said = served.stdout.readline() + served.stdout.readline()
            entrance = re.search(r"http://127\.0\.0\.1:\d+/enter\?token=\S+", said)
            assert entrance, said
            with httpx.Client(timeout=60, follow_redirects=True) as client:
                client.get(entrance[0])
                client.get(entrance[0])
                page = client.get(entrance[0].partition("/enter")[0] + "/inbox")
                script = re.search(r'src="(/assets/[^"]+\.js)"', page.text)
                assert script, page.text[:500]
                assert client.get(entrance[0].partition("/enter")[0] + script[1]).status_code == 200
        finally:
            served.terminate()
        assert served.wait(20) == 0
    assert page.status_code == 200
    return page.text
