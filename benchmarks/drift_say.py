"""How a line of the drift bench looks."""

from __future__ import annotations


def say(work: str, figure: str, bar: str, met: bool | None = None) -> None:  # noqa: FBT001
    word = "" if met is None else "met" if met else "MISSED"
    print(f"{work:<58} {figure:<34} {bar:<26} {word}", flush=True)
