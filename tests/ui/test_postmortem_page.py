"""The page in a real browser: no request, a strict policy, no serious finding of axe, readable without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from tests.strategies.pages import many
from workbench.report.pages import stylesheet
from workbench.report.verify_page import verify_page

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial-postmortem.html"
IMAGES = ROOT / "docs" / "images"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="There is no Chromium at /usr/bin/chromium."),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Hold one browser."""
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium: Browser, theme: Any, width: int) -> None:
    """Serious and critical findings: 0 in both themes, on a telephone and on a desk; nothing is wider than the page."""
    context = chromium.new_context(color_scheme=theme, bypass_csp=True, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(PAGE.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    found = Axe().run(page).response["violations"]
    context.close()
    grave = [(v["id"], v["impact"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found
             if v["impact"] in ("serious", "critical")]  # fmt: skip
    assert grave == []


def test_the_page_asks_for_nothing_and_breaks_no_policy(chromium: Browser) -> None:
    """One request, for the page itself; no message of the console; at most 5 MB; the policy names hashes only."""
    context = chromium.new_context()
    page, asked, said = context.new_page(), list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(PAGE.as_uri())
    page.wait_for_timeout(300)
    context.close()
    assert asked == [PAGE.as_uri()]
    assert said == []
    text = PAGE.read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'",
                        policy[1])  # fmt: skip
    assert len(text.encode()) <= 5_000_000


def test_the_policy_stops_a_script_that_got_in(chromium: Browser, tmp_path: Path) -> None:
    """A script and a handler put into the page do not run, since no hash allows them."""
    bad = "<script>window.struck=1</script><img src=x onerror='window.struck=1'>"
    copy = tmp_path / "struck.html"
    copy.write_text(PAGE.read_text("utf-8").replace("<main>", f"<main>{bad}", 1), "utf-8")
    context = chromium.new_context()
    page = context.new_page()
    page.goto(copy.as_uri())
    page.wait_for_timeout(200)
    struck = page.evaluate("window.struck")
    context.close()
    assert struck is None


def test_everything_is_read_without_scripts(chromium: Browser) -> None:
    """Script switched off: 14 headings are visible, chips lead to their rows, and folded code opens."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(PAGE.as_uri())
    assert page.locator("h2:visible").count() >= 14
    page.locator("a.chip").first.click()
    assert "#" in page.url
    page.locator("summary").first.click()
    many(page.locator("details[open]"), 1)
    context.close()


def test_paper_shows_the_guard_and_the_journal(chromium: Browser) -> None:
    """The PDF has four to ten sheets and holds what is folded on the screen."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(PAGE.as_uri())
    page.emulate_media(media="print")
    assert page.locator("pre").first.evaluate("e => e.getBoundingClientRect().height") > 40
    pdf = page.pdf(format="A4")
    context.close()
    assert pdf[:5] == b"%PDF-"
    # 62 sentences, 63 rows of evidence and 21 lines of journal: a document, not a book.
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 10


def test_the_tutorial_in_the_docs_is_of_this_version() -> None:
    """It verifies against its own digests, carries the present style sheet, replayed, and three pictures go with it."""
    text = PAGE.read_text("utf-8")
    assert verify_page(PAGE) == []
    assert stylesheet() in text, "write it anew: python -m tools.tutorial_postmortem"
    assert re.search(r"Replayed offline: (\d+)/\1 match", text)
    for name in ("light", "dark", "print"):
        assert (IMAGES / f"tutorial-postmortem-{name}.png").stat().st_size > 20_000
    assert "tutorial-postmortem.html" in (ROOT / "docs" / "postmortem.md").read_text("utf-8")
