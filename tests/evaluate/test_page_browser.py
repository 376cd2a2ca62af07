"""The page of an evaluation in a real browser: silent, loads nothing, and fits a phone.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from assisters_rerank.evaluate.report.page import to_html

from .evaluations import ALL

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is installed"),
]

# A window is never narrower than 500 px, a frame is. Contrast as in WCAG 2.2, 1.4.3 and 1.4.11.
MEASURE = """
function luminance(rgb) {
  const [r, g, b] = rgb.map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const rgb = color => color.match(/[\\d.]+/g).map(Number);
function contrast(front, element) {
  let back = [0, 0, 0, 0];
  for (let at = element; at && back[3] === 0; at = at.parentElement) {
    const found = rgb(at.ownerDocument.defaultView.getComputedStyle(at).backgroundColor);
    back = found.length === 3 ? [...found, 1] : found;
  }
  const [dark, light] = [luminance(rgb(front).slice(0, 3)), luminance(back.slice(0, 3))]
    .sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
function report(page) {
  for (const closed of page.querySelectorAll("details")) closed.open = true;
  const view = page.defaultView, root = page.documentElement;
  const style = element => view.getComputedStyle(element);
  const all = [...page.body.querySelectorAll("*")];
  const spoken = all.filter(e => !["TITLE", "title"].includes(e.tagName))
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
  const lines = all.filter(e => e.matches(".line polyline, .level, .axis, .interval, .zero"));
  return {
    wide: root.scrollWidth - root.clientWidth,
    scrolling: [...page.querySelectorAll(".wide")]
      .filter(e => e.scrollWidth > e.clientWidth + 1).length,
    text: spoken.map(e => [
      contrast(e.namespaceURI.endsWith("svg") ? style(e).fill : style(e).color, e),
      e.tagName, e.textContent.slice(0, 60)]),
    lines: lines.map(e => [contrast(style(e).stroke, e), e.getAttribute("class")]),
    small: spoken.filter(e => e.namespaceURI.endsWith("svg"))
      .map(e => e.getBoundingClientRect().height),
    broken: spoken.filter(e => e.tagName === "TH" && /^\\w+(@\\d+)?$/.test(e.textContent))
      .filter(e => { const text = page.createRange(); text.selectNodeContents(e);
        return text.getClientRects().length > 1; }).map(e => e.textContent),
    page: style(page.body).backgroundColor,
    requests: view.performance.getEntriesByType("resource").length,
  };
}
onload = () => {
  const reports = [...document.querySelectorAll("iframe")].map(f => report(f.contentDocument));
  const written = document.createElement("pre");
  written.textContent = "REPORT" + JSON.stringify(reports) + "REPORT";
  document.body.append(written);
  console.log("measured");
};
"""


def _look(folder: Path, width: int, *, dark: bool) -> tuple[list[dict[str, object]], list[str]]:
    """Every page in a frame of this width: what was measured, and what the console said."""
    frames = []
    for number, evaluation in enumerate(ALL.values()):
        (folder / f"{number}.html").write_text(to_html(evaluation), encoding="utf-8")
        frames.append(f'<iframe src="{number}.html" width="{width}" height="900"></iframe>')
    page = folder / "frames.html"
    page.write_text(
        "<!DOCTYPE html><meta charset=utf-8><style>:root { color-scheme: light dark } iframe "
        f"{{ border: 0 }}</style><body>{''.join(frames)}<script>{MEASURE}</script>",
        encoding="utf-8",
    )
    done = subprocess.run(
        [
            str(BROWSER),
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--enable-logging=stderr", "--log-level=0", "--window-size=1300,900", "--dump-dom"),
            # Frames of files may else not be looked into.
            "--allow-file-access-from-files",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--user-data-dir={folder / 'profile'}",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    _, report, _ = done.stdout.rsplit("REPORT", 2)
    return json.loads(unescape(report)), re.findall(r"CONSOLE.*?\] \"(.*)\", source", done.stderr)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 390, 1200])
def test_the_page_is_readable(tmp_path: Path, width: int, dark: bool) -> None:
    reports, console = _look(tmp_path, width, dark=dark)
    assert console == ["measured"]
    assert len(reports) == len(ALL)
    for name, report in zip(ALL, reports, strict=True):
        assert report["page"] == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")
        assert report["requests"] == 0
        assert report["wide"] == 0, name
        assert report["scrolling"] == 0, name
        assert report["broken"] == [], name
        text, lines, small = report["text"], report["lines"], report["small"]
        assert isinstance(text, list)
        assert isinstance(lines, list)
        assert isinstance(small, list)
        assert len(text) >= 8
        assert [found for found in text if found[0] < 4.5] == []
        assert [found for found in lines if found[0] < 3] == []
        if name == "one model":
            assert len(lines) > 20
            # 11 px of letters is a line of some 13.
            assert min(small) > 12
