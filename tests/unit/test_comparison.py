"""Two windows of a table: what drifted, in which words, driven by which rows."""

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.comparison import compare, compare_frames, score_frames, strip
from workbench.analysis.drift_decision import Policy
from workbench.analysis.drivers import drivers
from workbench.analysis.profile_frames import profile_frame
from workbench.analysis.profile_history import History
from workbench.analysis.profiles import count_levels, count_numbers, teach
from workbench.errors import UsageError
from workbench.model.grid import LEVELS
from workbench.model.window import DAY_NS, HOUR_NS

N = 5000


def table(rng: np.random.Generator, n: int = N) -> pd.DataFrame:
    return pd.DataFrame({
        "amount": rng.lognormal(3, 1, n), "hour": rng.binomial(23, 0.4, n), "score": rng.beta(2, 5, n),
        "category": rng.choice(["food", "rent", "fuel", "toys"], n, p=[0.4, 0.3, 0.2, 0.1]),
        "region": rng.choice(["a", "b", "c"], n), "version": rng.choice(["41", "42"], n),
    })  # fmt: skip


def words(reference: pd.DataFrame, current: pd.DataFrame) -> str:
    return " ".join(compare_frames(reference, current, look_for_drivers="no").sentences())


def test_quiet_frames_say_so() -> None:
    """20 quiet comparisons of 6 columns: at most 3 raise any alarm at 5 %."""
    rng = np.random.default_rng(1)
    alarms = [compare_frames(table(rng), table(rng), look_for_drivers="no").decision.drifted for _ in range(20)]
    assert sum(map(bool, alarms)) <= 3


@pytest.mark.parametrize(("factor", "word"), [(100, "x100"), (1000, "x1000"), (0.01, "/100")])
def test_a_change_of_unit_is_said(factor: float, word: str) -> None:
    rng = np.random.default_rng(2)
    now = table(rng)
    now["amount"] *= factor
    assert f"amount looks multiplied: {word} " in words(table(rng), now)


def test_a_shifted_time_zone_is_said() -> None:
    rng = np.random.default_rng(3)
    now = table(rng)
    now["hour"] = (now["hour"] + 5) % 24
    assert "hour is shifted by +5 h" in words(table(rng), now)


def test_new_vanished_and_renamed_levels_are_named() -> None:
    rng = np.random.default_rng(4)
    before, renamed, new, gone = table(rng), table(rng), table(rng), table(rng)
    renamed["category"] = renamed["category"].replace({"fuel": "Fuel "})
    new.loc[:250, "category"] = "provider_zeta"
    gone = gone[gone["category"] != "toys"]
    assert "'fuel' became 'Fuel '" in words(before, renamed)
    assert "new level 'provider_zeta' in 5 % of rows" in words(before, new)
    assert "'toys' vanished" in words(before, gone)


def test_nulls_are_scored_and_policies_named() -> None:
    rng = np.random.default_rng(5)
    now = table(rng)
    now.loc[rng.random(N) < 0.3, "score"] = np.nan
    found = compare_frames(table(rng), now, look_for_drivers="no")
    row = found.columns.set_index("column").loc["score"]
    assert row["verdict"] == "drifted"
    assert "29 % of score is missing" in row["words"]
    assert row["policies"] == "nulls_above_5_percent"
    strict = compare_frames(table(rng), now, look_for_drivers="no", policies=[Policy("any", "null_rate", 0.0)])
    assert strict.columns.set_index("column").loc["score", "policies"] == "any"


def test_what_is_certain_and_below_the_floor_is_small_and_no_alarm() -> None:
    """A mean that moves by 0.008 deviations (KS .0035) and 0.1 % of nulls among a million rows: certain, no alarm."""
    rng = np.random.default_rng(3)
    n = 1_000_000
    before, now = ({"x": rng.normal(size=n), "kind": rng.choice(list("abc"), n), "z": rng.normal(size=n)} for _ in "ab")
    frames = pd.DataFrame(before), pd.DataFrame(now)
    frames[1]["x"] += 0.008
    frames[1].loc[rng.random(n) < 0.001, "z"] = np.nan
    found = compare_frames(*frames, look_for_drivers="no")
    assert found.decision.drifted == ()
    assert found.decision.small == ("z", "x")
    assert list(found.columns["verdict"]) == ["small", "small", "ok"]
    assert found.words[0].endswith("0.00% to 0.10% missing, an alarm from 0.20% more or less")
    assert found.words[1].startswith("x differs for certain, but little: mean ")
    assert found.caption().endswith("Small but certain, below what is an alarm: z, x.")
    assert compare_frames(*frames, look_for_drivers="no", floor=0.001).decision.drifted == ("x",)


def test_a_missing_or_short_column_is_no_drift() -> None:
    rng = np.random.default_rng(6)
    found = compare_frames(table(rng), table(rng).head(10), look_for_drivers="no").columns
    assert set(found["verdict"]) == {"too few rows"}
    empty = compare_frames(table(rng), table(rng).head(0), look_for_drivers="no").columns
    assert set(empty["verdict"]) == {"silent"}


@pytest.mark.parametrize("seed", range(4))
def test_the_planted_single_and_pair_drive_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, single, pair = table(rng, 20_000), table(rng, 20_000), table(rng, 20_000)
    single.loc[single["category"] == "toys", "amount"] *= 2
    pair.loc[(pair["version"] == "42") & (pair["region"] == "c"), "amount"] *= 2
    one, two = drivers(before, single, "amount"), drivers(before, pair, "amount")
    assert one["segment"].iloc[0] == "category = toys"
    assert one["explained"].iloc[0] > 0.85
    assert set(two["segment"].iloc[0].split(" and ")) == {"version = 42", "region = c"}
    assert one["overlaps"].iloc[0] == ""


def history(rng: np.random.Generator, hours: int = 24 * 28, per: int = 60, last: float = 1.0) -> History:
    starts = np.arange(hours) * HOUR_NS
    sizes = np.full(hours, per)
    sizes[-6:] = round(per * last)
    n = int(sizes.sum())
    walk = np.repeat(np.convolve(rng.normal(size=hours), np.ones(6), "same"), sizes) * 0.4
    frame = {"plain": rng.normal(size=n), "walk": rng.normal(size=n) + walk}
    place = {"starts": starts, "ends": starts + HOUR_NS, "sizes": sizes}
    found = [count_numbers(name, x, teach(x), **place) for name, x in frame.items()]
    codes = rng.integers(0, 3, n)
    return History([*found, count_levels("kind", codes, ["a", "b", "c"], LEVELS, **place)])


def test_columns_that_wander_are_judged_by_their_own_quiet_windows() -> None:
    """A column that wanders hour by hour is no drift: its null is widened more than twofold."""
    quiet = [history(np.random.default_rng(s)) for s in range(8)]
    end = 24 * 28 * HOUR_NS
    current = [(end - 6 * HOUR_NS, end)]
    baseline = [(s - d * DAY_NS, e - d * DAY_NS) for d in range(1, 27) for s, e in current]
    found = [compare(h, baseline, current) for h in quiet]
    assert sum("walk" in c.decision.drifted for c in found) <= 1
    assert all(c.columns.set_index("column").loc["walk", "widened"] > 2 for c in found)


def test_rows_that_fall_and_a_table_that_falls_silent() -> None:
    end = 24 * 28 * HOUR_NS
    current = [(end - 6 * HOUR_NS, end)]
    baseline = [(s - d * DAY_NS, e - d * DAY_NS) for d in range(1, 27) for s, e in current]
    found = compare(history(np.random.default_rng(1), last=0.3), baseline, current)
    assert found.decision.rows_verdict == "drifted"
    assert found.sentences()[0] == "Rows went from 60 to 18 an hour."
    silent = compare(history(np.random.default_rng(1), last=0.0), baseline, current)
    assert silent.decision.rows_verdict == "silent"
    assert set(silent.columns["verdict"]) == {"silent"}
    line = strip(history(np.random.default_rng(1), last=0.0), baseline)
    assert len(line) == 24 * 28
    assert line["rows"].iloc[-1] == 0
    assert np.isnan(line["drift"].iloc[-1])


def test_a_window_compared_with_itself_is_zero() -> None:
    found = history(np.random.default_rng(2))
    window = [(0, 24 * HOUR_NS)]
    table = compare(found, window, window).columns
    assert table[["ks", "tv", "w1", "psi"]].fillna(0).to_numpy().max() == pytest.approx(0, abs=1e-12)


def test_segments_add_up_to_the_whole_and_parity_is_refused_in_words() -> None:
    rng = np.random.default_rng(7)
    frame = table(rng, 600)
    found = profile_frame(frame, np.arange(600) * HOUR_NS // 60, HOUR_NS, segments=["region"])
    whole = sum(int(p.rows.sum()) for p in found if p.column == "amount" and not p.segment)
    assert whole == sum(int(p.rows.sum()) for p in found if p.column == "amount" and p.segment) == 600
    with pytest.raises(UsageError, match="'evidently' or 'nannyml'"):
        score_frames(frame, frame, "psi", parity="alibi")  # type: ignore[arg-type]
    assert score_frames(frame[["amount"]], frame[["amount"]], "psi", parity="evidently") == {"amount": 0.0}


def test_a_reference_whose_values_interact_raises_no_driver() -> None:
    """Goals follow an interaction of two columns in both windows alike: of 10 tables at most one is accused."""
    accused = 0
    for seed in range(10):
        rng = np.random.default_rng([77, seed])
        frames = []
        for _ in range(2):
            left, right = rng.integers(0, 10, N), rng.integers(0, 10, N)
            goal = rng.normal(size=N) + 2.0 * ((left * 7 + right * 3) % 5)
            frames.append(pd.DataFrame({"left": left.astype(str), "right": right.astype(str), "goal": goal}))
        top = drivers(*frames, "goal")
        # 120 segments are asked: a chance of 1 in 12,000 for each is 1 in 100 for all.
        accused += bool((top["evidence"] > np.log(12_000)).any())
    assert accused <= 1


def test_a_weak_pair_of_140_rows_is_found_from_its_neighbours() -> None:
    """The goal of one pair of values grows by 70 % in 140 rows of 20,000: in the top 3 of at least 9 in 10 tables."""
    hits = 0
    for seed in range(10):
        rng = np.random.default_rng([78, seed])
        frames = [pd.DataFrame({f"s{i}": rng.integers(0, 11 + i, 20_000).astype(str) for i in range(3)}
                               | {"goal": rng.lognormal(size=20_000)}) for _ in range(2)]  # fmt: skip
        frames[1].loc[(frames[1]["s0"] == "3") & (frames[1]["s2"] == "5"), "goal"] *= 1.7
        hits += any(set(s.split(" and ")) == {"s0 = 3", "s2 = 5"} for s in drivers(*frames, "goal")["segment"][:3])
    assert hits >= 9
