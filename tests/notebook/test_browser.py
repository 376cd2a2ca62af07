"""The HTML of a ranking in a real browser: rendered, without complaints, readable everywhere.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from html import unescape
from pathlib import Path

import pytest

from .rankings import ALL

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is installed"),
]

# How notebooks look: what they inherit to an output, and their own rules for tables in it.
_LAB = """
body {{ background: {page}; color: {text}; font: 14px sans-serif; }}
.lab table {{ border-collapse: collapse; border: none; color: {text}; font-size: 12px;
  table-layout: fixed; margin: 0 auto 1em; }}
.lab td, .lab th, .lab tr {{ text-align: right; vertical-align: middle; padding: .5em; border: none;
  white-space: normal; max-width: none; }}
.lab tbody tr:nth-child(odd) {{ background: {stripe}; }}
"""
PAGES: Mapping[str, str] = {
    "the browser's own": ":root { color-scheme: light dark }",
    "JupyterLab, light": _LAB.format(page="#fff", text="rgba(0, 0, 0, .87)", stripe="#f5f5f5"),
    "JupyterLab, dark": _LAB.format(page="#111", text="#fff", stripe="#212121"),
    "VS Code, light": "body { background: #fff; color: #3b3b3b; font: 13px sans-serif }",
    "VS Code, dark": "body { background: #1f1f1f; color: #ccc; font: 13px sans-serif }",
}

# Contrast as in WCAG 2.2, 1.4.3. The canvas turns every notation of a colour into RGB.
MEASURE = """
document.currentScript.remove();
const canvas = document.createElement("canvas");
const painter = canvas.getContext("2d", {willReadFrequently: true});
// The canvas knows no colour scheme, so the page is asked what its background is.
const probe = document.createElement("div");
probe.style.background = "Canvas";
document.body.append(probe);
const page = getComputedStyle(probe).backgroundColor;
probe.remove();
function painted(layers) {
  for (const [color, opacity] of layers) {
    painter.globalAlpha = opacity;
    painter.fillStyle = color;
    painter.fillRect(0, 0, 1, 1);
  }
  return [...painter.getImageData(0, 0, 1, 1).data].slice(0, 3);
}
function luminance(rgb) {
  const [r, g, b] = rgb.map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
function measured(element) {
  const layers = [[page, 1]];
  let opacity = 1;
  const line = [];
  for (let at = element; at; at = at.parentElement) line.unshift(at);
  const isBar = element.className === "bar";
  for (const at of line) {
    const style = getComputedStyle(at);
    opacity *= Number(style.opacity);
    if (!(isBar && (at === element || at.className === "track")))
      layers.push([style.backgroundColor, 1]);
  }
  const style = getComputedStyle(element);
  const front = isBar ? style.backgroundColor : style.color;
  return contrast(painted(layers), painted([...layers, [front, opacity]]));
}
const root = document.documentElement;
const rankings = [...document.querySelectorAll(".assisters-ranking")];
const spoken = rankings.flatMap(r => [...r.querySelectorAll("*")])
  .filter(e => e.tagName !== "STYLE")
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
const report = {
  heights: rankings.map(r => r.getBoundingClientRect().height),
  rows: rankings.map(r => r.querySelectorAll("tbody tr").length),
  wide: root.scrollWidth > root.clientWidth,
  text: spoken.map(e => [measured(e), e.className || e.tagName, e.textContent]),
  bars: [...document.querySelectorAll(".bar")].filter(b => b.offsetWidth > 0).map(measured),
  widths: [...document.querySelectorAll(".ranked:first-of-type .bar")].slice(0, 3)
    .map(b => b.getBoundingClientRect().width / b.parentElement.getBoundingClientRect().width),
  align: getComputedStyle(document.querySelector("td.text")).textAlign,
};
const written = document.createElement("pre");
written.textContent = "REPORT" + JSON.stringify(report) + "REPORT";
document.body.append(written);
console.log("measured");
"""


def _look(folder: Path, style: str, *, dark: bool) -> tuple[dict[str, object], list[str]]:
    """Renders all rankings on one page; gives the measurements, and what the console said."""
    shown = "<hr>".join(each._repr_html_() for each in ALL)
    page = folder / "page.html"
    page.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Rankings</title>'
        # Whatever it tried to load, or to run, would be refused, and that said on the console.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; script-src 'nonce-measure'\">"
        f'<style>{style}</style></head><body class="lab">{shown}'
        f'<script nonce="measure">{MEASURE}</script></body></html>',
        encoding="utf-8",
    )
    done = subprocess.run(
        [
            str(BROWSER),
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--enable-logging=stderr", "--log-level=0", "--window-size=900,900", "--dump-dom"),
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
    _, report, _ = done.stdout.split("REPORT")
    return json.loads(unescape(report)), re.findall(r"CONSOLE.*?\] \"(.*)\", source", done.stderr)


@pytest.mark.parametrize(
    ("page", "dark"),
    [
        ("the browser's own", False),
        ("the browser's own", True),
        # A notebook has its own theme, whatever the system prefers.
        ("JupyterLab, light", True),
        ("JupyterLab, dark", False),
        ("VS Code, light", True),
        ("VS Code, dark", False),
    ],
)
def test_a_ranking_is_readable(tmp_path: Path, page: str, dark: bool) -> None:
    report, console = _look(tmp_path, PAGES[page], dark=dark)
    assert console == ["measured"]
    heights, rows, text, bars, widths = (
        report[name] for name in ("heights", "rows", "text", "bars", "widths")
    )
    assert isinstance(heights, list)
    assert min(heights) > 20
    assert rows == [4, 3, 2, 0, 20, 1]
    assert report["wide"] is False
    assert report["align"] == "start"
    assert isinstance(text, list)
    assert len(text) > 100
    assert [found for found in text if found[0] < 4.5] == []
    # A bar says what the number above it says; WCAG asks 3 of graphics.
    assert isinstance(bars, list)
    assert len(bars) > 20
    assert min(bars) >= 3
    assert widths == pytest.approx([0.97, 0.71, 0.3], abs=0.02)
