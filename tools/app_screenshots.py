"""Picture every screen and state of the triage app, in three widths and both themes: ``-m tools.app_screenshots``."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench import plugins
from workbench.apps.desk import Desk
from workbench.apps.host import routes
from workbench.apps.session import Sessions
from workbench.bench import Bench, open_bench
from workbench.columnar import build
from workbench.config import Settings, read_settings
from workbench.intake.server import serving
from workbench.model.tables import PREDICTIONS
from workbench.model.window import MINUTE_NS

WIDTHS = {"phone": (390, 844), "laptop": (1280, 800), "wide": (2560, 1440)}
THEMES = ("light", "dark")
TARGET = Path("docs/screenshots/app")
DRAWN_MS = 120_000
_STAMP = {"environment": "prod", "source": "pictures", "place": "made"}
_LATE_NS = 50 * MINUTE_NS


class Camera:
    """A tab of a served app that takes pictures by name."""

    def __init__(self, tab: Any, address: str, target: Path, only: tuple[str, ...]) -> None:
        self.tab, self.address, self.target, self.only = tab, address, target, only

    def wanted(self, name: str) -> bool:
        """Say whether a picture of this name was asked for."""
        return not self.only or any(word in name for word in self.only)

    def open(self, path: str, *, width: str = "laptop", theme: str = "light") -> None:
        """Go to a page and wait until its boards are drawn."""
        self.tab.set_viewport_size(dict(zip(("width", "height"), WIDTHS[width], strict=True)))
        self.tab.goto(f"{self.address}{path}{'&' if '?' in path else '?'}theme={theme}")
        self.tab.wait_for_selector("[data-panel]:not([data-drawn])", state="detached", timeout=DRAWN_MS)
        self.tab.wait_for_timeout(500)

    def take(self, name: str) -> None:
        """Write one picture of the whole page."""
        self.tab.screenshot(path=self.target / f"{name}.png", full_page=True)
        sys.stdout.write(f"{self.target / name}.png\n")


def screens(case_id: str) -> dict[str, str]:
    """Return the pages that are pictured, by name."""
    names = [n for n in plugins.names("screen") if n != "inbox"]
    pages = {"inbox": "/inbox", "week": "/week", "search": f"/search?text={case_id}"}
    pages |= {name: f"/case/{case_id}/{name}" for name in names}
    return pages | {"contrast-trace": f"/case/{case_id}/contrast?view=trace",
                    "contrast-tables": f"/case/{case_id}/contrast?view=tables"}  # fmt: skip


def picture_screens(camera: Camera, case_id: str) -> None:
    """Write every screen in every width and theme."""
    for name, path in screens(case_id).items():
        for width in WIDTHS:
            for theme in THEMES:
                shot = f"{name}-{width}-{theme}"
                if camera.wanted(shot):
                    camera.open(path, width=width, theme=theme)
                    camera.take(shot)


def picture_states(camera: Camera, bench: Bench, case_id: str) -> None:
    """Write the states: masked, late, partial, too wide, error, lost connection; the last ones break the copy."""
    case, brief = bench.case(case_id), f"/case/{case_id}/brief"
    case.call("note", "Asked by email_0123456789abcdef")
    newest = max(bench.store.freshness().values())
    made = {**_STAMP, "received_ns": newest, "prediction_id": ["late"], "score": [0.5], "time_ns": [newest + _LATE_NS]}
    bench.store.append({"predictions": build(PREDICTIONS, made)})
    _break_one(bench)
    shots = {"state-masked": f"/case/{case_id}/handoff", "state-late-and-partial": brief,
             "state-too-wide": f"/case/{case_id}/contrast", "state-error": f"/case/{case_id}/nothing"}  # fmt: skip
    for name, path in shots.items():
        if camera.wanted(name):
            camera.open(path)
            if name == "state-too-wide":
                camera.tab.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
            camera.take(name)
    if camera.wanted("state-lost"):
        camera.open(f"/case/{case_id}/causes")
        camera.tab.context.set_offline(True)
        camera.tab.route("**/live*", lambda route: route.abort())
        camera.tab.evaluate("gone()")
        camera.take("state-lost")
        camera.tab.context.set_offline(False)


def _break_one(bench: Bench) -> None:
    """Change a byte of one sealed file, as a failing disk does."""
    bench.store.seal()
    found = next((f for f in bench.store.files("labels") or bench.store.files("kpis")), None)
    if found is not None:
        content = bytearray(found.read_bytes())
        content[len(content) // 2] ^= 0xFF
        found.write_bytes(bytes(content))
        bench.store.verify()


def served(play: Any, store: Path, target: Path, only: tuple[str, ...]) -> Iterator[tuple[Camera, Bench]]:
    """Yield a camera that has entered a store's app as an admin of this machine."""
    from tools.screenshots import browser

    beside = store.parent / "workbench.toml"
    settings = read_settings(beside) if beside.is_file() else Settings()
    with open_bench(store, who="responder", settings=settings) as bench:
        desk, sessions = Desk(bench), Sessions()
        desk.warm()
        with serving(bench.store, extra_routes=routes(desk, sessions)) as address:
            shown = play.chromium.launch(executable_path=browser(), args=["--no-sandbox", "--disable-gpu"])
            tab = shown.new_page()
            tab.set_default_timeout(DRAWN_MS)
            tab.goto(f"{address}/enter?token={sessions.ticket('admin')}")
            tab.wait_for_url("**/inbox")
            yield Camera(tab, address, target, only), bench
            shown.close()
            desk.close()


def main(store: Path, only: tuple[str, ...] = (), target: Path = TARGET) -> None:
    """Write the pictures of a store with a case, on a copy of it; *only* names some of them."""
    from playwright.sync_api import sync_playwright

    target.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        copy = Path(folder) / "store"
        shutil.copytree(store, copy)
        for camera, bench in served(play, copy, target, only):
            case_id = min(p.name for p in (copy / "cases").iterdir() if p.is_dir())
            picture_screens(camera, case_id)
            picture_states(camera, bench, case_id)
        for camera, _ in served(play, Path(folder) / "empty", target, only):
            for theme in THEMES:
                if camera.wanted(f"state-empty-{theme}"):
                    camera.open("/inbox", theme=theme)
                    camera.take(f"state-empty-{theme}")
    sys.stdout.write(f"{time.monotonic() - begun:.0f} s\n")


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("store", type=Path, help="store with a case, such as demo/*/store")
    given.add_argument("--only", default="", help="parts of names, by comma")
    given.add_argument("--out", type=Path, default=TARGET)
    asked = given.parse_args()
    main(asked.store, tuple(word for word in asked.only.split(",") if word), asked.out)
