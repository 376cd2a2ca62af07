"""The README holds: its code prints what it shows, its tables are true, and it is short."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
CODE = [text for language, text in BLOCKS if language == "python"]
SHOWN = [text for language, text in BLOCKS if language == "text"]


def _table(heading: str) -> dict[str, list[str]]:
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


def test_every_block_is_run() -> None:
    # The two of bash are run by the continuous integration, exactly as printed.
    languages = [language for language, _ in BLOCKS]
    assert languages.count("bash") == 2
    assert set(languages) == {"bash", "console", "python", "text"}


def test_it_is_a_first_screen() -> None:
    assert len(README.split()) <= 900
    language, shown = BLOCKS[0]
    assert (language, shown) == ("text", SHOWN[0])


def test_the_code_prints_what_is_shown(tmp_path: Path) -> None:
    assert printed_by("\n".join(CODE), tmp_path) == "".join(SHOWN)


def test_the_first_block_prints_what_is_at_the_top(tmp_path: Path) -> None:
    assert printed_by(CODE[0], tmp_path) == SHOWN[0]


def test_numpy_is_needed_by_no_block() -> None:
    # A user with a key need not have it: only the extras `local` and `eval` bring it.
    assert "numpy" not in "".join(CODE)
    assert "vectorstores" not in "".join(CODE)


def test_the_names_can_be_imported_from_there() -> None:
    for package, (names,) in _table("Which name from which package").items():
        module = importlib.import_module(package)
        listed = re.findall(r"`(\w+)`", names)
        assert listed
        assert set(listed) <= set(module.__all__)


def test_the_extras_are_all_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    of_developers = {"dev", "docs"}
    extras = [name for name in project["optional-dependencies"] if name not in of_developers]
    assert list(_table("Extras")) == ["none", *extras]


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)\s]+)\)", README))
def test_links_lead_somewhere(target: str) -> None:
    file, _, anchor = target.partition("#")
    if "://" not in target:
        path = ROOT / file if file else ROOT / "README.md"
        assert path.exists()
        headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {name.lower().replace(" ", "-") for name in headings}


def printed_by(code: str, folder: Path) -> str:
    """Run as a user does who has no key."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSISTERS_")}
    script = folder / "readme.py"
    script.write_text(code, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-X", "utf8", str(script)],
        env=clean,
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
