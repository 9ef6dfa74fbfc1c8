"""The reference pages say what the code says: each verb, setting, table and plugin has its section."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from tools import docs
from workbench import config, plugins
from workbench.model.tables import TABLES

ROOT = Path(__file__).parents[2]
PAGES = docs.pages()
WRITTEN = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
GROUP_PAGES = {
    "source": "reference/sources.md",
    "query": "reference/queries.md",
    "step": "reference/playbook.md",
    "signature": "reference/playbook.md",
    "fault": "reference/faults.md",
    "drift metric": "reference/drift-metrics.md",
}


def page(name: str) -> str:
    """Return a page as it stands below docs/."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    """``make docs`` writes them anew."""
    assert page(name) == PAGES[name], "Run `make docs`."


def test_each_verb_of_the_command_line_has_its_section() -> None:
    """Ten verbs or more."""
    verbs = docs.verbs()
    assert len(verbs) >= 10
    assert [verb for verb in verbs if f"\n## {verb}\n" not in page("cli.md")] == []


def test_each_setting_has_its_line_and_its_meaning() -> None:
    """A setting without words would be a guess."""
    shapes = (config.SourceSettings, config.TableSettings, config.ServerSettings, config.Prices, config.MaskSettings,
              config.HookSettings, config.ActSettings)  # fmt: skip
    names = {f.name for shape in shapes for f in dataclasses.fields(shape)} - {"table"} | {"as", "store", "zone"}
    lines = {name: re.search(rf"^\| `{name}` \|.*\|$", page("settings.md"), re.MULTILINE) for name in names}
    assert {name for name, line in lines.items() if line is None or line.group().endswith("|  |")} == set()


def test_each_table_and_each_of_its_columns_is_described() -> None:
    """Nothing is stored that the page does not explain."""
    text = page("tables.md")
    for name, table in TABLES.items():
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert [c.name for c in table.own_columns if f"| `{c.name}` |" not in section] == []


@pytest.mark.parametrize("group", sorted(GROUP_PAGES))
def test_each_plugin_has_its_section(group: str) -> None:
    """A file dropped in without `make docs` is found here."""
    text = page(GROUP_PAGES[group])
    missing = [n for n in plugins.names(group) if not re.search(rf"^(#+ {n}|\| `{n}` \|.*)$", text, re.MULTILINE)]
    assert missing == []


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    """Relative links name files of this repository; pictures are never fetched from elsewhere."""
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    gone = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert gone == []
    assert re.findall(r"!\[[^\]]*\]\(https?://", text) == []


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_verbs_that_pages_speak_of_exist(path: Path) -> None:
    """``workbench`` followed by a word in code is a verb; ``make`` followed by one stands in the Makefile."""
    found = re.findall(r"```\w*\n(.*?)```|`([^`\n]+)`", path.read_text(encoding="utf-8"), re.DOTALL)
    code = "\n".join("".join(pair) for pair in found)
    known = {verb.split()[1] for verb in docs.verbs()} | {"VERB"}
    spoken = set(re.findall(r"^\s*(?:\$ )?workbench ([a-z]+)\b", code, re.MULTILINE))
    assert spoken - known == set()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"^\s*(?:\$ )?make ([a-z-]+)\b", code, re.MULTILINE)) - targets == set()
