"""Picture every screen of the triage app, in three widths and two themes: ``python -m tools.app_screenshots STORE``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from workbench import plugins
from workbench.apps.desk import Desk
from workbench.apps.host import routes
from workbench.apps.session import Sessions
from workbench.bench import open_bench
from workbench.config import read_settings
from workbench.intake.server import serving

WIDTHS = {"phone": (390, 844), "laptop": (1440, 900), "wide": (2560, 1440)}
THEMES = ("light", "dark")
TARGET = Path("docs/screenshots/app")


def main(store: Path, only: Sequence[str] = (), target: Path = TARGET) -> None:
    """Serve the store's app and write one PNG a screen, width and theme; *only* names some of them."""
    from playwright.sync_api import sync_playwright

    from tools.screenshots import browser

    target.mkdir(parents=True, exist_ok=True)
    beside = store.parent / "workbench.toml"
    settings = read_settings(beside) if beside.is_file() else None
    with open_bench(store, who="responder", settings=settings) as bench:
        desk, sessions = Desk(bench), Sessions()
        desk.warm()
        pages = {"inbox": "/inbox", "week": "/week", "search": "/search?text=INC-1"}
        for case_id in desk.case_ids()[:1]:
            names = [n for n in plugins.names("screen") if n != "inbox"]
            pages |= {name: f"/case/{case_id}/{name}" for name in names}
        with serving(bench.store, extra_routes=routes(desk, sessions)) as address, sync_playwright() as play:
            shown = play.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
            tab = shown.new_page()
            tab.goto(f"{address}/enter?token={sessions.ticket('admin')}")
            tab.wait_for_url("**/inbox")
            for name, path in pages.items():
                for width, size in WIDTHS.items():
                    for theme in THEMES:
                        shot = f"{name}-{width}-{theme}"
                        if only and not any(word in shot for word in only):
                            continue
                        tab.set_viewport_size({"width": size[0], "height": size[1]})
                        tab.goto(f"{address}{path}{'&' if '?' in path else '?'}theme={theme}")
                        tab.wait_for_timeout(900)
                        tab.screenshot(path=target / f"{shot}.png", full_page=True)
                        sys.stdout.write(f"{target / shot}.png\n")
            shown.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2].split(",") if len(sys.argv) > 2 else ())
