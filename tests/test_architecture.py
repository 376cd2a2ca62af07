"""The maps of the code are whole: the page names every folder, each folder names its modules."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

import assisters_rerank

from .pages import DOCS

# Next to the packages, wherever they are installed.
ROOT = Path(assisters_rerank.__file__).parents[1]
CORE = ROOT / "assisters_rerank"
PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")
MAP = PAGE.partition("\n## The map\n")[2].partition("\n## ")[0]
FOLDERS = sorted(path.parent.relative_to(ROOT).as_posix() for path in CORE.glob("*/**/__init__.py"))
PLUGINS = ["langchain_assisters", "llama_index_assisters"]


def modules(folder: str) -> set[str]:
    """The names of its modules, but for those that Python itself names."""
    return {path.stem for path in (ROOT / folder).glob("*.py") if not path.stem.startswith("__")}


def test_the_map_names_every_folder_and_no_other() -> None:
    rows = re.findall(r"^\| `([\w/]+)/` \|", MAP, flags=re.MULTILINE)
    named = [name if name in PLUGINS else f"assisters_rerank/{name}" for name in rows]
    assert sorted(named) == sorted(FOLDERS + PLUGINS)


def test_the_map_names_every_module_at_the_top_of_the_core() -> None:
    top = MAP.partition("At the top")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", top)) == modules("assisters_rerank")


def test_the_page_names_no_file_that_is_gone() -> None:
    named = set(re.findall(r"[\w/]+\.py\b", PAGE))
    places = [ROOT, CORE, *(ROOT / plugin for plugin in PLUGINS)]
    assert named
    assert [name for name in named if not any((at / name).is_file() for at in places)] == []


@pytest.mark.parametrize("folder", FOLDERS + PLUGINS)
def test_a_folders_docstring_names_every_module(folder: str) -> None:
    said = import_module(folder.replace("/", ".")).__doc__ or ""
    assert modules(folder) <= set(re.findall(r"`(\w+)`", said))


def test_few_modules_lie_at_the_top() -> None:
    assert len(list(CORE.glob("*.py"))) <= 16


def test_no_module_is_long() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for package in ("assisters_rerank", *PLUGINS)
        for path in (ROOT / package).rglob("*.py")
    }
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}


def test_no_two_modules_of_the_core_have_the_same_name() -> None:
    names = Counter(path.name for path in CORE.rglob("*.py") if not path.name.startswith("__"))
    assert [name for name, times in names.items() if times > 1] == []
