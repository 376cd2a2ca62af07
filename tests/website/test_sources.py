"""What the site is built from: every public name, message and page is in it, links are moved."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest
from pydantic import BaseModel

from .. import pages as shown_pages
from ..pages import DOCS

# The site is made in a checkout; a wheel has no part of it.
website = pytest.importorskip("website")
ROOT: Path = DOCS.parent

from website import PACKAGES, api_pages, building, error_index, link_check  # noqa: E402
from website.notebooks import as_markdown  # noqa: E402
from website.page import Page, in_lists  # noqa: E402
from website.tabs import with_tabs  # noqa: E402


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    building.write_sources(folder, "https://example.org/docs/")
    return folder


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_an_entry(package: str) -> None:
    page = api_pages.api_pages()[api_pages.place_of(package)]
    entries = set(re.findall(r"^::: ([\w.]+)", page, flags=re.MULTILINE))
    assert {f"{package}.{name}" for name in import_module(package).__all__} <= entries


def test_every_name_that_the_pages_and_examples_import_has_an_entry() -> None:
    pages = [shown_pages.Page(path).programs for path in [ROOT / "README.md", *DOCS.glob("*.md")]]
    examples = [path.read_text(encoding="utf-8") for path in (ROOT / "examples").rglob("*.py")]
    imported = {
        (node.module, alias.name)
        for code in [*chain(*pages), *examples]
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(_OURS)
        for alias in node.names
    }
    assert len(imported) > 30
    # Passages to try things with, not for programs.
    imported.discard(("assisters_rerank.demo.corpus", "read_passages"))
    known = {(package, name) for package in PACKAGES for name in import_module(package).__all__}
    assert imported - known == set()


_OURS = ("assisters_rerank", "langchain_assisters", "llama_index_assisters")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_option_is_in_a_table_with_its_meaning(package: str) -> None:
    page = api_pages.api_pages()[api_pages.place_of(package)]
    for name in import_module(package).__all__:
        value = getattr(import_module(package), name)
        if isinstance(value, type) and issubclass(value, BaseModel):
            _, _, entry = page.partition(f"::: {package}.{name}\n")
            entry = re.split(
                r"^::: [\w.]+\n    options:\n      heading_level: 2", entry, flags=re.M
            )[0]
            rows = re.findall(r"^\| <code>(\w+)</code> \|.*\| (.*) \|$", entry, flags=re.MULTILINE)
            assert [option for option, _ in rows] == list(value.model_fields)
            frameworks = {"callback_manager", "name", "tags", "metadata"}
            assert [o for o, meaning in rows if not meaning and o not in frameworks | _OTHERS] == []


# Of LlamaIndex's embedding class and LangChain's retriever, which describe them or do not.
_OTHERS = {"rate_limiter", "embeddings_cache", "num_workers", "embed_batch_size", "model_name"}


def test_methods_of_the_inside_are_no_entries() -> None:
    page = api_pages.api_pages()[api_pages.place_of("langchain_assisters")]
    assert "::: langchain_assisters.AssistersRerank.compress_documents\n" in page
    assert "::: langchain_assisters.AssistersRerank.with_options\n" in page
    assert not re.search(r"AssistersRerank\.(recipient|redact|with_retry|model_copy|_\w+)\n", page)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("ConfigurationError", "query: it is blank; give a query with text."),
        ("ConfigurationError", "documents[…]: it has no string under 'text'."),
        ("ConfigurationError", "No API key: "),  # by a constant of another module
        ("ValueError", "give a number, not a bool"),
        ("AuthenticationError", "Status 401 from …: "),
        ("BudgetExceeded", "timeout"),
        ("ContractError", ""),
        ("TransportError", ""),
    ],
)
def test_the_messages_are_found_in_the_code(kind: str, message: str) -> None:
    said = error_index.messages()[kind]
    assert any(message in each for each in said)
    page = error_index.error_page()
    assert f"\n## {'Behind an option' if kind == 'ValueError' else kind}" in page


def test_a_message_is_shown_as_text() -> None:
    assert "documents&#91;…&#93;: it has no string under 'text'." in error_index.error_page()


def test_llms_txt_lists_all_pages(work: Path) -> None:
    text = (work / "plain" / "llms.txt").read_text(encoding="utf-8")
    listed = re.findall(r"^- \[[^\]]+\]\(https://example\.org/docs/([^)]+)\)", text, re.MULTILINE)
    pages = {p.relative_to(work / "pages").as_posix() for p in (work / "pages").rglob("*.md")}
    assert len(listed) == len(set(listed))
    assert set(listed) == pages
    assert all((work / "plain" / place).is_file() for place in listed)
    assert {f"{path.stem}.md" for path in DOCS.glob("*.md")} - {"README.md"} <= pages
    assert {"index.md", "guides.md", "changelog.md", "api/errors.md"} <= pages


def test_the_menu_has_all_pages(work: Path) -> None:
    settings = tomllib.loads((work / "zensical.toml").read_text(encoding="utf-8"))["project"]
    entries = [entry for section in settings["nav"] for entry in next(iter(section.values()))]
    places = [place for entry in entries for place in entry.values()]
    pages = {p.relative_to(work / "pages").as_posix() for p in (work / "pages").rglob("*.md")}
    assert len(places) == len(pages)
    assert set(places) == pages
    assert settings["site_url"] == "https://example.org/docs/"


def test_links_follow_the_files_to_their_places(work: Path) -> None:
    guides = (work / "pages" / "guides.md").read_text(encoding="utf-8")
    assert "[README](index.md)" in guides
    assert "[examples](examples/index.md)" in guides
    guide = (work / "pages" / "langchain.md").read_text(encoding="utf-8")
    assert "(examples/langchain/agent.md)" in guide
    program = (work / "pages" / "examples" / "langchain" / "agent.md").read_text(encoding="utf-8")
    assert program.startswith("# langchain/agent.py\n")
    assert (work / "pages" / "examples" / "tools.tsv").is_file()


def test_a_folder_is_described_in_the_nearest_readme() -> None:
    notebook = Page(Path("examples/notebook/reranking.ipynb"))
    assert Path("examples/README.md") in notebook.targets


SECTIONS = """# T

### LangChain

a

```python
### LlamaIndex
```

### LlamaIndex

b

## Next

c
"""


def test_sections_of_the_faces_become_tabs() -> None:
    assert with_tabs(SECTIONS) == (
        '# T\n\n=== "LangChain"\n\n\n    a\n\n    ```python\n    ### LlamaIndex\n    ```\n\n\n'
        '=== "LlamaIndex"\n\n\n    b\n\n\n## Next\n\nc\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        SECTIONS.replace("###", "##"),  # whole parts of a page
        SECTIONS.replace("### LangChain", "### Other"),  # one face only
        SECTIONS.replace("\n\n### LlamaIndex", "\n\n### Other\n\n### LlamaIndex"),  # apart
    ],
)
def test_other_sections_stay_sections(text: str) -> None:
    assert with_tabs(text) == text


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("testing-and-tracing", ["Plain Python", "LangChain", "LlamaIndex"] * 2),
        ("limits-and-cost", ["Plain Python", "LangChain", "LlamaIndex"]),
        ("worker-processes", ["Plain Python", "LangChain", "LlamaIndex"]),
        ("long-documents", ["LangChain", "LlamaIndex"]),
        ("start-many-tools", ["Plain Python", "LangChain", "LlamaIndex"]),
        ("start-your-server", ["Plain Python", "LangChain", "LlamaIndex"]),
    ],
)
def test_what_is_the_same_for_several_faces_stands_in_tabs(
    work: Path, page: str, expected: list[str]
) -> None:
    text = (work / "pages" / f"{page}.md").read_text(encoding="utf-8")
    assert re.findall(r'^=== "(.+)"$', text, flags=re.MULTILINE) == expected


def test_the_plain_pages_have_sections(work: Path) -> None:
    plain = (work / "plain" / "testing-and-tracing.md").read_text(encoding="utf-8")
    assert "\n### LangChain\n" in plain


def test_what_belongs_to_an_item_of_a_list_is_indented_by_four() -> None:
    assert in_lists("1. a\n\n   ```yaml\n   b\n   ```\n\nc\n   d\n") == (
        "1. a\n\n    ```yaml\n    b\n    ```\n\nc\n   d\n"
    )


def test_a_notebook_is_shown_with_its_outputs() -> None:
    notebook = (ROOT / "examples/notebook/reranking.ipynb").read_text(encoding="utf-8")
    shown = as_markdown(notebook, Path("reranking.ipynb"))
    assert shown.startswith("# From the nearest texts")
    assert "````text\nA small model on this machine scores.\n````" in shown
    assert '<div class="output">' in shown


PAGE = """<a href="b/">x</a><a href="#here">x</a><p id="here">a [b](c.md)</p>
<a href="b/#no">x</a><a href="c/">x</a><a href="https://example.org/">x</a><code>](d.md)</code>"""


def test_dead_links_and_raw_markdown_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "index.html").write_text("<p>ok</p>")
    (tmp_path / "index.html").write_text(PAGE)
    assert link_check.problems(tmp_path) == [
        "index.html: b/#no leads nowhere",
        "index.html: c/ leads nowhere",
        "index.html: Markdown is left over: ](c.md)",
    ]
