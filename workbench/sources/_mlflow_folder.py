"""MLflow's file store (``mlruns``): small YAML and text files in folders; none outside the folder is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from workbench.sources._json import figure, integer, mapping, parse, text, texts
from workbench.sources._mlflow_seen import SYSTEM, DataInput, ModelVersion, Run, Sample, Trace
from workbench.sources._mlflow_traces import trace_of

_STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_MOST_BYTES = 64 * 2**20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Folder:
    """Read one file store."""

    def __init__(self, path: Path) -> None:
        """Read below *path*."""
        self._root = path.resolve()

    def runs(self) -> Iterator[Run]:
        """Yield all runs, in the order of their start within an experiment."""
        for folder in self._experiments():
            experiment = text(self._yaml(folder / "meta.yaml").get("name"))
            found = [run for path in self._folders(folder) if (run := self._run(path, experiment)) is not None]
            yield from sorted(found, key=lambda run: (run.start_ms or 0, run.run_id))

    def _run(self, folder: Path, experiment: str | None) -> Run | None:
        meta = self._yaml(folder / "meta.yaml")
        run_id = text(meta.get("run_id") or meta.get("run_uuid"))
        if run_id is None:
            return None
        series = {name: self._samples(path, name) for name, path in self._below(folder / "metrics")}
        return Run(
            run_id, experiment, text(meta.get("run_name")), _STATUS.get(integer(meta.get("status")) or 0),
            integer(meta.get("start_time")), integer(meta.get("end_time")), self._texts(folder / "params"),
            self._texts(folder / "tags"), tuple(values[-1] for values in series.values() if values),
            tuple(self._inputs(folder)),
            tuple(value for name, values in series.items() if name.startswith(SYSTEM) for value in values),
        )  # fmt: skip

    def model_versions(self) -> Iterator[ModelVersion]:
        """Yield all versions of all models, oldest first."""
        found = []
        for model in self._folders(self._root / "models"):
            meta = self._yaml(model / "meta.yaml")
            aliases = self._texts(model / "aliases")
            for folder in self._folders(model):
                version = self._yaml(folder / "meta.yaml")
                name, number = text(version.get("name")), text(version.get("version"))
                if name is None or number is None:
                    continue
                found.append(ModelVersion(
                    name, number, text(version.get("run_id")), integer(version.get("creation_timestamp")),
                    integer(version.get("last_updated_timestamp")), text(version.get("status")),
                    text(version.get("current_stage")), self._texts(folder / "tags"),
                    tuple(sorted(alias for alias, to in aliases.items() if to == number)),
                    integer(meta.get("last_updated_timestamp")),
                ))  # fmt: skip
        yield from sorted(found, key=lambda v: (v.created_ms or 0, v.model, v.version))

    def traces(self) -> Iterator[Trace]:
        """Yield all traces with the spans that lie in the store."""
        for experiment in self._experiments():
            for folder in self._folders(experiment / "traces"):
                info = self._yaml(folder / "trace_info.yaml") | {
                    "trace_metadata": self._texts(folder / "request_metadata"), "tags": self._texts(folder / "tags"),
                }  # fmt: skip
                try:
                    spans = mapping(parse(self._content(folder / "artifacts" / "traces.json"))).get("spans")
                except ValueError:
                    spans = None
                trace = trace_of(info, spans)
                if trace is not None:
                    yield trace

    def _experiments(self) -> list[Path]:
        return [path for path in self._folders(self._root) if path.name != "models"]

    def _inputs(self, run: Path) -> Iterator[DataInput]:
        for link in self._folders(run / "inputs"):
            meta = self._yaml(link / "meta.yaml")
            source = text(meta.get("source_id"))
            if source is None or not source.isalnum():
                continue
            given = self._yaml(run.parent / "datasets" / source / "meta.yaml")
            name = text(given.get("name"))
            if name is not None:
                yield DataInput(
                    name, text(given.get("digest")), text(given.get("source")), text(given.get("schema")),
                    text(given.get("profile")), texts(meta.get("tags")),
                )  # fmt: skip

    def _samples(self, path: Path, name: str) -> list[Sample]:
        """Return the values of a metric, a line each: time in ms, value, step."""
        found = []
        for line in self._content(path).decode("utf-8", "replace").splitlines():
            time_ms, _, rest = line.partition(" ")
            time = integer(time_ms)
            if time is not None:
                found.append(Sample(name, time, figure(rest.partition(" ")[0])))
        return found

    def _texts(self, folder: Path) -> dict[str, str | None]:
        return {name: text(self._content(path).decode("utf-8", "replace")) for name, path in self._below(folder)}

    def _below(self, folder: Path) -> list[tuple[str, Path]]:
        """Return the files of a folder and its folders: names may hold slashes."""
        if not self._inside(folder) or not folder.is_dir():
            return []
        files = sorted(path for path in folder.rglob("*") if path.is_file() and self._inside(path))
        return [(path.relative_to(folder).as_posix(), path) for path in files]

    def _folders(self, folder: Path) -> list[Path]:
        if not self._inside(folder) or not folder.is_dir():
            return []
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))

    def _yaml(self, path: Path) -> dict[str, Any]:
        try:
            found: Mapping[str, Any] = mapping(yaml.load(self._content(path), _LOADER))
        except (yaml.YAMLError, ValueError, RecursionError):
            return {}
        return dict(found)

    def _content(self, path: Path) -> bytes:
        if not self._inside(path) or not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return b""
        return path.read_bytes()

    def _inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self._root)
