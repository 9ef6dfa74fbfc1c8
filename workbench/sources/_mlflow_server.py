"""A live MLflow tracking server, asked over its REST interface, in steps that a cursor remembers.

MLflow's own client is not used: its import takes three seconds, and it waits 120 s seven
times where a server hangs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.sources._http import Peer
from workbench.sources._json import integer, mapping, objects, text
from workbench.sources._mlflow_seen import DataInput, ModelVersion, Run, Trace, pairs, samples, system_keys
from workbench.sources._mlflow_traces import trace_of

_V2, _V3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
_PAGE = 500
_TRACES_A_CALL = 50


class Server:
    """Read one tracking server."""

    def __init__(self, peer: Peer) -> None:
        """Ask *peer*."""
        self._peer = peer

    def experiments(self) -> dict[str, str]:
        """Return the names of all experiments by id."""
        found = self._pages("experiments", f"{_V2}/experiments/search", {})
        return {str(e["experiment_id"]): text(e.get("name")) or "" for e in found if e.get("experiment_id")}

    def runs(self, experiments: Mapping[str, str], since_ms: int, running: list[str]) -> Iterator[Run]:
        """Yield runs begun since *since_ms*, then those of *running*, which may have gone on."""
        seen = set()
        asked = {
            "experiment_ids": list(experiments), "run_view_type": "ALL", "order_by": ["attributes.start_time ASC"],
            "filter": f"attributes.start_time >= {since_ms}",
        }  # fmt: skip
        for sent in self._pages("runs", f"{_V2}/runs/search", asked) if experiments else ():
            run = self._run(sent, experiments)
            if run is not None:
                seen.add(run.run_id)
                yield run
        for run_id in running:
            if run_id not in seen:
                answer = self._peer.get(f"{_V2}/runs/get", {"run_id": run_id})
                run = self._run(mapping(mapping(answer).get("run")), experiments)
                if run is not None:
                    yield run

    def model_versions(self) -> list[ModelVersion]:
        """Return all versions of all models, oldest first, each with the aliases that point to it."""
        registered = self._pages("registered_models", f"{_V2}/registered-models/search", {}, "GET")
        models = {str(model["name"]): model for model in registered if model.get("name")}
        found = []
        for sent in self._pages("model_versions", f"{_V2}/model-versions/search", {}, "GET"):
            name, version = text(sent.get("name")), text(sent.get("version"))
            if name is None or version is None:
                continue
            model = mapping(models.get(name))
            aliases = [text(a.get("alias")) for a in objects(model.get("aliases")) if text(a.get("version")) == version]
            found.append(ModelVersion(
                name, version, text(sent.get("run_id")), integer(sent.get("creation_timestamp")),
                integer(sent.get("last_updated_timestamp")), text(sent.get("status")), text(sent.get("current_stage")),
                pairs(sent.get("tags")), tuple(sorted(filter(None, aliases))),
                integer(model.get("last_updated_timestamp")),
            ))  # fmt: skip
        return sorted(found, key=lambda v: (v.created_ms or 0, v.model, v.version))

    def traces(self, experiments: Mapping[str, str], since_ms: int) -> Iterator[tuple[list[Trace], int]]:
        """Yield traces begun since *since_ms*, in their order, with the begin of the last in ms."""
        where = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": e}} for e in experiments]
        asked = {"locations": where, "filter": f"timestamp_ms >= {since_ms}", "order_by": ["timestamp_ms ASC"]}
        waiting: list[Mapping[str, Any]] = []
        for sent in self._pages("traces", f"{_V3}/traces/search", asked) if where else ():
            waiting.append(sent)
            if len(waiting) == _TRACES_A_CALL:
                yield self._whole(waiting)
                waiting = []
        if waiting:
            yield self._whole(waiting)

    def version(self) -> str:
        """Return the server's version."""
        return self._peer.text("/version").decode("utf-8", "replace").strip()[:40]

    def _pages(self, key: str, path: str, asked: Mapping[str, Any], verb: str = "POST") -> Iterator[Mapping[str, Any]]:
        token, size = "", 100 if verb == "GET" or key == "traces" else _PAGE
        while True:
            page = {**asked, "max_results": size, **({"page_token": token} if token else {})}
            answer = mapping(self._peer.post(path, page) if verb == "POST" else self._peer.get(path, page))
            yield from objects(answer.get(key))
            following = text(answer.get("next_page_token")) or ""
            if not following or following == token:
                return
            token = following

    def _run(self, sent: Mapping[str, Any], experiments: Mapping[str, str]) -> Run | None:
        info, logged = mapping(sent.get("info")), mapping(sent.get("data"))
        run_id = text(info.get("run_id") or info.get("run_uuid"))
        if run_id is None:
            return None
        last = samples(logged.get("metrics"))
        system = [sample for key in system_keys(last) for sample in self._history(run_id, key)]
        return Run(
            run_id, experiments.get(str(info.get("experiment_id"))), text(info.get("run_name")),
            text(info.get("status")), integer(info.get("start_time")), integer(info.get("end_time")) or None,
            pairs(logged.get("params")), pairs(logged.get("tags")), last,
            tuple(_inputs(mapping(sent.get("inputs")).get("dataset_inputs"))), tuple(system),
        )  # fmt: skip

    def _history(self, run_id: str, key: str) -> Iterator[Any]:
        asked = {"run_id": run_id, "metric_key": key}
        yield from samples(list(self._pages("metrics", f"{_V2}/metrics/get-history", asked, "GET")))

    def _whole(self, infos: list[Mapping[str, Any]]) -> tuple[list[Trace], int]:
        asked = [("trace_ids", info.get("trace_id")) for info in infos]
        answer = mapping(self._peer.get(f"{_V3}/traces/batchGet", asked))
        spans = {
            mapping(t.get("trace_info")).get("trace_id"): t.get("spans") for t in objects(answer.get("traces"))
        }  # fmt: skip
        traces = [t for i in infos if (t := trace_of(i, spans.get(i.get("trace_id")))) is not None]
        newest = max((t.time_ns // 1_000_000 for t in traces if t.time_ns is not None), default=0)
        return traces, newest


def _inputs(sent: object) -> Iterator[DataInput]:
    for each in objects(sent):
        dataset = mapping(each.get("dataset"))
        name = text(dataset.get("name"))
        if name is not None:
            yield DataInput(
                name, text(dataset.get("digest")), text(dataset.get("source")), text(dataset.get("schema")),
                text(dataset.get("profile")), pairs(each.get("tags")),
            )  # fmt: skip
