"""The maps of the code are whole, and imports run the ways that docs/architecture.md tells."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

import assisters_rerank

from .pages import DOCS

# Beside the packages, wherever they are installed.
ROOT = Path(assisters_rerank.__file__).parents[1]
PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")
MAP = PAGE.partition("\n## The map\n")[2].partition("\n## ")[0]
ON_TOP = {"commands", "demo", "evaluate", "local"}
PLUGINS = ("langchain_assisters", "llama_index_assisters")

FOLDERS = [f"assisters_rerank/{name}" for name in ("", "ports")] + [*PLUGINS]


def modules(folder: str) -> set[str]:
    """The names of its modules, but for those that Python itself names."""
    return {path.stem for path in (ROOT / folder).glob("*.py") if not path.stem.startswith("__")}


def entry(folder: str) -> str:
    """What the map says of a folder; of the package itself, all that is about no other folder."""
    entries = re.split(r"\n(?=- )|\n\n", MAP)
    if folder == "assisters_rerank/":
        others = tuple(f"- **`{other}/`" for other in ("ports", *PLUGINS))
        return "\n".join(each for each in entries if not each.startswith(others))
    (found,) = (each for each in entries if each.startswith(f"- **`{Path(folder).name}/`"))
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_map_names_every_module_and_no_other(folder: str) -> None:
    named = re.findall(r"`(\w+)\.py`", entry(folder))
    assert set(named) - {"__init__"} == modules(folder)


def test_the_page_names_no_file_that_is_gone() -> None:
    everywhere = ("assisters_rerank", "assisters_rerank/ports", *PLUGINS)
    for named in set(re.findall(r"[\w/]+\.py\b", PAGE)):
        places = ("", *everywhere)
        assert any((ROOT / place / named).is_file() for place in places), named


@pytest.mark.parametrize("package", ["evaluate", "local"])
def test_a_packages_docstring_names_every_module(package: str) -> None:
    told = import_module(f"assisters_rerank.{package}").__doc__ or ""
    there_are = modules(f"assisters_rerank/{package}")
    listing = "\n".join(re.findall(r"^- .*(?:\n  .*)*", told, flags=re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", listing)) <= there_are <= set(re.findall(r"`(\w+)`", told))


def imports(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, at its beginning or later."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def area(module: str) -> str:
    """The part of the house that a module belongs to."""
    package, *rest = module.split(".")
    if package != "assisters_rerank":
        return package
    if rest and rest[0] in ("cli", "__main__"):
        return "commands"
    return rest[0] if rest and rest[0] in ON_TOP else "core"


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {
    name_of(path): path
    for package in ("assisters_rerank", *PLUGINS)
    for path in sorted((ROOT / package).rglob("*.py"))
}


def test_the_parts_import_each_other_as_the_page_tells() -> None:
    areas = {area(name) for name in FILES}
    found = {
        (area(name), area(imported))
        for name, path in FILES.items()
        for imported in imports(path)
        if area(imported) in areas and area(imported) != area(name)
    }
    on_the_core = {(each, "core") for each in areas - {"core"}}
    assert found == on_the_core | {
        ("demo", "langchain_assisters"),
        ("demo", "llama_index_assisters"),
        ("demo", "local"),
        ("commands", "evaluate"),
        ("commands", "local"),
        ("commands", "demo"),
    }


def test_inside_the_core_imports_run_one_way() -> None:
    core = {name: path for name, path in FILES.items() if area(name) == "core"}
    del core["assisters_rerank"], core["assisters_rerank.net"]
    ports = {"assisters_rerank.net.blocking", "assisters_rerank.net.evented"}
    graph = {
        name: {
            each
            for imported in imports(path)
            for each in (ports if imported == "assisters_rerank.net" else {imported})
            if each in core and each != name
        }
        for name, path in core.items()
    }
    # For its types alone; the other way is a function's, when a notebook asks.
    graph["assisters_rerank.notebook"].discard("assisters_rerank.ranking")
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) == len(core)

    arrows = PAGE.partition("Imports run one way.")[2].partition(". `attempts` knows")[0]
    told = [
        (before, after)
        for chain in arrows.split(";")
        for links in [[re.findall(r"`(\w+)`", part) for part in chain.split("→")]]
        for befores, afters in pairwise(links)
        for before in befores
        for after in afters
    ]
    assert len(told) == 12
    for before, after in told:
        later = {"blocking", "evented", "port"} if after == "ports" else {after}
        imported = {name.rpartition(".")[2] for name in graph[f"assisters_rerank.{before}"]}
        assert imported & later, (before, after)
    assert "assisters_rerank.wire.rerank_contract" not in graph["assisters_rerank.call.attempts"]
