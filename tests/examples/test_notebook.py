"""The notebook runs without a key, and what is stored in it is what it shows."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterator

import pytest

from .conftest import EXAMPLES
from .this_machine_only import guard

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOK = EXAMPLES / "notebook" / "reranking.ipynb"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def _read() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def _shown(notebook: nbformat.NotebookNode) -> Iterator[tuple[int, str, str]]:
    """Cell, kind and text of each output; streams as one, however they came in pieces."""
    for place, cell in enumerate(notebook.cells):
        shown: dict[str, str] = {}
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                shown[output.name] = shown.get(output.name, "") + output.text
            else:
                shown["html"] = re.sub(
                    r"<style>.*?</style>", "", output.data["text/html"], flags=re.S
                )
        for kind, text in sorted(shown.items()):
            yield place, kind, text


def _numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in NUMBER.findall(text)]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """A copy whose every cell was run anew; none has failed, and none has called strangers."""
    notebook = copy.deepcopy(_read())
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    folder = tmp_path_factory.mktemp("notebook")
    client = nbclient.NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
    )
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the kernel's own connections
        patch.setenv("PYTHONPATH", str(guard(folder)))
        patch.setenv("IPYTHONDIR", str(folder))
        client.execute()
    return notebook


@pytest.mark.slow
def test_it_shows_what_is_stored(executed: nbformat.NotebookNode) -> None:
    stored, now = list(_shown(_read())), list(_shown(executed))
    assert [output[:2] for output in now] == [output[:2] for output in stored]
    for (place, kind, was), (_, _, text) in zip(stored, now, strict=True):
        assert NUMBER.sub("#", text) == NUMBER.sub("#", was), f"{kind} of cell {place}"
        # Scores have three decimals, and another machine may round the last one differently.
        assert _numbers(text) == pytest.approx(_numbers(was), rel=0.01, abs=0.002)


@pytest.mark.slow
def test_the_right_section_comes_first(executed: nbformat.NotebookNode) -> None:
    tables = [text for _, kind, text in _shown(executed) if kind == "html"]
    rows = re.findall(r"<tr>.*?(\d+) → <strong>(\d+)</strong>.*?</tr>", tables[0])
    assert [int(now) for _, now in rows] == [1, 2, 3, 4, 5]
    assert int(rows[0][0]) > 5
    assert "No documents." in tables[1]


@pytest.mark.slow
def test_the_figures_say_what_the_text_says(executed: nbformat.NotebookNode) -> None:
    said = [text for _, kind, text in _shown(executed) if kind == "stdout"]

    (counts,) = (text for text in said if text.startswith("among the first"))
    lines = [_numbers(line) for line in counts.splitlines()[1:]]
    vectors, reranked = ({n: row[i] for n, *row in lines} for i in (0, 1))
    assert reranked[1] >= vectors[3]  # one reranked text is as good as three of the nearest
    assert reranked[20] == vectors[20]

    (kept,) = (text for text in said if text.startswith("all  0.5  0.7"))
    rows = [[int(number) for number in line.split()[:3]] for line in kept.splitlines()[1:]]
    assert [everything for everything, *_ in rows] == [20, 20, 20]
    assert all(noiseless >= high > 0 for _, noiseless, high in rows[:2])
    assert rows[2][1:] == [0, 0]

    (cache,) = (text for text in said if text.startswith("first"))
    assert [_numbers(line) for line in cache.splitlines()] == [[20, 0], [0, 20], [10, 20]]


def test_nothing_of_a_machine_is_stored() -> None:
    notebook, text = _read(), NOTEBOOK.read_text(encoding="utf-8")
    nbformat.validate(notebook)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        assert not cell.metadata
        assert cell.cell_type == "markdown" or cell.execution_count
    assert not re.search(r"127\.0\.0\.1|localhost|/(home|Users|tmp|root|work)/|req-", text)
