"""The notebooks run without a key, and what is stored in them is what they show."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from ..notebooks import NOTEBOOKS, differences, numbers, shown
from .conftest import EXAMPLES
from .this_machine_only import guard

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

# In one worker, so that each notebook is run only once.
pytestmark = pytest.mark.xdist_group("notebooks")

Run = Callable[[str], nbformat.NotebookNode]
NAMES = [path.stem for path in NOTEBOOKS]


def _path(name: str) -> Path:
    return EXAMPLES / "notebook" / f"{name}.ipynb"


def _read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(_path(name), as_version=4)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A copy of which every cell was run anew, once; none has failed, none has called strangers."""

    @cache
    def run(name: str) -> nbformat.NotebookNode:
        if name == "pdfs":
            pytest.importorskip("fpdf")
            pytest.importorskip("llama_index.readers.file")
        notebook = copy.deepcopy(_read(name))
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        folder = tmp_path_factory.mktemp("notebook")
        client = nbclient.NotebookClient(
            notebook,
            timeout=120,
            kernel_name="python3",
            resources={"metadata": {"path": str(EXAMPLES / "notebook")}},
        )
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the kernel's own connections
            patch.setenv("PYTHONPATH", str(guard(folder)))
            patch.setenv("IPYTHONDIR", str(folder))
            client.execute()
        return notebook

    return run


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_shows_what_is_stored(executed: Run, name: str) -> None:
    stored = _read(name)
    assert len(list(shown(stored))) > 6
    assert differences(stored, executed(name)) == []


def _with_table(html: str) -> dict[str, object]:
    table = {"output_type": "display_data", "data": {"text/html": [html]}}
    return {"cells": [{"outputs": [table]}]}


@pytest.mark.parametrize(
    ("html", "noticed"),
    [
        ("<style>other</style><td>0.713</td><td>Numb hands</td>", False),
        ("<td>0.723</td><td>Numb hands</td>", True),
        ("<td>0.712</td><td>Cold hands</td>", True),
        ("<td>0.712</td>", True),
    ],
)
def test_another_output_is_noticed(html: str, noticed: bool) -> None:
    stored = _with_table("<style>a {}</style><td>0.712</td><td>Numb hands</td>")
    assert bool(differences(stored, _with_table(html))) is noticed
    assert differences(stored, {"cells": [{"outputs": []}]}) == ["Other cells have outputs."]


@pytest.mark.slow
def test_the_right_section_comes_first(executed: Run) -> None:
    tables = [text for _, kind, text in shown(executed("reranking")) if kind == "html"]
    rows = re.findall(r"<tr>.*?(\d+) → <strong>(\d+)</strong>.*?</tr>", tables[0])
    assert [int(now) for _, now in rows] == [1, 2, 3, 4, 5]
    assert int(rows[0][0]) > 5
    assert "No documents." in tables[1]


@pytest.mark.slow
def test_the_figures_say_what_the_text_says(executed: Run) -> None:
    said = [text for _, kind, text in shown(executed("reranking")) if kind == "stdout"]

    (counts,) = (text for text in said if text.startswith("among the first"))
    lines = [numbers(line) for line in counts.splitlines()[1:]]
    vectors, reranked = ({n: row[i] for n, *row in lines} for i in (0, 1))
    assert reranked[1] >= vectors[3]  # one reranked text is as good as three of the nearest
    assert reranked[20] == vectors[20]

    (kept,) = (text for text in said if text.startswith("all  0.5  0.7"))
    rows = [[int(number) for number in line.split()[:3]] for line in kept.splitlines()[1:]]
    assert [everything for everything, *_ in rows] == [20, 20, 20]
    assert all(noiseless >= high > 0 for _, noiseless, high in rows[:2])
    assert rows[2][1:] == [0, 0]

    (cache,) = (text for text in said if text.startswith("first"))
    assert [numbers(line) for line in cache.splitlines()] == [[20, 0], [0, 20], [10, 20]]


@pytest.mark.slow
def test_the_passage_of_a_page_answers(executed: Run) -> None:
    said = [text for _, kind, text in shown(executed("pdfs")) if kind == "stdout"]
    (best,) = (text for text in said if "Hands go to sleep" in text)
    assert best.startswith("frame-and-fit.pdf, page ")
    chunks, passages = (numbers(line) for line in said[-1].splitlines())
    assert passages[0] > chunks[0]
    assert passages[1] > chunks[1]


@pytest.mark.slow
def test_a_question_without_an_answer_gets_nothing_above_the_threshold(executed: Run) -> None:
    said = [text for _, kind, text in shown(executed("vector_store")) if kind == "stdout"]
    (kept,) = (text for text in said if text.startswith("all  0.5"))
    rows = [[int(number) for number in line.split()[:2]] for line in kept.splitlines()[1:]]
    assert [everything for everything, _ in rows] == [20, 20, 20]
    assert rows[0][1] > 0
    assert rows[2][1] == 0


@pytest.mark.slow
def test_the_first_half_is_sure_and_the_kept_one_is_not(executed: Run) -> None:
    """As the text says of the model on this machine."""
    said = [text for _, kind, text in shown(executed("own_questions")) if kind == "stdout"]
    first, last = (text for text in said if "first  reranked  oracle" in text)
    *_, surely = numbers(first.splitlines()[-1])
    assert surely < 0.01
    vectors = last.splitlines()[-1]
    before, after, *_ = numbers(vectors)
    assert vectors.startswith("vectors")
    assert after < before
    assert any(text.startswith("Not clear:") for text in said)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_machine_is_stored(name: str) -> None:
    notebook, text = _read(name), _path(name).read_text(encoding="utf-8")
    nbformat.validate(notebook)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        assert not cell.metadata
        assert cell.cell_type == "markdown" or cell.execution_count
    assert not re.search(r"127\.0\.0\.1|localhost|/(home|Users|tmp|root|work)/|req-", text)
