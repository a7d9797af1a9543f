"""The page in a real browser: Chromium without a window, on a fresh profile."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

if CHROMIUM is None:
    pytest.skip("no chromium is on the PATH", allow_module_level=True)

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         "--allow-file-access-from-files", "--enable-logging=stderr"]  # fmt: skip
DARK = ["--blink-settings=preferredColorScheme=0"]

PROBE = """<script>
const round = (box) => ({left: box.left, top: box.top, right: box.right, bottom: box.bottom});
const found = {
  requests: performance.getEntriesByType("resource").map((entry) => entry.name),
  window: innerWidth,
  page: document.documentElement.scrollWidth,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  paper: getComputedStyle(document.querySelector("section")).backgroundColor,
  plots: [...document.querySelectorAll("svg.plot")].map((plot) => ({
    name: plot.closest("section").id,
    box: round(plot.getBoundingClientRect()),
    ink: getComputedStyle(plot.querySelector("text")).fill,
    shapes: [...plot.querySelectorAll("path, use, polygon")].filter((shape) => {
      const box = shape.getBoundingClientRect();
      return !shape.closest("defs") && box.width + box.height > 0;
    }).length,
    texts: [...plot.querySelectorAll("text")].map((text) => ({
      text: text.textContent,
      size: parseFloat(getComputedStyle(text).fontSize) * plot.getScreenCTM().a,
      box: round(text.getBoundingClientRect()),
    })),
  })),
};
const saved = [];
HTMLAnchorElement.prototype.click = function () { saved.push(this.download); };
for (const link of document.querySelectorAll("a[data-file]")) {
  link.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
}
found.saved = saved;
const output = document.createElement("pre");
output.id = "probe";
output.textContent = JSON.stringify(found);
parent.document.body.append(output);
</script>
"""
FRAME = """<!DOCTYPE html>
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<body><iframe src="report.html" width="{width}" height="900" frameborder="0"></iframe></body>
"""
"""A window cannot be as narrow as a phone, but a frame can."""


def _browse(page: str, folder: Path, width: int, *more: str) -> tuple[dict, list[str]]:
    """Open the page; return what the probe saw, and what the console said."""
    path = folder / "report.html"
    path.write_text(page.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(width=width), encoding="utf-8")
    done = subprocess.run(
        [str(CHROMIUM), *FLAGS, *more, f"--user-data-dir={folder / 'profile'}",
         "--window-size=1400,900", "--dump-dom", frame.as_uri()],
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    match = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match, done.stderr
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(match[1])), console


@pytest.fixture(scope="module", params=["desktop", "phone", "dark phone"])
def browsed(request, page, tmp_path_factory):
    """What the browser made of the page, and how it was opened."""
    width = 1280 if request.param == "desktop" else 390
    more = DARK if request.param == "dark phone" else []
    seen, console = _browse(page, tmp_path_factory.mktemp("browser"), width, *more)
    assert seen["window"] == width
    assert seen["dark"] == bool(more)
    return seen, console


def test_it_opens_without_a_word_on_the_console(browsed):
    assert browsed[1] == []


def test_it_requests_nothing(browsed):
    assert browsed[0]["requests"] == []


def test_an_error_would_be_seen(page, tmp_path):
    _, console = _browse(
        page.replace("<nav", "<img src='https://example.com/x.png'><nav"), tmp_path, 390
    )
    assert any("Content Security Policy" in line for line in console)


def test_every_plot_is_drawn(browsed):
    plots = browsed[0]["plots"]
    assert len(plots) == 10
    for plot in plots:
        box = plot["box"]
        assert box["right"] - box["left"] > 300, plot["name"]
        assert box["bottom"] - box["top"] > 60, plot["name"]
        assert plot["shapes"] > 10, plot["name"]


def test_it_is_no_wider_than_the_window(browsed):
    seen = browsed[0]
    assert seen["page"] <= seen["window"]
    assert all(0 <= plot["box"]["left"] < plot["box"]["right"] <= seen["window"]
               for plot in seen["plots"])  # fmt: skip


def test_the_plots_can_be_read(browsed):
    for plot in browsed[0]["plots"]:
        for text in plot["texts"]:
            assert text["size"] >= 7.5, (plot["name"], text["text"])
            for side, sign in (("left", 1), ("top", 1), ("right", -1), ("bottom", -1)):
                outside = sign * (plot["box"][side] - text["box"][side])
                assert outside <= 2, f"{plot['name']}: {text['text']} is cut off at the {side}"


def test_ink_stands_out_from_paper(browsed):
    seen = browsed[0]
    paper = _luminance(seen["paper"])
    assert (paper < 0.05) == seen["dark"]
    for plot in seen["plots"]:
        lighter, darker = sorted((paper, _luminance(plot["ink"])), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 7, plot["name"]


def test_a_figures_file_is_saved_by_a_click(browsed):
    assert {*browsed[0]["saved"]} == {
        f"{name}.json.gz"
        for name in ("new", "old", "phone", "emulated", "robustness", "operators")
    }  # fmt: skip


def _luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.1 of a colour such as "rgb(1, 2, 3)"."""
    channels = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4
              for each in channels]  # fmt: skip
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
