"""Write the tutorial's postmortem into the docs, with pictures: ``python -m tools.tutorial_postmortem``.

The incident is generated, investigated, worked on by a script of people's acts, and its postmortem written as for any
other case. Pictures are taken by headless Chromium: both themes, and paper.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import sync_playwright

from tools.screenshots import browser
from workbench import scenarios
from workbench.bench import open_bench
from workbench.case.case import Case
from workbench.config import Prices, Settings
from workbench.model.window import MINUTE_NS
from workbench.report.document import filled
from workbench.report.lint import lint
from workbench.report.postmortem import draft, write_postmortem
from workbench.report.verify_page import verify_page

FAULT, SEED, DAYS = "unmapped_category", 7, 31
PAGE, MARKDOWN = Path("docs/tutorial-postmortem.html"), Path("docs/tutorial-postmortem.md")
IMAGES = Path("docs/images")
SETTINGS = Settings(prices=Prices(per_prediction=0.05))


class Clock:
    """Give the times of the tutorial's script, so that stages take minutes and not months; it never goes back."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        """Return the time, a second later at each look."""
        self.now += 10**9
        return self.now


def worked(folder: Path) -> Case:
    """Return the tutorial's case: found by the playbook, then taken, mitigated and reviewed by people."""
    clock = Clock()
    incident = scenarios.create(FAULT, seed=SEED, days=DAYS, variant="cause", out=folder / "incident")
    with open_bench(folder / "store", who="responder", settings=SETTINGS, clock=clock) as bench:
        clock.now = 10**18
        bench.ingest([path for path in sorted(incident.iterdir()) if path.name != "truth.json"])
        # The newest of the data is the end of the selection: what people do comes after it.
        clock.now = bench.store.freshness()["predictions"]
        case = bench.case("INC-1", alert=incident / "alert.json")
        bench.investigate(case)
        _acts(case, clock)
    return case


def _acts(case: Case, clock: Clock) -> None:
    """Play what people did."""
    signature = case.causes[0].entity if case.causes else "the cause"
    acts: tuple[tuple[int, Callable[[], object]], ...] = (
        (2, lambda: case.assign("ads on-call")),
        (6, lambda: case.note(f"The lead is {signature}; the mapping is put back to its previous version.")),
        (21, lambda: case.status("mitigated")),
        (90, lambda: case.status("resolved")),
        (180, lambda: case.lesson("The alert named the model, not the feed; its text now links to the case.", "badly")),
        (185, lambda: case.action("Guard the share of the catch-all category", owner="ads platform", due="2026-02-24",
                                  verify_by="case.drift()", kind="detect")),
        (190, lambda: case.action("Test the mapping against last month's codes", owner="ads data", due="2026-03-03",
                                  verify_by="case.quality()")),
        (240, lambda: case.review("in review")),
    )  # fmt: skip
    begun = clock.now
    for minutes, act in acts:
        clock.now = begun + minutes * MINUTE_NS
        act()


def pictures(page: Path) -> list[Path]:
    """Write one picture a theme and one of the first sheets of paper; return their paths."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    written = []
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        for theme in ("light", "dark"):
            tab = chromium.new_page(viewport={"width": 1200, "height": 1640}, color_scheme=theme)  # type: ignore[arg-type]
            tab.goto(page.resolve().as_uri())
            written.append(IMAGES / f"tutorial-postmortem-{theme}.png")
            tab.screenshot(path=written[-1])
        tab = chromium.new_page(viewport={"width": 794, "height": 1123}, color_scheme="light")
        tab.goto(page.resolve().as_uri())
        tab.emulate_media(media="print")
        written.append(IMAGES / "tutorial-postmortem-print.png")
        tab.screenshot(path=written[-1])
        chromium.close()
    return written


def main() -> None:
    """Write page, Markdown and pictures, and print what the page is worth."""
    with tempfile.TemporaryDirectory(prefix="tutorial-") as scratch:
        case = worked(Path(scratch))
        written = write_postmortem(case, Path(scratch) / "out")
        problems = verify_page(written.html, case.path)
        if problems or not written.replay.ok:
            sys.exit(f"The tutorial's postmortem does not verify: {[*problems, written.replay.badge]}")
        fields = filled(draft(case))
        defects = lint(written.markdown.read_text(encoding="utf-8"))
        shutil.copyfile(written.html, PAGE)
        shutil.copyfile(written.markdown, MARKDOWN)
    lines = [f"{written.replay.badge}; written in {written.seconds:.1f} s",
             f"fields filled: {fields.known}/{fields.total} = {fields.share:.1%}; unknown: {', '.join(fields.missing)}",
             f"lints: {len(defects)}", *map(str, defects), *map(str, pictures(PAGE))]  # fmt: skip
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
