"""What a step cost is told after it and before it runs again; nothing of it stands in the case."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pytest

from workbench.case import files
from workbench.case.case import Case
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.case.timings import TIMINGS, Timings, Took
from workbench.case.verify import verify
from workbench.views.bind_steps import stepper

WINDOW = "2026-03-01T13:40:00Z/2026-03-01T14:40:00Z"
SLEPT_S = 0.05


def read_two(reading: Reading) -> Outcome:
    """Read 7 rows and 4 rows, slowly."""
    time.sleep(SLEPT_S)
    for table in ("seven", "four"):
        reading.ask("rows", table=table)
    return Outcome(summary="Eleven rows.")


register(operation("read_two", mode="computed", run=read_two, doc="Read two answers."))


def ask(query: str, **arguments: object) -> pa.Table:
    """Answer any question of a playbook with seven rows, or four."""
    return pa.table({"time_ns": pa.array(range(4 if arguments.get("table") == "four" else 7), pa.int64())})


def begun(folder: Path, name: str = "INC-1") -> Case:
    case = Case.create(folder / name, case_id=name, ask=ask, who="ada", clock=lambda: 10**18)
    case.call("begin", entity="service:a", signal="p95_ms", window=WINDOW)
    return case


def test_seconds_rows_and_answers_of_a_step_are_kept_beside_the_cases_only(tmp_path: Path) -> None:
    """0.05 s or more, 11 rows of 2 answers; another process reads the same; the case's files know nothing of it."""
    (tmp_path / files.WITNESS).touch()
    case, plain = begun(tmp_path), begun(tmp_path / "elsewhere")
    for one in (case, plain):
        one.call("read_two")
    took = case.took(1)
    assert took is not None
    assert took.seconds >= SLEPT_S
    assert (took.rows, took.answers) == (11, 2)
    assert case.took(0) is None, "what people write costs nothing"
    again = Case.open(case.path)
    assert again.took(1) == Took(round(took.seconds, 3), 11, 2)
    assert begun(tmp_path, "INC-2").last_took("read_two") == again.took(1)
    assert again.last_took("never") is None
    assert verify(case.path).unknown_files == []
    assert case.entries[1].line() == plain.entries[1].line()
    assert case.state_hash == plain.state_hash
    assert not (tmp_path / "elsewhere" / TIMINGS).exists()
    assert Case.open(plain.path).took(1) is None, "unknown is unknown, never 0"


DAMAGED = ['{"operation":"a"', "[]", '{"operation":"a","entry":"x","seconds":"NaN","rows":1,"answers":1}',
           '{"operation":"a","entry":"x","seconds":-1,"rows":1,"answers":1}', "\x00"]  # fmt: skip


@pytest.mark.parametrize("line", DAMAGED)
def test_a_damaged_line_is_passed_over_and_the_next_one_is_read(tmp_path: Path, line: str) -> None:
    """Only the good line counts, and a half-written last line is read once it is whole."""
    good = '{"answers":2,"entry":"e","operation":"a","rows":11,"seconds":1.5}'
    (tmp_path / TIMINGS).write_text(f"{line}\n{good}\n{good[:20]}", encoding="utf-8")
    timings = Timings(tmp_path)
    assert timings.last("a") == Took(1.5, 11, 2)
    with (tmp_path / TIMINGS).open("a", encoding="utf-8") as file:
        file.write(f"{good[20:]}\n".replace("1.5", "2.5"))
    assert timings.last("a") == Took(2.5, 11, 2)


def test_the_stepper_says_what_a_step_took_and_what_it_took_last_time(tmp_path: Path) -> None:
    """The step that ran says seconds and rows; in the next case of the folder the same step says them beforehand."""
    (tmp_path / files.WITNESS).touch()
    case = begun(tmp_path)
    case.call("changes")
    shown = {row["name"]: row for row in stepper(case).steps}
    found = case.took(1)
    assert found is not None
    assert shown["changes"]["took"].endswith(f"read {found.rows} rows of {found.answers} queries.")
    assert shown["changes"]["took"].startswith("Took ")
    assert shown["drift"]["took"] == ""
    assert "<td>Took " in stepper(case).twin()
    other = {row["name"]: row for row in stepper(begun(tmp_path, "INC-2")).steps}
    assert other["changes"]["took"] == ""
    assert f"Last time: {shown['changes']['took'][5:-1].replace(' read', '')}." in other["changes"]["cost"]
    assert "Last time" not in other["drift"]["cost"]
