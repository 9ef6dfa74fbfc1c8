"""What is under version control: no registry's host, no path of one machine, one list of dependencies."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tools import environment

ROOT = Path(__file__).parents[2]
REGISTRIES = ("py" + "pi.org", "python" + "hosted", "npm" + "js", "registry" + ".yarnpkg", "conda" + ".anaconda.org")
MACHINE_PATH = re.compile(rb"(?<![\w./:<-])/(?:" + b"work|ro" + b"ot)/")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Return the tracked files; skip where this is no checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("This is no git checkout: there are no tracked files to look at.")
    done = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True, cwd=ROOT, timeout=60)
    paths = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_no_tracked_file_names_a_registry_or_a_path_of_one_machine(tracked: list[Path]) -> None:
    """A lock with addresses would bind everybody to one host."""
    assert len(tracked) > 200
    hosts = [host.encode() for host in REGISTRIES]
    found = {}
    for path in tracked:
        content = path.read_bytes()
        bad = [host.decode() for host in hosts if host in content]
        bad += [match.group().decode() for match in MACHINE_PATH.finditer(content)]
        if bad:
            found[path.relative_to(ROOT).as_posix()] = bad
    assert found == {}


def test_the_rule_for_paths_can_fail() -> None:
    """It sees a path at the beginning of a word, and lets addresses and relative paths be."""
    assert MACHINE_PATH.search(b'open("/wo' + b'rk/main")')
    assert not MACHINE_PATH.search(b"https://example.test/wo" + b"rk/ or ./wo" + b"rk/")


def test_every_locked_dependency_has_a_hash_and_no_address() -> None:
    """``pip --require-hashes`` takes it as it is."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text)
    without = [b.split("==")[0] for b in blocks if "==" in b.split("\n")[0] and "--hash=sha256:" not in b]
    assert len(pinned) > 100
    assert without == []
    assert "://" not in text


def test_the_lock_holds_every_declared_dependency() -> None:
    """A dependency of pyproject.toml that the lock does not pin would be missing after `make`."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9._-]+)(?=[=\[])", text, re.MULTILINE))
    assert {name for name in environment.declared(ROOT / "pyproject.toml") if name not in pinned} == set()


def test_environment_yml_lists_the_same_set_as_pyproject() -> None:
    """Conda users get what everybody gets; ``make docs`` writes the file anew."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert text == environment.render(ROOT / "pyproject.toml"), "Run `make docs`."
    listed = yaml.safe_load(text)["dependencies"]
    plain = [entry for entry in listed if isinstance(entry, str)]
    by_pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    names = {environment.name_of(entry) for entry in [*plain, *by_pip]} - {"python", "pip", "-e ."}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {environment.on_conda(environment.name_of(e)) for e in environment.requirements(project)}
    assert names == declared


def test_versions_agree() -> None:
    """The Python versions of pyproject.toml, environment.yml and the set-up are the same."""
    assert 'requires-python = ">=3.11,<3.14"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "python>=3.11,<3.14" in (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert "(3, 11) <= sys.version_info[:2] < (3, 14)" in (ROOT / "tools/setup.sh").read_text(encoding="utf-8")
