"""Picture the demo's pages with headless Chromium, wide, narrow and dark: ``python -m tools.screenshots demo``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SHOTS: dict[str, tuple[str, ...]] = {
    "wide": ("--window-size=1440,2400",),
    "narrow": ("--window-size=500,2400",),
    "dark": ("--window-size=1440,2400", "--force-dark-mode", "--blink-settings=preferredColorScheme=0"),
}
"""Name of a picture -> the browser's arguments; 500 px is the narrowest window that headless Chromium opens."""
TARGET = Path("docs/screenshots")


def browser() -> str:
    """Return the path of a Chromium; exit with one sentence where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        sys.exit("No Chromium was found: install it (Debian, Ubuntu: apt-get install chromium).")
    return found


def picture(program: str, page: Path, target: Path, arguments: tuple[str, ...]) -> None:
    """Write one PNG of a local page, in a browser of its own that resolves no host name."""
    with tempfile.TemporaryDirectory() as profile:
        command = [program, "--headless", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}",
                   "--host-resolver-rules=MAP * ~NOTFOUND", f"--screenshot={target.resolve()}", *arguments]  # fmt: skip
        # Chromium's sandbox refuses to start for root, as in containers.
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        subprocess.run([*command, page.resolve().as_uri()], check=True, timeout=120, capture_output=True)


def main(folder: Path) -> None:
    """Picture every page that the demo wrote below *folder*."""
    pages = sorted(folder.glob("*/*.html"))
    if not pages:
        sys.exit(f"{folder} holds no page yet: run `make demo` first.")
    program = browser()
    TARGET.mkdir(parents=True, exist_ok=True)
    for page in pages:
        for name, arguments in SHOTS.items():
            target = TARGET / f"{page.parent.name}-{name}.png"
            picture(program, page, target, arguments)
            sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
