"""The guides in `docs/` hold: code runs as printed; links, options and figures are right.

What is special about `docs/local-server.md` is tested in `tests/local/test_docs.py`.
"""

from __future__ import annotations

import ast
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import mean

import numpy as np
import numpy.typing as npt
import pytest
import yaml
from packaging.requirements import Requirement

from assisters_rerank import CATALOGUE, EmbeddingOptions, Reranker
from assisters_rerank.local.http.rate_limiter import PLANS
from assisters_rerank.text import tokens
from langchain_assisters import AssistersEmbeddings
from langchain_assisters import AssistersRerank as LangChainRerank
from llama_index_assisters import AssistersEmbedding
from llama_index_assisters import AssistersRerank as LlamaIndexRerank

from .local import beir, remembered
from .local.served import run_command
from .notebooks import NOTEBOOKS, as_page
from .pages import DOCS, ENVIRONMENT, Page, before, is_test, prepare, run, run_in_order
from .run_in_order import differs

PAGES = {path.stem: Page(path) for path in sorted(DOCS.glob("*.md"))}
GUIDES = [
    "bulk",
    "choosing",
    "embeddings",
    "evaluation",
    "langchain",
    "limits-and-cost",
    "llama-index",
    "long-documents",
    "moving",
    "servers",
    "testing-and-tracing",
    "without-a-key",
    "worker-processes",
]
# The ways in: they are gone through from top to bottom, and show what each step prints.
STARTS = [name for name in PAGES if name.startswith("start-")]
PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Of other projects, for their users' tests; a machine may lack them.
OTHERS_TOOLS = ("respx", "pytest_httpx")
PROGRAMS = [(guide, place) for guide in GUIDES for place in range(len(PAGES[guide].scripts))]
BLOCKS = [(guide, place) for guide in GUIDES for place in range(len(PAGES[guide].programs))]


@pytest.mark.slow  # each in a process of its own, which imports a framework
@pytest.mark.parametrize(("guide", "place"), PROGRAMS)
def test_the_code_runs_as_printed(guide: str, place: int, tmp_path: Path) -> None:
    code = PAGES[guide].scripts[place]
    for tool in OTHERS_TOOLS:
        if tool in code or tool.replace("pytest_httpx", "httpx_mock") in code:
            pytest.importorskip(tool)
    prepare(code, tmp_path)
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("guide", "place"), BLOCKS)
def test_every_block_says_something_that_can_be_false(guide: str, place: int) -> None:
    code = PAGES[guide].programs[place]
    statements = list(ast.walk(ast.parse(code)))
    asserts = any(isinstance(statement, ast.Assert) for statement in statements)
    # Blocks that only make what the next one looks at, and say so.
    prepares = guide == "moving" and "nodes = [" in code
    assert asserts or re.search(r"print\(.*\)  # \S", code) or prepares


@pytest.mark.slow
@pytest.mark.parametrize("name", STARTS)
def test_each_step_of_a_way_in_prints_what_is_shown(name: str, tmp_path: Path) -> None:
    if ".pdf" in PAGES[name].text:
        pytest.importorskip("fpdf")
        pytest.importorskip("llama_index.readers.file")
    done = run_in_order(PAGES[name], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", STARTS)
def test_a_way_in_is_short_makes_its_environment_and_shows_a_result(name: str) -> None:
    page = PAGES[name]
    assert len(page.text.splitlines()) < 130
    first = page.of("console")[0].splitlines()
    assert len(first) == len(ENVIRONMENT)
    for line, command in zip(first, ENVIRONMENT, strict=True):
        assert line.startswith(f"$ {command}")
    # What fits beside both menus of the site, without scrolling.
    assert max(len(line) for code in page.programs for line in code.splitlines()) <= 90
    assert page.steps[-1]["shown"]
    # What a block of code prints is shown, if it prints.
    for step in page.steps:
        code = step.get("code")
        assert not code or bool(step["shown"]) == ("print(" in code)
    assert {f"{name}.md" for name in STARTS} <= set(PAGES["README"].links)


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("a\nb", "a  b\n", False),  # wherever a terminal ends its lines
        ("took 1.0 s", "took 22 s", False),
        ("took 1.0 s", "took 22 h", True),
        ("a", "a b", True),
        ("a\n…", "a b c", False),
        ("…\nc", "a b c", False),
        ("…\nb\n…", "a b c", False),
        ("a\n…\nc", "a b c", False),
        ("…\nb\n…", "a bb c", True),
        ("a …", "a b", True),
        ("…\nc\n…\nb\n…", "a b c d", True),
    ],
)
def test_another_output_is_noticed(shown: str, printed: str, expected: bool) -> None:
    assert differs(shown, printed) is expected


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_begins_with_a_whole_example_and_holds_known_blocks_only(guide: str) -> None:
    page = PAGES[guide]
    assert {language for language, _ in page.blocks} <= {"python", "diff", "console", "yaml"}
    first = ast.parse(page.of("python")[0])
    assert isinstance(first.body[0], ast.Import | ast.ImportFrom)


def test_the_old_sides_are_python() -> None:
    changes = PAGES["moving"].of("diff")
    assert len(changes) == 11
    for change in changes:
        assert all(line.startswith("-") for line in change.splitlines())
        ast.parse(before(change))


@pytest.mark.parametrize(
    ("code", "code_of_exit"),
    [
        ("print(1 + 1)  # 2", 0),
        ("print(1 + 1)  # 3", 1),
        ("if 0:\n    print(1)  # 1", 1),
        ("for each in 'ab':\n    print(each)  # a; b", 0),
        ("print(2)\nassert __name__ == '__main__'", 0),
        ("assert 0", 1),
    ],
)
def test_wrong_output_is_noticed(code: str, code_of_exit: int, tmp_path: Path) -> None:
    assert run(code, tmp_path).returncode == code_of_exit


def test_what_is_a_test() -> None:
    assert is_test("x = 1\ndef test_x(): ...")
    assert not is_test("def tested(): ...")


def test_the_index_names_every_page() -> None:
    named = {link for link in PAGES["README"].links if "/" not in link}
    assert named == {f"{name}.md" for name in PAGES.keys() - {"README"}}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    for link in PAGES[name].links:
        file, _, anchor = link.partition("#")
        target = (DOCS / file).resolve() if file else PAGES[name].path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("guide", GUIDES + STARTS)
def test_the_commands_have_these_options(guide: str) -> None:
    for program, *words in PAGES[guide].commands:
        if program == "assisters-rerank":
            known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", help_of(words[0])))
            assert {word for word in words if word.startswith("-")} <= known
        elif program == "pip":
            assert_extras_exist(" ".join(words))
        elif not " ".join([program, *words]).startswith((*ENVIRONMENT, "python examples/")):
            assert program == "export"


# What code uses, by its import, and the distribution that has it, where that is not Python itself.
NEEDED = {
    "assisters_rerank": "httpx",
    "assisters_rerank.evaluate": "ir-measures",
    "assisters_rerank.local": "starlette",
    "daft": "daft",
    "dask": "dask",
    "httpx": "httpx",
    "langchain": "langchain",
    "langchain_assisters": "langchain-core",
    "langchain_classic": "langchain-classic",
    "langchain_core": "langchain-core",
    "langchain_core.vectorstores": "numpy",  # for the search in memory
    "langchain_text_splitters": "langchain-text-splitters",
    "langgraph": "langchain",  # which brings it
    "llama_index": "llama-index-core",
    "llama_index_assisters": "llama-index-core",
    "numpy": "numpy",
    "pandas": "dask",
    "pyarrow": "pyarrow",
    "pyspark": "pyspark",
    "pytest": "pytest",
    "ray": "ray",
    "respx": "respx",
    "tokenizers": "tokenizers",
}
README = Page(DOCS.parent / "README.md")
WITH_CODE = [README, *(page for page in PAGES.values() if page.programs)]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.path.stem)
def test_the_install_line_brings_all_that_the_code_needs(page: Page) -> None:
    assert missing(page) == set()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_so_does_that_of_a_notebook(notebook: Path, tmp_path: Path) -> None:
    page = as_page(notebook, tmp_path)
    first, *_ = page.of("console")
    (install, start) = first.splitlines()
    assert missing(page) == set()
    assert install.endswith(" jupyterlab")
    assert start == f"$ jupyter lab examples/notebook/{notebook.name}"


@pytest.mark.parametrize(
    ("extras", "code", "expected"),
    [
        ("local", "from assisters_rerank.local import LocalServer", set()),
        ("cli", "from assisters_rerank.local import LocalServer", {"starlette"}),
        ("eval,langchain", "import langchain_classic.retrievers", {"langchain-classic"}),
        ("demo", "import langchain_core, llama_index.core", set()),
        ("cli", 'Reranker(long_documents="split")', {"semantic-text-splitter"}),
        ("cli", "def test_a() -> None: ...", {"pytest"}),
        ("cli", "def test_a(httpx_mock: Any) -> None: ...", {"pytest", "pytest-httpx"}),
    ],
)
def test_a_missing_package_is_noticed(
    extras: str, code: str, expected: set[str], tmp_path: Path
) -> None:
    path = tmp_path / "page.md"
    path.write_text(f'`pip install "assisters-rerank[{extras}]"`\n```python\n{code}\n```\n')
    assert missing(Page(path)) == expected


def missing(page: Page) -> set[str]:
    """What a page's code needs and its first install line, or without one the core, brings not."""
    before_code = page.text.partition("```python")[0]
    install = r'(?:^\$ |`)pip install ("(?:\.|assisters-rerank)\[[^`\n]+)'
    lines = re.findall(install, before_code, re.MULTILINE)
    command = lines[0].replace('".[', '"assisters-rerank[') if lines else "assisters-rerank"
    code = "\n".join(page.programs)
    needed = {"semantic-text-splitter"} if '"split"' in code else set()
    if any(map(is_test, page.programs)):
        needed |= {"pytest"} | ({"pytest-httpx"} if "httpx_mock" in code else set())
    if "SimpleDirectoryReader" in code and "pdf" in code:
        needed |= {"llama-index-readers-file", "fpdf2"}
    for module in imported(code):
        top, *_ = names = list(accumulate(module.split("."), "{}.{}".format))
        assert top in sys.stdlib_module_names or top in NEEDED, f"{top} is in no distribution"
        needed |= {NEEDED[name] for name in names if name in NEEDED}
    return needed - installed(command)


def imported(code: str) -> Iterator[str]:
    for statement in ast.walk(ast.parse(code)):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield statement.module or ""


def installed(command: str) -> set[str]:
    """The distributions that the words behind `pip install` name, themselves or by an extra."""
    wanted = [Requirement(word) for word in shlex.split(command)]
    found = set()
    while wanted:
        requirement = wanted.pop()
        found.add(requirement.name)
        if requirement.name == PROJECT["name"]:
            wanted += map(Requirement, PROJECT["dependencies"])
            for extra in requirement.extras:
                wanted += map(Requirement, PROJECT["optional-dependencies"][extra])
    return found


def test_the_workflow_installs_what_there_is() -> None:
    (text,) = PAGES["without-a-key"].of("yaml")
    steps = yaml.safe_load(text)["jobs"]["test"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    assert commands[1] == "pytest tests"  # not those of the clone
    assert_extras_exist(commands[0])


@cache
def help_of(command: str) -> str:
    done = run_command([command, "--help"])
    assert done.returncode == 0
    return done.stdout


def assert_extras_exist(command: str) -> None:
    (extras,) = re.findall(r"(?:\.|assisters-rerank)\[([\w,-]+)\]", command)
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()


def table(guide: str, first_cell: str) -> dict[str, list[str]]:
    """The table whose head begins with this cell, by the first cell of each row."""
    _, _, rest = PAGES[guide].text.partition(f"| {first_cell} |")
    rows = rest.split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("| ").split("|")] for row in rows]
    return {row[0]: row[1:] for row in cells}


def test_the_plans_are_those_of_the_local_server() -> None:
    plans = table("limits-and-cost", "plan")
    assert plans.keys() == {"Free", "Developer", "Startup"}
    for name, (requests, per_minute, _) in plans.items():
        limits = PLANS[name.lower()]
        assert int(requests) == limits.requests_per_minute
        assert int(per_minute.replace(",", "")) == limits.tokens_per_minute


def test_the_embedders_options_are_complete_and_true() -> None:
    fields, of_rerankers = EmbeddingOptions.model_fields, Reranker.model_fields
    rows = {name.strip("`"): cells[0] for name, cells in table("embeddings", "option").items()}
    for name, default in rows.items():
        assert default.strip("`").replace('"', "'") == repr(fields[name].default), name
    _, _, rest = PAGES["embeddings"].text.partition("These are as for rerankers")
    alike = set(re.findall(r"`(\w+)`", rest.partition("\n\n")[0]))
    assert rows.keys() | alike == fields.keys()
    assert all(repr(fields[name]) == repr(of_rerankers[name]) for name in alike)
    assert not any(repr(fields[name]) == repr(of_rerankers.get(name)) for name in rows)


def test_the_estimates_errors_are_those_in_the_code() -> None:
    source = Path(tokens.__file__).read_text(encoding="utf-8")
    stated = {
        language: tuple(map(int, (mean, low, high, share)))
        for language, mean, low, high, share in re.findall(
            r"^#     (\w+) +([+-]\d+) \(.*?\) +([+-]\d+) to ([+-]\d+) +(\d+) %$",
            source,
            re.MULTILINE,
        )
    }
    shown = {
        name: tuple(map(int, re.findall(r"[+-]?\d+(?= %)", " ".join(cells))))
        for name, cells in table("long-documents", "text").items()
    }
    assert len(stated) == 5
    assert shown == stated


def test_latencies_and_prices_are_the_catalogues() -> None:
    bge, jina = (CATALOGUE[name] for name in ("bge-reranker-v2", "jina-reranker"))
    text = " ".join(PAGES["choosing"].text.split())
    for model in (bge, jina):
        assert "{}, {} and {} ms".format(*model.latency_ms.values()) in text
    cost = PAGES["limits-and-cost"].text
    for model in (bge, jina):
        # A hundred documents of 250 tokens, each with a query of 10.
        assert f"${100 * 260 * model.dollars_per_million_tokens / 1e6:.4f}" in cost
        assert f"${model.dollars_per_million_tokens:.2f}" in cost
    ratio = jina.dollars_per_million_tokens / bge.dollars_per_million_tokens
    assert f"{ratio:.1f} times" in PAGES["long-documents"].text


Found = dict[str, list[str]]
Values = npt.NDArray[np.float64]


@pytest.mark.slow
@pytest.mark.xdist_group("collections")
@pytest.mark.skipif(not beir.FOLDER.is_dir(), reason=f"needs the collections in {beir.FOLDER}")
def test_the_table_of_candidates_is_true() -> None:
    collection = remembered.collection("scifact")
    rows = table("choosing", "candidates")
    alone = rows.pop("not reranked")
    steps = []
    first_stages = (remembered.nearest("scifact"), remembered.first_stage("scifact"))
    for column, found in enumerate(first_stages):
        values = [ndcg(collection, found)]
        assert float(alone[column]) == pytest.approx(values[0].mean(), abs=0.002)
        scores = scored(collection, found)
        for candidates, cells in rows.items():
            some = {query: ids[: int(candidates)] for query, ids in found.items()}
            ranked = {
                query: sorted(ids, key=scores[query].__getitem__, reverse=True)
                for query, ids in some.items()
            }
            values.append(ndcg(collection, ranked))
            reached, share = map(float, re.findall(r"[\d.]+", cells[column]))
            assert reached == pytest.approx(values[-1].mean(), abs=0.002)
            assert share == pytest.approx(recall(collection, some), abs=0.002)
        steps.append([p_value(more - fewer) for fewer, more in pairwise(values)])
    assert len(steps[0]) == 4
    assert max(steps[0]) < 0.03
    assert min(steps[1]) > 0.1


def scored(collection: beir.Collection, found: Found) -> dict[str, dict[str, float]]:
    scorer = remembered.scorer("embedded")
    scores = {}
    for query, ids in found.items():
        texts = [collection.documents[document] for document in ids]
        values = scorer.score(collection.queries[query], texts)
        scores[query] = dict(zip(ids, values, strict=True))
    return scores


def ndcg(collection: beir.Collection, ranked: Found) -> Values:
    """Of each query."""
    relevant = collection.relevant
    return np.array([beir.ndcg_at_10(ids, relevant[query]) for query, ids in ranked.items()])


def recall(collection: beir.Collection, found: Found) -> float:
    relevant = collection.relevant
    return mean(
        len(relevant[query].keys() & ids) / len(relevant[query]) for query, ids in found.items()
    )


def p_value(differences: Values) -> float:
    """Of a two-sided randomisation test over the queries (Smucker et al., CIKM 2007)."""
    signs = np.random.default_rng(0).choice([-1, 1], size=(10_000, len(differences)))
    by_chance = np.abs((signs * differences).mean(axis=1))
    return float((by_chance >= abs(differences.mean()) - 1e-12).mean())


def test_the_page_on_workers_names_all_that_a_pickle_leaves_out() -> None:
    text = PAGES["worker-processes"].text
    for kind in (LangChainRerank, AssistersEmbeddings, LlamaIndexRerank, AssistersEmbedding):
        instance = kind()
        options = {name for name, field in kind.model_fields.items() if field.exclude}
        left_out = {name for name in options if not instance._is_pickled(name)}
        assert "extra_headers" in left_out
        assert not [name for name in sorted(left_out) if name not in text]
