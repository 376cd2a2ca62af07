"""The finished site, built as a reader gets it."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("zensical")
website = pytest.importorskip("website")

pytestmark = [
    pytest.mark.slow,  # some 15 s of one core
    pytest.mark.xdist_group("site"),
]


def test_every_public_name_can_be_linked_to(site: Path) -> None:
    for package in website.PACKAGES:
        page = site / "api" / package.replace(".", "-") / "index.html"
        anchors = set(re.findall(r'id="([\w.]+)"', page.read_text(encoding="utf-8")))
        assert {f"{package}.{name}" for name in import_module(package).__all__} <= anchors


def test_examples_are_code_and_options_a_table(site: Path) -> None:
    page = (site / "api" / "langchain_assisters" / "index.html").read_text(encoding="utf-8")
    assert "Example:" not in page
    assert "<code>passage_threshold</code>" in page
    assert "at 0x" not in page


def test_there_are_tabs_search_and_both_modes(site: Path) -> None:
    page = (site / "testing-and-tracing" / "index.html").read_text(encoding="utf-8")
    assert page.count('class="tabbed-set') == 2
    assert "content.tabs.link" in page
    assert "content.code.copy" in page
    assert {"default", "slate"} <= set(re.findall(r'data-md-color-scheme="(\w+)"', page))
    found = json.dumps(json.loads((site / "search.json").read_text(encoding="utf-8")))
    assert "passthrough_after" in found


def test_a_warning_ends_the_build(tmp_path: Path) -> None:
    from website import building

    def broken(work: Path, url: str = "") -> int:
        (work / "pages").mkdir()
        (work / "pages" / "index.md").write_text("# A\n\n[b](none.md)\n")
        settings = '[project]\nsite_name = "a"\ndocs_dir = "pages"\nsite_dir = "site"\n'
        (work / "zensical.toml").write_text(settings)
        return 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "write_sources", broken)
        with pytest.raises(SystemExit, match="page does not exist"):
            building.build(tmp_path / "site")
    assert not (tmp_path / "site").exists()
