"""Settings from a TOML file, in all three faces: read, refused, and never a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from assisters_rerank import ConfigurationError, Reranker
from assisters_rerank.options.settings_file import read_rerankers
from langchain_assisters import AssistersRerank as LangChainRerank
from llama_index_assisters import AssistersRerank as LlamaIndexRerank

FACES = [Reranker, LangChainRerank, LlamaIndexRerank]

GOOD = """
# as eval writes it
[reranker]
model = "jina-reranker"
top_n = 7
score_threshold = { "jina-reranker" = 0.25 }
long_documents = "split"

[first_stage]
candidates = 50
"""


def written(at: Path, text: str) -> Path:
    file = at / "rerank.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("face", FACES)
def test_all_faces_read_it(tmp_path: Path, face: type[Reranker]) -> None:
    reranker = face.from_file(written(tmp_path, GOOD))
    assert type(reranker) is face
    assert (reranker.model, reranker.top_n) == ("jina-reranker", 7)
    assert reranker.score_threshold == {"jina-reranker": 0.25}
    assert reranker.long_documents == "split"


@pytest.mark.parametrize("face", FACES)
def test_options_take_the_place_of_the_files(tmp_path: Path, face: type[Reranker]) -> None:
    reranker = face.from_file(str(written(tmp_path, GOOD)), top_n=None, api_key="sk-1")
    assert (reranker.top_n, reranker.model) == (None, "jina-reranker")
    assert reranker.api_key is not None


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[reranker]\ntopn = 3\n", ": [reranker] Unknown option topn; did you mean top_n?"),
        ("[reranker]\ntop_n = -3\n", ": [reranker] top_n: "),
        ("[reranker]\napi_key = 'sk-1'\n", ": [reranker]: api_key cannot stand in a file; "),
        ("[reranker]\nextra_headers = { a = 'b' }\n", "extra_headers cannot stand in a file"),
        ("[reranker]\ncache = 'x'\n", ": [reranker]: cache cannot stand in a file; "),
        ("[rerank]\n", ": 'rerank' is not known; the tables are [reranker] and [first_stage]."),
        ("model = 'x'\n", ": 'model' is not known; the tables are "),
        ("[first_stage]\ncandidates = 3\n", ": there is no table [reranker] in it."),
        ("[reranker]\n[first_stage]\ndepth = 3\n", ": [first_stage] takes candidates, a whole "),
        ("[reranker]\n[first_stage]\ncandidates = true\n", ": [first_stage] takes candidates, "),
        ("[reranker\n", ": it is not TOML: "),
    ],
)
def test_refused(tmp_path: Path, face: type[Reranker], text: str, said: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        face.from_file(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert said in message
    assert "sk-1" not in message
    assert "\n" not in message


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml cannot be read: No such file"):
        Reranker.from_file(tmp_path / "none.toml")


RERANKERS = """
[[reranker]]
model = "rerank-2.5"
dialect = "voyage"
key_variable = "MY_VOYAGE_KEY"

[[reranker]]
model = "local"
base_url = "http://127.0.0.1:9/v1"
"""


def test_rerankers_of_any_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, RERANKERS)
    monkeypatch.delenv("MY_VOYAGE_KEY", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        read_rerankers(file)
    assert str(caught.value) == (
        f"{file}: [[reranker]] 1: key_variable names 'MY_VOYAGE_KEY', and no environment variable "
        "of this name is set; set it to the key."
    )
    monkeypatch.setenv("MY_VOYAGE_KEY", "pa-1")
    voyage, local = (Reranker(**options) for options in read_rerankers(file))
    assert voyage.api_key is not None
    assert voyage.api_key.get_secret_value() == "pa-1"
    assert (voyage.model, local.model, local.api_key) == ("rerank-2.5", "local", None)


@pytest.mark.parametrize("text", ["", "[reranker]\nmodel = 'x'\n", RERANKERS + "[other]\n"])
def test_no_list_of_rerankers(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"give a table \[\[reranker\]\] for each"):
        read_rerankers(written(tmp_path, text))
