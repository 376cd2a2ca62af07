"""Every page installs in one wording, which a release changes; no link on the index is dead."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "examples" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples" / "notebook").glob("*.ipynb")),
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# `pip install` and what it is given, on the lines that readers copy.
LINES = re.compile(r'^(?:\$ |\s+- run: )?pip install (?:-e \. )?("[^"\n]*\[[^"\n]*")', re.MULTILINE)


def wordings(root: Path) -> dict[str, set[str]]:
    """How each page names our package when it installs it."""
    found = {}
    for page in PAGES:
        text = (root / page.relative_to(ROOT)).read_text(encoding="utf-8")
        if page.suffix == ".ipynb":
            cells = json.loads(text)["cells"]
            text = "\n".join("".join(cell["source"]) for cell in cells)
        found[str(page.relative_to(ROOT))] = {
            requirement.partition("[")[0].strip('"') for requirement in LINES.findall(text)
        }
    return found


def test_every_page_installs_from_a_clone() -> None:
    found = wordings(ROOT)
    assert sum(bool(names) for names in found.values()) >= 22
    assert set().union(*found.values()) == {".", "./assisters-rerank"}


@pytest.mark.skipif(shutil.which("sed") is None, reason="needs sed")
def test_a_release_changes_all_of_them_with_one_command(tmp_path: Path) -> None:
    releasing = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\$ (sed .*)$", releasing, re.MULTILINE)
    for page in PAGES:
        copy = tmp_path / page.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page, copy)
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert set().union(*wordings(tmp_path).values()) == {"assisters-rerank"}


def test_no_link_of_the_long_description_is_relative() -> None:
    (change,) = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.sub(change["pattern"], change["replacement"], readme)
    targets = re.findall(r"\]\(([^)\s]+)\)", shown)
    assert targets
    assert all(target.startswith("https://") for target in targets)
    # With the repository's address, as docs/releasing.md has it.
    releasing = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")
    ((replacement),) = re.findall(r"`'(\[\\1\].*?)'`", releasing)
    shown = re.sub(change["pattern"], replacement, readme)
    assert "](https://github.com/OWNER/NAME/blob/main/docs/langchain.md)" in shown
    assert not re.findall(r"\]\((?!https://)", shown)
