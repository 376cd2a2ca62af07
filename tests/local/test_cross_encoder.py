from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from assisters_rerank.errors import ConfigurationError
from assisters_rerank.local import CrossEncoderScorer, LocalServer
from assisters_rerank.local.scorers.cross_encoder import _sigmoid

from .surroundings import BODY, connect, run_python

pytest.importorskip("onnx")

from . import tiny_cross_encoder

# Not imported, which takes half a second, by all who collect.
pytestmark = pytest.mark.skipif(not find_spec("fastembed"), reason="needs fastembed")

QUERY = "cats sleep"
DOCUMENTS = [
    "dogs bark",
    "cats sleep",
    "cats sleep all day long and all day long and all day long",
    "cats",
    "unknown words alone",
    "",
    "half a \ud83d character, cats",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_cross_encoder.write(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def scorer(folder: Path) -> CrossEncoderScorer:
    return CrossEncoderScorer(folder=folder)


def test_scores_are_the_sigmoid_of_the_models_logits(scorer: CrossEncoderScorer) -> None:
    expected = [
        _sigmoid(tiny_cross_encoder.expected_logit(QUERY, document)) for document in DOCUMENTS[:5]
    ]
    assert scorer.score(QUERY, DOCUMENTS[:5]) == pytest.approx(expected, abs=1e-6)
    assert len({round(score, 3) for score in expected}) == 4


def test_a_score_does_not_depend_on_the_other_documents(scorer: CrossEncoderScorer) -> None:
    whole = scorer.score(QUERY, DOCUMENTS)
    # Exactly, as for the other scorers: a split ranking has to be the same ranking.
    assert [scorer.score(QUERY, [document])[0] for document in DOCUMENTS] == whole
    assert scorer.score(QUERY, DOCUMENTS[::-1]) == whole[::-1]


def test_in_a_batch_the_models_scores_would_depend_on_the_other_documents(
    scorer: CrossEncoderScorer,
) -> None:
    """Or the test above could not fail."""
    encoder = scorer._encoder
    alone, together = (list(encoder.rerank(QUERY, DOCUMENTS[:3], batch_size=n)) for n in (1, 64))
    assert alone[2] == together[2]
    assert alone[:2] != together[:2]


def test_threads_share_it(scorer: CrossEncoderScorer) -> None:
    expected = scorer.score(QUERY, DOCUMENTS)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(scorer.score, QUERY, DOCUMENTS) for _ in range(16)]
    assert [job.result() for job in jobs] == [expected] * 16


def test_long_texts_are_cut_and_an_empty_list_is_one(scorer: CrossEncoderScorer) -> None:
    assert len(scorer.score(QUERY, ["cats " * 100_000])) == 1
    assert scorer.score(QUERY, []) == []


def test_behind_the_server(scorer: CrossEncoderScorer) -> None:
    body = BODY | {"query": QUERY, "documents": DOCUMENTS[:3]}
    with LocalServer(scorer=scorer) as server, connect(server) as client:
        answer = client.post("/rerank", json=body).json()
    assert answer["model"] == "local-cross-encoder/tiny"
    assert [result["index"] for result in answer["results"]] == [1, 2, 0]


def test_a_folder_as_on_the_hub_and_twice(tmp_path: Path, scorer: CrossEncoderScorer) -> None:
    nested = tiny_cross_encoder.write(tmp_path, "onnx/model.onnx")
    for _ in range(2):
        again = CrossEncoderScorer(folder=str(nested))
        assert again.score(QUERY, DOCUMENTS) == scorer.score(QUERY, DOCUMENTS)


def broken_folders(folder: Path) -> Iterator[tuple[Path, str]]:
    yield folder / "missing", "is not a folder"
    (folder / "empty").mkdir()
    yield folder / "empty", "has no model.onnx"
    broken = tiny_cross_encoder.write(folder / "broken")
    (broken / "model.onnx").write_bytes(b"not a model")
    yield broken, "cannot be loaded"
    silent = tiny_cross_encoder.write(folder / "silent")
    (silent / "tokenizer.json").unlink()
    yield silent, "tokenizer.json"


def test_folders_that_hold_no_model(tmp_path: Path) -> None:
    for folder, problem in broken_folders(tmp_path):
        with pytest.raises(ConfigurationError, match=problem) as caught:
            CrossEncoderScorer(folder=folder)
        assert str(folder) in str(caught.value)


def test_a_name_and_a_folder(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        CrossEncoderScorer("a/model", folder=folder)


def test_a_name_of_the_hub_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("FASTEMBED_CACHE_PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"nobody/no-such-model cannot .* local folder"):
        CrossEncoderScorer("nobody/no-such-model")


def test_without_fastembed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "fastembed"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastembed", None)
    with pytest.raises(ConfigurationError, match=r'pip install "assisters-rerank\[cross-encoder]"'):
        LocalServer(scorer="cross-encoder")._load()


def test_the_sigmoid_knows_no_overflow() -> None:
    assert [_sigmoid(logit) for logit in (-1e4, 0, 1e4)] == [0, 0.5, 1]
    assert _sigmoid(2) + _sigmoid(-2) == pytest.approx(1)


def test_nothing_of_it_is_loaded_before_it_is_needed() -> None:
    printed = run_python(
        "import sys\n"
        "from assisters_rerank.local import CrossEncoderScorer, LocalServer\n"
        "with LocalServer() as server: pass\n"
        "print({'fastembed', 'onnxruntime', 'numpy'} & set(sys.modules))\n"
    )
    assert printed == "set()\n"
