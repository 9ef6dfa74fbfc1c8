"""Write the reference pages below docs/ from the code: ``python -m tools.docs``. A test compares them."""

from __future__ import annotations

import ast
import dataclasses
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from workbench import config, config_comments, plugins
from workbench.cli import EXIT_CODES, application
from workbench.model.tables import PROVENANCE, TABLES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
_WRITTEN = "<!-- Written by `make docs` from the code; do not edit. -->\n"


def pages() -> dict[str, str]:
    """Return every generated page: file name -> text."""
    makers: Mapping[str, Callable[[], str]] = {
        "cli.md": cli,
        "settings.md": settings,
        "tables.md": tables,
        "reference/sources.md": sources,
        "reference/queries.md": queries,
        "reference/drift-metrics.md": drift_metrics,
        "reference/playbook.md": playbook,
        "reference/faults.md": faults,
    }
    return {name: _WRITTEN + re.sub(r"\n{3,}", "\n\n", make().strip()) + "\n" for name, make in makers.items()}


# -- the command line ------------------------------------------------------------------------------------------------


def cli() -> str:
    """Describe each verb: what it does, its arguments and options, its examples."""
    command = typer.main.get_command(application())
    words = " ".join(EXIT_CODES.split())
    verbs = "\n\n".join(_verb(name, verb) for name, verb in _verbs(command, "workbench"))
    return (
        "# Command line\n\n`workbench VERB --help` shows the same. `workbench --install-completion` completes verbs "
        f"and options in your shell.\n\n{words}\n\n{verbs}"
    )


def verbs() -> list[str]:
    """Return every verb with its family, such as ``workbench case list``."""
    return [name for name, _ in _verbs(typer.main.get_command(application()), "workbench")]


def _verbs(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for word, inner in sorted(below.items()):
        yield from _verbs(inner, f"{name} {word}")


def _verb(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join([name, *(_argument(a) for a in arguments), *(["[OPTIONS]"] if options else [])])
    rows = [(f"`{_argument(a)}`", _default(a), a.help or "") for a in arguments]
    rows += [(", ".join(f"`{o}`" for o in [*p.opts, *p.secondary_opts]), _default(p), p.help or "") for p in options]
    parts = [f"## {name}", _text(command.help), f"```\n{usage}\n```"]
    if rows:
        parts.append(_table(("argument or option", "default", "meaning"), rows))
    if command.epilog:
        parts.append(_examples(command.epilog))
    return "\n\n".join(parts)


def _argument(parameter: Any) -> str:
    name = str(parameter.name).upper() + ("..." if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required or value is None or value is False or callable(value):
        return ""
    return f"`{value}`"


def _examples(epilog: str) -> str:
    """Return examples as a code block, and sentences after them as text."""
    lines = [line.rstrip() for line in textwrap.dedent(epilog).strip().splitlines()]
    code = [re.sub(r"^Examples?:\s*", "", line).strip() for line in lines if not line.startswith("Exit codes")]
    rest = [line for line in lines if line.startswith("Exit codes")]
    block = "\n".join(line for line in code if line)
    return "\n\n".join([f"```\n{block}\n```", *rest])


# -- settings --------------------------------------------------------------------------------------------------------


def settings() -> str:
    """Describe each setting of workbench.toml with its type, default and meaning."""
    sections = {
        "At the top": config.Settings,
        "`[[sources]]`": config.SourceSettings,
        "`[[tables]]`": config.TableSettings,
        "`[server]`": config.ServerSettings,
        "`[prices]`": config.Prices,
        "`[mask]`": config.MaskSettings,
        "`[exports]`": config.ExportSettings,
        "`[[hooks]]`": config.HookSettings,
        "`[act]`": config.ActSettings,
    }
    words = _field_words(Path(config.__file__))
    parts = [
        "# Settings",
        "`workbench init` writes a commented `workbench.toml`; without one the defaults below hold. It is read once, a "
        "misspelt name or a value of another type is refused with the place. A secret never stands in it: write "
        "`env:NAME` or `file:PATH`, which are looked up when they are needed.",
    ]
    for title, shape in sections.items():
        rows = [
            (
                f"`{'as' if f.name == 'table' else f.name}`",
                _type(f),
                _field_default(f) if shape is not config.HookSettings or f.name != "name" else "required",
                words[shape.__name__].get(f.name, ""),
            )
            for f in dataclasses.fields(shape)
            if f.name not in {"server", "prices", "mask", "exports", "sources", "tables", "hooks", "act"}
        ]
        parts += [f"## {title}", _text(shape.__doc__), _table(("setting", "type", "default", "meaning"), rows)]
    parts += ["## The file that `workbench init` writes", f"```toml\n{config_comments.COMMENTED}```"]
    return "\n\n".join(parts)


def _type(field: dataclasses.Field[Any]) -> str:
    words = {
        "str": "text",
        "int": "number",
        "float": "number",
        "bool": "true, false",
        "tuple[str, ...]": "list of texts",
    }
    kind = str(field.type).removesuffix(" | None")
    return words.get(kind, "table")


def _field_default(field: dataclasses.Field[Any]) -> str:
    if field.name == "name":
        return "the kind"
    if field.default is dataclasses.MISSING:
        return "" if field.default_factory is not dataclasses.MISSING else "required"
    if field.default is None or field.default == ():
        return "none"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _field_words(path: Path) -> dict[str, dict[str, str]]:
    """Return what stands below each field of each class of a module: class -> field -> words."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = {
                str(before.target.id): " ".join(str(after.value.value).split())
                for before, after in zip(node.body, node.body[1:], strict=False)
                if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name)
                and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            }  # fmt: skip
    return found


# -- tables and plugins ----------------------------------------------------------------------------------------------


def tables() -> str:
    """Describe each declared table with its key and columns."""
    parts = [
        "# Tables",
        "Every row stands in a declared table. Times are integer nanoseconds UTC, trace ids are 32 hex digits, unknown "
        "is null and never 0. Rows with an equal key (environment included) are one row.",
        "Every table begins with `environment` and ends with where the row came from:",
        _table(("column", "type", "meaning"), [(f"`{c.name}`", c.type, c.doc) for c in PROVENANCE]),
    ]
    for name, table in TABLES.items():
        facts = [f"Key: {', '.join(f'`{k}`' for k in table.key)}."]
        facts += [f"A row's day: `{table.partition}`."] if table.partition else ["Kept whole."]
        facts += (
            [f"Of rows with one key, the one with the latest `{table.latest_by}` counts."] if table.latest_by else []
        )
        rows = [(f"`{c.name}`", c.type, "yes" if c.required else "", c.doc) for c in table.own_columns]
        parts += [
            f"## {name}",
            f"{table.doc} {' '.join(facts)}",
            _table(("column", "type", "required", "meaning"), rows),
        ]
    return "\n\n".join(parts)


def sources() -> str:
    """Describe each source: what it reads, and whether it can be pulled."""
    parts = [
        "# Sources",
        "One outside system a file of `workbench/sources`; third parties add theirs by an entry point in "
        "`incident_workbench.sources`. Files are recognised by their content. How each reads: "
        "[sources](../sources.md), [OpenTelemetry](../sources-otlp.md).",
    ]
    for name, source in plugins.load_all("source").items():
        live = "can be pulled as a `[[sources]]` section" if source.pull else "files and senders only"
        fills = ", ".join(f"`{table}`" for table in source.reads)
        parts += [f"## {name}", f"**{source.title}.** {source.doc}", f"Fills {fills}. Live: {live}."]
    return "\n\n".join(parts)


def queries() -> str:
    """Describe each named query: arguments and answer."""
    parts = [
        "# Named queries",
        "All questions of bulk rows: `bench.store.ask(name, **arguments)` answers with an Arrow table.",
    ]
    for name, query in plugins.load_all("query").items():
        parts += [f"## {name}", _text(query.doc)]
        if query.arguments:
            parts.append(_table(("argument", "meaning"), [(f"`{a}`", doc) for a, doc in query.arguments.items()]))
        if query.columns:
            parts.append(
                _table(("column of the answer", "meaning"), [(f"`{c}`", doc) for c, doc in query.columns.items()])
            )
    return "\n\n".join(parts)


def drift_metrics() -> str:
    """Describe each drift metric with its threshold and reference."""
    rows = [
        (f"`{name}`", metric.title, metric.unit, f"{metric.threshold:g}", str(metric.min_rows), metric.reference)
        for name, metric in plugins.load_all("drift metric").items()
    ]
    head = ("name", "metric", "unit", "drifts at", "rows needed", "reference")
    return "# Drift metrics\n\nEach scores two distributions of one column.\n\n" + _table(head, rows)


def playbook() -> str:
    """Describe the steps in their order, and the failure signatures."""
    steps = sorted(plugins.load_all("step").items(), key=lambda item: (item[1].number, item[0]))
    parts = [
        "# Playbook",
        "`workbench investigate` asks these questions in order; each is a verb of a case.",
        "## Steps",
    ]
    for name, step in steps:
        needs = ", ".join(f"`{table}`" for table in step.needs) or "nothing"
        parts += [f"### {name}", f"**{step.number}. {step.question}** {step.why} Needs: {needs}."]
    parts += ["## Signatures", "The failure modes that a cause can be; a cause's kind is a signature's name."]
    for name, signature in plugins.load_all("signature").items():
        parts += [
            f"### {name}",
            f"**{signature.title}.** {signature.pattern}",
            "\n".join([
                f"- Confirmed by: {'; '.join(signature.confirms)}.",
                f"- Refuted by: {'; '.join(signature.refutes)}.",
                f"- Fix: {signature.fix}",
                f"- Roll back: {signature.rollback}",
                f"- Guard: {signature.guard} {signature.lead_time}",
            ]),
        ]  # fmt: skip
    return "\n\n".join(parts)


def faults() -> str:
    """Describe each fault that a scenario can plant."""
    parts = [
        "# Faults",
        "`workbench scenario create NAME --seed N --out DIR` writes an incident only as files of third parties, and a "
        "sealed `truth.json` that nothing but the scorer reads. Variants: `cause`, `no_cause` (the alert stands for "
        "nothing), `decoy` (a loud harmless change at the same time), `two_cause`. More: [scenarios](../scenarios.md).",
    ]
    for name, fault in plugins.load_all("fault").items():
        parts += [f"## {name}", f"**{fault.title}.** {fault.doc}"]
    return "\n\n".join(parts)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _text(words: str | None) -> str:
    return textwrap.dedent(words or "").strip()


if __name__ == "__main__":
    for page, content in pages().items():
        (DOCS / page).write_text(content, encoding="utf-8")
