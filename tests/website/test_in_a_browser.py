"""The site in a real browser: no page is wider than a phone or a screen; what the button copies.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("zensical")
pytest.importorskip("website")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("site"),
    pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is installed"),
]

PAGES = [
    "",
    "langchain/",
    "reference/",
    "changelog/",
    "performance/",
    "testing-and-tracing/",
    "api/errors/",
    "api/assisters_rerank/",
    "start-your-server/",
    "start-does-it-pay/",
    "long-documents/",
    "examples/notebook/reranking/",
    "examples/notebook/pdfs/",
    "examples/notebook/own_questions/",
]

# A window is never narrower than 500 px, a frame is.
MEASURE = """
onload = async () => {
  const wide = [...document.querySelectorAll("iframe")].map(frame => {
    const root = frame.contentDocument.documentElement;
    return [frame.title, root.clientWidth, root.scrollWidth - root.clientWidth];
  });
  const guide = document.querySelector("iframe[title^='langchain/']").contentWindow;
  let copied;
  guide.document.execCommand = () => {
    copied = guide.document.activeElement.value || guide.getSelection().toString();
    return true;
  };
  for (let waits = 0; waits < 50 && !guide.document.querySelector(".md-code__button"); waits++)
    await new Promise(resolve => setTimeout(resolve, 100));
  guide.document.querySelector(".md-code__button").click();
  await new Promise(resolve => setTimeout(resolve, 500));
  const written = document.createElement("pre");
  written.textContent = "REPORT" + JSON.stringify({ wide, copied }) + "REPORT";
  document.body.append(written);
};
"""


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *said: object) -> None: ...


@pytest.fixture(scope="module")
def address(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    out = tmp_path_factory.mktemp("shown") / "site"
    shutil.copytree(site, out)
    frames = [
        f'<iframe title="{page} {width}" src="{page or "index.html"}" width="{width}" height="800">'
        "</iframe>"
        for page in PAGES
        for width in (390, 1280)
    ]
    page = f"<!doctype html><script>{MEASURE}</script>{''.join(frames)}"
    (out / "measure.html").write_text(page, encoding="utf-8")
    handler = partial(Silent, directory=str(out))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/measure.html"
        server.shutdown()


def test_no_page_is_wider_than_its_window_and_commands_are_copied(
    address: str, tmp_path: Path
) -> None:
    assert BROWSER is not None
    command = [
        *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"),
        *("--window-size=1400,1000", "--virtual-time-budget=30000", "--dump-dom", address),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    report = json.loads(unescape(done.stdout.split("REPORT")[-2]))
    assert len(report["wide"]) == 2 * len(PAGES)
    assert all(300 < width <= 1280 for _, width, _ in report["wide"])
    assert [page for page in report["wide"] if page[2] > 0] == []
    assert report["copied"].startswith('pip install ".[agents')
