"""How many users were in reach of an incident: estimated from ids in the evidence, or from a count that was sent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.window import SECOND_NS, Window
from workbench.report.document import UNKNOWN, Sentence
from workbench.report.reading_case import CaseReader
from workbench.report.words import duration, number

LABEL = "Users"
LEAST_IDS = 10
"""Rows with an id below which nothing is estimated."""
_LIKELIHOOD_95 = 1.92
"""Half the 95 % point of chi-squared with one degree of freedom."""
_WHO = r"(?:end)?(?:user|customer|client|account|member|subscriber|visitor|cardholder|applicant|borrower)"
_ID = re.compile(rf"(?:^|_){_WHO}_?(?:id|ref|key|uuid|hash|number|no)?$")
_MANY = re.compile(
    rf"(?:^|_){_WHO}s(?:_(?:count|active|affected|total))?$|(?:^|_)(?:distinct|unique|active)_{_WHO}s?\b"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TIMES = ("time_ns", "start_ns", "bucket_ns")
_REQUESTS = ("trace_id", "prediction_id", "row_id")


@dataclass(frozen=True)
class Estimate:
    """Hold a number of users with its 95 % interval."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class _Ids:
    """Ids of users in the rows of one frozen answer inside the stretch, one a request."""

    ids: pd.Series
    name: str
    evidence: str


def users(of: CaseReader, stretch: Window, made: int | None, chips: tuple[str, ...]) -> Sentence:
    """Return how many users had a decision or request in the stretch, of *made* decisions; unknown where nothing says.

    Ids are counted where each decision carries one, and the users behind those that do not are estimated from how
    often the others return. A count that somebody sends is given as its mean an interval.
    """
    found = max(_ids(of, stretch), key=lambda f: (len(f.ids), f.evidence), default=None)
    if found is not None and len(found.ids) >= LEAST_IDS:
        return _from_ids(found, made, chips)
    counted = next(_counts(of, stretch), None)
    if counted is not None:
        return counted
    bound = "" if made is None else f"; {made:,} decisions bound it, since a decision is about one user at most"
    return Sentence(f"{UNKNOWN}: the evidence holds neither ids of users nor a count of them{bound}.", chips, LABEL)


def _from_ids(found: _Ids, made: int | None, chips: tuple[str, ...]) -> Sentence:
    seen, rows = int(found.ids.nunique()), len(found.ids)
    whole = max(made or rows, rows)
    read = tuple(dict.fromkeys((found.evidence, *chips)))
    if rows == whole:
        return Sentence(f"{seen:,} users are behind the {rows:,} decisions or requests of the stretch, each with its "
                        f"{found.name}.", read, LABEL)  # fmt: skip
    about = estimate(found.ids.value_counts().to_numpy(), rows / whole)
    return Sentence(f"about {round(about.middle):,} (95 % interval {round(about.low):,} to {round(about.high):,}), "
                    f"estimated from the {seen:,} users in {rows:,} of {whole:,} decisions whose {found.name} is in "
                    "the evidence.", read, LABEL)  # fmt: skip


def estimate(often: np.ndarray, share: float) -> Estimate:
    """Return how many users there are, from how often each was seen in a share 0..1 of all requests.

    *often* has shape ``(users seen,)``. Requests a user are taken as negative binomial, of any unevenness, thinned by
    the share; what is unlikely by less than a 95 % likelihood ratio gives the interval, to which the chance of being
    seen is added. Each request that was not read adds one user at most.
    """
    seen, rows = len(often), int(often.sum())
    most = seen + max(rows / share - rows, 0.0)
    likely, ratio = _likelihoods(often, share)
    held = likely >= likely.max() - _LIKELIHOOD_95
    best = np.unravel_index(int(np.argmax(likely)), likely.shape)
    middle, low, high = (seen * float(v) for v in (ratio[best], ratio[held].min(), ratio[held].max()))
    by_chance = 1.96 * math.sqrt(middle * max(middle / seen - 1.0, 0.0))
    return Estimate(max(middle - math.hypot(middle - low, by_chance), seen), min(middle, most),
                    min(middle + math.hypot(high - middle, by_chance), most))  # fmt: skip


def _likelihoods(often: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return per unevenness and mean, shapes ``(40, 200)``, the log-likelihood and all users for one that was seen."""
    from scipy.stats import nbinom

    times, users = np.unique(often, return_counts=True)
    size = np.geomspace(0.1, 1000.0, 40)[:, None]
    mean = np.geomspace(0.02, 20.0 * float(often.mean()) / share, 200)[None, :]
    none, seen_none = ((size / (size + mean * part)) ** size for part in (1.0, share))
    thinned = size / (size + mean * share)
    told = sum(n * nbinom.logpmf(k, size, thinned) for k, n in zip(times, users, strict=True))
    return told - users.sum() * np.log1p(-seen_none), (1.0 - none) / (1.0 - seen_none)


def _ids(of: CaseReader, stretch: Window) -> Iterator[_Ids]:
    """Yield the ids of users that frozen answers hold inside the stretch, by column or by key of a map."""
    for item in of.bundle.frozen:
        frozen = of.frozen(item.id)
        rows = None if frozen is None else _inside(frozen[0], stretch)
        if frozen is None or rows is None or rows.empty:
            continue
        for name, values in _named(rows, frozen[1]):
            known = values.dropna()
            known = known[known.astype(str).str.len() > 0]
            request = next((c for c in _REQUESTS if c in rows.columns), None)
            if request is not None:
                known = known[~rows.loc[known.index, request].duplicated()]
            if len(known):
                yield _Ids(known.astype(str), name, item.id)


def _inside(rows: pd.DataFrame, stretch: Window) -> pd.DataFrame | None:
    column = next((c for c in _TIMES if c in rows.columns), None)
    if column is None:
        return None
    return rows[(rows[column] >= stretch.start_ns) & (rows[column] < stretch.end_ns)]


def _named(rows: pd.DataFrame, asked: Mapping[str, Any]) -> Iterator[tuple[str, pd.Series]]:
    """Yield columns that hold an id of a user, and values of maps under a key that names one."""
    asides = {f"{kind}.{i}": str(name) for kind in ("texts", "numbers") for i, name in enumerate(asked.get(kind) or ())}
    for column in rows.columns:
        name = asides.get(str(column), str(column))
        values = rows[column]
        if is_id(name):
            yield name, values
        elif values.map(lambda v: isinstance(v, dict)).any():
            maps = values.map(lambda v: v if isinstance(v, dict) else {})
            for key in sorted({k for cell in maps for k in cell if is_id(str(k))}):
                yield str(key), maps.map(lambda cell, key=key: cell.get(key))


def is_id(name: str) -> bool:
    """Say whether a name is one under which ids of users stand: user_id, enduser.id, customerRef.

    >>> is_id("enduser.id"), is_id("customerRef"), is_id("user_age_days"), is_id("username")
    (True, True, False, False)
    """
    return bool(_ID.search(_plain(name)))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", _CAMEL.sub("_", name).lower())


def _counts(of: CaseReader, stretch: Window) -> Iterator[Sentence]:
    """Yield what a metric, a business figure or a column that counts users says of the stretch."""
    for item in of.bundle.frozen:
        frozen = of.frozen(item.id)
        rows = None if frozen is None else _inside(frozen[0], stretch)
        if rows is None or rows.empty:
            continue
        for name, values in _many(rows):
            per = values.groupby(level=0).sum().dropna()
            if len(per) < 2:
                continue
            every = int(np.median(np.diff(per.index.to_numpy(dtype="int64"))))
            yield Sentence(_mean(name, per.to_numpy(dtype=float), every), (item.id, "J0"), LABEL)


def _many(rows: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Yield counts of users by time: of a metric or figure by its name, else of a column that is named so."""
    time = next(c for c in _TIMES if c in rows.columns)
    for key in ("metric", "kpi"):
        if key in rows.columns and "value" in rows.columns:
            for name, group in rows.groupby(key, sort=True):
                if _MANY.search(_plain(str(name))):
                    whole = group[group["segment"] == ""] if "segment" in group.columns else group
                    yield str(name), (whole if len(whole) else group).set_index(time)["value"].astype(float)
    for column in rows.columns:
        if _MANY.search(_plain(str(column))) and pd.api.types.is_numeric_dtype(rows[column]):
            yield str(column), rows.set_index(time)[column].astype(float)


def _mean(name: str, per: np.ndarray, every_ns: int) -> str:
    from scipy.stats import t

    middle = float(per.mean())
    half = float(t.ppf(0.975, len(per) - 1) * per.std(ddof=1) / math.sqrt(len(per)))
    low = max(middle - half, 0.0)
    return (f"about {number(middle)} each {duration(max(every_ns, SECOND_NS))} (95 % interval {number(low)} to "
            f"{number(middle + half)}), by {name} in {len(per):,} intervals of the stretch; at least "
            f"{number(float(per.max()))} and at most {number(float(per.sum()))} different ones.")  # fmt: skip
