"""Which encoder serves, and what its vectors promise."""

from __future__ import annotations

import logging
import math
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assisters_rerank.errors import ConfigurationError
from assisters_rerank.local import LocalServer, load_encoder
from assisters_rerank.local.scorers import encoder, static, word_vectors
from assisters_rerank.local.scorers.loaded_once import LoadedOnce

from .surroundings import connect, run_python

BODY = {"model": "e5-large-v2", "input": ["cats eat fish", "a dog"]}


@pytest.fixture
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "_loaded", LoadedOnce(lambda name: encoder._build_encoder(name)))
    monkeypatch.setattr(static, "word_vectors", cache(word_vectors.WordVectors))


def test_the_names() -> None:
    assert load_encoder().name == load_encoder("static").name == "local-static"
    assert load_encoder("hashed").name == "local-hashed"
    assert load_encoder() is load_encoder()
    for made in (lambda: load_encoder("e5"), lambda: LocalServer(encoder="e5")):  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="hashed"):
            made()


@pytest.mark.usefixtures("nothing_loaded")
def test_without_wordllama_terms_alone_are_embedded_and_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(word_vectors, "find_spec", lambda _: None)
    with LocalServer() as server, connect(server) as client:
        answers = [client.post("/embeddings", json=BODY).json() for _ in range(2)]
    assert [answer["model"] for answer in answers] == ["local-hashed"] * 2
    assert {len(entry["embedding"]) for entry in answers[0]["data"]} == {1024}
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [warning.getMessage() for warning in warnings] == [
        "wordllama is not installed: the local server embeds by terms only (local-hashed)"
    ]


def test_the_hashed_encoder_needs_nothing_but_python() -> None:
    printed = run_python(
        "import sys\n"
        "sys.modules['numpy'] = sys.modules['wordllama'] = None\n"
        "from assisters_rerank.local import load_encoder\n"
        "print(len(load_encoder('hashed').encode('a cat')))\n"
    )
    assert printed == "1024\n"


def test_scorer_and_encoder_share_the_word_vectors() -> None:
    from assisters_rerank.local.scorers.embedded import EmbeddedScorer

    assert EmbeddedScorer()._vectors is static.StaticEncoder()._vectors


@settings(max_examples=60, deadline=None, derandomize=True)
@given(text=st.text(min_size=1, max_size=40))
def test_every_text_has_a_vector_of_length_1(text: str) -> None:
    for name, dimensions in (("static", 256), ("hashed", 1024)):
        vector = load_encoder(name).encode(text)
        assert len(vector) == dimensions
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-9)
        assert load_encoder(name).encode(text) == vector


@pytest.mark.parametrize("name", ["static", "hashed"])
def test_the_order_of_words_and_their_spacing_do_not_matter(name: str) -> None:
    encode = load_encoder(name).encode
    words = ["the", "cat", "sat", "on", "the", "mat", "and", "slept"]
    assert encode(" ".join(words)) == encode("\n".join(reversed(words)))


def cosine(name: str, one: str, other: str) -> float:
    encode = load_encoder(name).encode
    return sum(x * y for x, y in zip(encode(one), encode(other), strict=True))


def test_the_static_encoder_knows_synonyms_and_the_hashed_one_words() -> None:
    assert cosine("static", "car repair", "automobile") > cosine("static", "car repair", "banana")
    assert cosine("hashed", "a horse eats hay", "the horse") > 0.3
    assert cosine("hashed", "function words are the least", "the car") < 0.1
