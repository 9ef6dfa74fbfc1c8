"""Published peers run from their own packages on PetShop, each in an environment of its own below the peers' folder.

BARO (Pham et al., FSE 2024; package ``fse-baro``) ranks all metrics by robust deviation. dowhy's attribution of
outliers (Budhathoki et al., ICML 2022; package ``dowhy``) learns a structural causal model per case, as the authors of
PetShop ran it: missing values take the column's mean, the issue's third row is explained. Of ``target.json`` only the
target is read.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

PEERS = {"BARO": "baro", "dowhy attribution": "dowhy"}
"""Method -> folder of its environment."""
QUICK = ("BARO",)
LIMIT_S = 60
"""Of all cases together: one case takes dowhy a minute and a half of processor time, all of them more than an hour."""
_COMMON = """
import json, sys, warnings; warnings.filterwarnings('ignore')
import logging; logging.disable(logging.CRITICAL)
from pathlib import Path
import numpy as np, pandas as pd
TRIGGER = 2
def table(path):
    return pd.read_csv(path, header=[0, 1, 2], index_col=0).sort_index()
answers = {}
for scenario in sorted(p for p in Path(sys.argv[1]).iterdir() if (p / 'graph.csv').is_file()):
    matrix, normal = pd.read_csv(scenario / 'graph.csv', index_col=0), table(scenario / 'noissue' / 'metrics.csv')
    for issue in sorted(p for split in ('train', 'test') for p in (scenario / split).glob('issue_*')):
        target = json.loads((issue / 'target.json').read_text())['target']
        case = f'{scenario.name}/{issue.parent.name}/{issue.name}'
        answers[case] = ranking(matrix, normal.copy(), table(issue / 'metrics.csv'), target)
Path(sys.argv[2]).write_text(json.dumps(answers))
"""
_RANKING = {
    "BARO": """
def ranking(matrix, normal, rows, target):
    from baro.root_cause_analysis import robust_scorer
    both = [c for c in normal.columns if c in set(rows.columns)]
    usual = normal[both].mean()
    data = pd.concat([normal[both].fillna(usual), rows[both].iloc[TRIGGER:].fillna(usual)]).fillna(0.0)
    times = data.index.to_numpy()
    data.columns = [f'm{place}' for place in range(len(both))]
    data = data.reset_index(drop=True).assign(time=np.arange(len(times)))
    ranks = robust_scorer(data, inject_time=len(normal))['ranks']
    return list(dict.fromkeys(both[int(name[1:])][0] for name in ranks))
""",
    "dowhy attribution": """
import networkx as nx
def chosen(frame, target):
    columns = [c for c in frame.columns if c[1:] == (target['metric'], target['agg'])]
    part = frame[columns].copy()
    part.columns = [c[0] for c in columns]
    return part.fillna(part.mean())
def ranking(matrix, normal, rows, target):
    from dowhy import gcm
    gcm.config.disable_progress_bars()
    gcm.util.general.set_random_seed(7)
    calls = [(b, a) for a in matrix.index for b in matrix.columns if matrix.at[a, b]]
    graph = nx.DiGraph(calls)
    graph.add_nodes_from(matrix.index)
    usual, now = chosen(normal, target), chosen(rows, target)
    measured = set(now.columns)
    overall = usual.mean().mean()
    usual = usual.fillna(overall).reindex(columns=list(graph.nodes)).fillna(overall)
    now = now.reindex(columns=list(graph.nodes)).fillna(usual.mean()).iloc[TRIGGER:TRIGGER + 1]
    model = gcm.InvertibleStructuralCausalModel(graph)
    gcm.auto.assign_causal_mechanisms(model, usual, quality=gcm.auto.AssignmentQuality.BETTER)
    gcm.fit(model, usual)
    found = gcm.attribute_anomalies(
        model, target['node'], now, anomaly_scorer=gcm.anomaly_scorers.MeanDeviationScorer(),
        attribute_mean_deviation=True, shapley_config=gcm.shapley.ShapleyConfig(n_jobs=1))
    score = {node: float(np.nan_to_num(np.mean(v))) if node in measured else 0.0 for node, v in found.items()}
    return sorted(score, key=lambda node: (-score[node], str(node)))
""",
}


def rankings(method: str, folder: Path, peers: Path) -> dict[str, list[str]] | str:
    """Return the method's ranking of every case of PetShop's *folder*, or in words why there is none."""
    python = peers.absolute() / PEERS[method] / "bin" / "python"
    if not python.exists():
        return f"not run: no environment {PEERS[method]} below the peers' folder"
    with tempfile.TemporaryDirectory() as place:
        answer = Path(place) / "answer.json"
        env = {**os.environ, "DO_NOT_TRACK": "1", "MPLCONFIGDIR": place, "PYTHONPATH": ""}
        asked = [str(python), "-c", _RANKING[method] + _COMMON, str(folder), str(answer)]
        with subprocess.Popen(
            asked, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env, start_new_session=True
        ) as process:
            try:
                _, said = process.communicate(timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # with the workers that it began
                return f"not run: took longer than {LIMIT_S} s"
        if process.returncode or not answer.exists():
            return f"failed: {said.strip().rpartition(chr(10))[2][:100]}"
        told: dict[str, list[str]] = json.loads(answer.read_text())
        return told
