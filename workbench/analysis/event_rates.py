"""Which events of a service vanish or appear: spans, calls, log templates, and which line follows which.

Shares are taken per visit of the same kind, so that a service that is merely called less often has not changed.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MAX_TEMPLATE = 160
"""Characters of a template kept."""
_CLOCK = re.compile(r"^[\d:.,\-T ]+\s")
_IDS = re.compile(r"(?i)(trace|span)_?id: ?\S*")
_NUMBERED = re.compile(r"[\w.\-]*\d[\w.\-:]*")
_BRACKETED = re.compile(r"\[([^\]\[]*)\]")
_HEAD = 80


def template(line: str) -> str:
    """Return what stays the same in a log line: no clock, ids or numbers; of bracketed parts the words before a colon.

    At most three bracketed parts are kept, and ``MAX_TEMPLATE`` characters.
    """
    text = _NUMBERED.sub("#", _IDS.sub("", _CLOCK.sub("", line)))
    cut = text.find("[")
    head = text[:cut] if cut >= 0 else text[:_HEAD]
    parts = _BRACKETED.findall(text[cut:])[:3] if cut >= 0 else []
    return (head + "|".join(re.split("[:：]", part)[0] for part in parts))[:MAX_TEMPLATE]


def events(visited: pd.DataFrame, logs: pd.DataFrame) -> pd.DataFrame:
    """Return each event of each visit once: columns visit, event.

    *visited* is what ``visits`` returns; *logs* has the columns trace_id, span_id, time_ns, log. Lines of unknown spans
    are left out. ``next a -> b`` says that line b followed a: a loop that breaks off shows there only.
    """
    name, service = visited["name"].astype(str), visited["service"].astype(str)
    parts = [pd.DataFrame({"visit": visited["visit"], "event": "span " + name})]
    called = visited["parent_visit"] >= 0
    calls = ("call " + service + " " + name)[called]
    parts.append(pd.DataFrame({"visit": visited.loc[called, "parent_visit"], "event": calls}))
    place = pd.Series(visited["visit"].to_numpy(), index=pd.MultiIndex.from_frame(visited[["trace_id", "span_id"]]))
    of = place.reindex(pd.MultiIndex.from_frame(logs[["trace_id", "span_id"]])).to_numpy(float)
    known = np.isfinite(of)
    texts = logs["log"].astype(str)
    shape = texts.map({line: template(line) for line in texts.unique()})
    lines = pd.DataFrame({"visit": of[known].astype(np.int64), "time": logs["time_ns"].to_numpy()[known],
                          "shape": shape.astype("str").array[known]})  # fmt: skip
    lines = lines.sort_values(["visit", "time"], kind="stable", ignore_index=True)
    parts.append(pd.DataFrame({"visit": lines["visit"], "event": "log " + lines["shape"]}))
    follows = (lines["visit"] == lines["visit"].shift()).to_numpy()
    pairs = ("next " + lines["shape"].shift() + " -> " + lines["shape"])[follows]
    parts.append(pd.DataFrame({"visit": lines.loc[follows, "visit"], "event": pairs}))
    return pd.concat(parts, ignore_index=True).drop_duplicates()


def changed_events(visited: pd.DataFrame, seen: pd.DataFrame, quiet: list[str]) -> pd.DataFrame:
    """Return per service and window how far its most changed event moved, in quiet standard deviations, >= 0.

    *visited* has a column *window*; *seen* is what ``events`` returns. Per kind of visit and event, the share of
    visits with it is compared with that of the (other) quiet windows by the root of the likelihood ratio,
    divided by how much it moves between quiet windows where that is more than chance.
    """
    windows = sorted(visited["window"].unique())
    of = visited.loc[seen["visit"], ["service", "name", "window"]].reset_index(drop=True)
    table = of.assign(event=seen["event"].to_numpy()).groupby(["service", "name", "event", "window"]).size()
    having = table.unstack(fill_value=0).reindex(columns=windows, fill_value=0)
    kinds = visited[visited["entry"]].groupby(["service", "name", "window"]).size().unstack(fill_value=0)
    kind = pd.MultiIndex.from_arrays([having.index.get_level_values(0), having.index.get_level_values(1)])
    total = kinds.reindex(columns=windows, fill_value=0).reindex(kind).to_numpy(float)
    met, calm = having.to_numpy(float), np.isin(windows, quiet)
    # A quiet window is compared with the others, not with itself.
    others = met[:, calm].sum(axis=1, keepdims=True) - met * calm
    of_others = total[:, calm].sum(axis=1, keepdims=True) - total * calm
    moved = _root_ratio(met, total, others, of_others)
    usual = np.sqrt((moved[:, calm] ** 2).mean(axis=1, keepdims=True))
    score = pd.DataFrame(moved / np.maximum(usual, 1.0), columns=windows)
    result: pd.DataFrame = score.groupby(having.index.get_level_values(0).to_numpy()).max()
    return result


def _root_ratio(
    met: NDArray[np.float64], total: NDArray[np.float64], others: NDArray[np.float64], of_others: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the root of the likelihood ratio of a two by two table, per cell. Shapes (events, windows)."""
    everything, row = np.maximum(total + of_others, 1.0), met + others
    gain = np.zeros_like(met)
    for seen, side, of in ((met, total, row), (others, of_others, row), (total - met, total, everything - row),
                           (of_others - others, of_others, everything - row)):  # fmt: skip
        expected = np.maximum(side * of / everything, 1e-12)
        gain += np.where(seen > 0, seen * np.log(np.maximum(seen, 1e-12) / expected), 0.0)
    return np.sqrt(np.maximum(2 * gain, 0.0))
