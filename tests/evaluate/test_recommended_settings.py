"""The file of settings that an evaluation recommends, read back by `Reranker.from_file`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assisters_rerank import ConfigurationError, Dialect, Reranker
from assisters_rerank.evaluate import evaluate, save_settings
from assisters_rerank.evaluate.recommended_settings import KEPT
from assisters_rerank.evaluate.results import Figure
from assisters_rerank.local import LocalServer
from assisters_rerank.options.rerank_options import RerankOptions
from assisters_rerank.options.settings_file import read_settings

from .evaluations import ONE_MODEL, TWO_MODELS
from .judged import numbered

# Of time, money and the server; what the recommendation sets itself; what is about callers.
NOT_KEPT = {
    "base_url", "timeout", "max_retries", "max_concurrency", "requests_per_minute",
    "tokens_per_minute", "prices", "async_transport", "on_error", "passthrough_after",
    "model", "top_n", "score_threshold", "max_context_tokens", "cache_namespace",
}  # fmt: skip


def test_every_option_is_written_or_said_not_to_be() -> None:
    fields = {name for name, field in RerankOptions.model_fields.items() if not field.exclude}
    assert fields == {*KEPT, *NOT_KEPT}


def test_what_is_recommended(tmp_path: Path, server: LocalServer) -> None:
    collection, candidates = numbered(40)
    file = tmp_path / "rerank.toml"
    with (
        Reranker(base_url=server.base_url, api_key="sk-secret-1") as plain,
        Reranker(base_url=server.base_url, model="rerank-v1", long_documents="split",
                 max_tokens=300, api_key="sk-secret-2") as other,
    ):  # fmt: skip
        found = evaluate(collection, [plain, other], candidates=candidates, wanted_precision=0.02)
        save_settings(file, found, [plain, other], on=date(2026, 11, 29))
        best = found.models[0]
        text = file.read_text()
        assert text.startswith("# Recommended by assisters-rerank eval on 2026-11-29.\n")
        assert "# Collection: 'numbered', 40 queries, 30 candidates each from 'the given" in text
        figure = best.figures["nDCG@10"]
        assert f"interval {figure.low:+.3f} to {figure.high:+.3f}" in text
        assert "# Next to it: 'rerank-v1' " in text
        assert "secret" not in text
        assert "127.0.0.1" not in text
        settings = read_settings(file)
        threshold = best.threshold_for_precision
        assert threshold is not None
        assert settings == {
            "model": "bge-reranker-v2",
            "top_n": 10,
            "score_threshold": {"bge-reranker-v2": threshold},
        }
        save_settings(file, evaluate(collection, other, candidates=candidates), [other])
        assert Reranker.from_file(file).model_dump(include={"model", "long_documents", "top_n",
                                                            "max_tokens"}) == {
            "model": "rerank-v1", "long_documents": "split", "top_n": 10, "max_tokens": 300,
        }  # fmt: skip
        with pytest.raises(ConfigurationError, match="give those of the evaluation"):
            save_settings(file, found, [other])
        with pytest.raises(ConfigurationError, match=r"cannot be written"):
            save_settings(tmp_path / "none" / "x.toml", found, [plain, other])


def test_which_of_one_models_settings_when_one_ended_early(tmp_path: Path) -> None:
    file = tmp_path / "rerank.toml"
    rerankers = [Reranker(max_tokens=size, timeout=size) for size in (300, 400)]
    found = replace(TWO_MODELS, models=TWO_MODELS.models[:1], pairs=())
    with pytest.raises(ConfigurationError, match="without those that ended before their first"):
        save_settings(file, found, rerankers)
    assert not file.exists()
    save_settings(file, found, rerankers[1:])
    assert read_settings(file)["max_tokens"] == 400
    save_settings(file, found, [rerankers[0], rerankers[0].with_options(timeout=1)])
    assert read_settings(file)["max_tokens"] == 300


def test_a_share_is_rounded_down(tmp_path: Path) -> None:
    depth = TWO_MODELS.models[0].chosen_depth
    assert depth is not None
    for share, said in ((0.996, "99 %"), (0.57, "57 %"), (1.0, "100 %")):
        best = replace(TWO_MODELS.models[0], chosen_depth=replace(depth, share=share, holds=True))
        save_settings(tmp_path / "x.toml", replace(ONE_MODEL, models=(best,)), [Reranker()])
        assert f"candidates give {said} of the best gain" in (tmp_path / "x.toml").read_text()


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (Figure(0.7, 0.08, 0.05, 0.12, 0.001, 0.001, 140), "."),
        (Figure(0.7, 0.01, -0.02, 0.04, 0.6, 0.6, 140), "; it is not certain which of the two is "),
        (Figure(0.7, 0.0, 0.0, 0.0), "; it is not certain which of the two is better."),
    ],
)
def test_a_lead_that_may_be_chance_is_said(tmp_path: Path, difference: Figure, said: str) -> None:
    file = tmp_path / "rerank.toml"
    found = replace(TWO_MODELS, pairs=(replace(TWO_MODELS.pairs[0], difference=difference),))
    with Reranker() as best, Reranker(model="jina-reranker") as other:
        save_settings(file, found, [best, other])
    mean = f"{found.models[1].figures['nDCG@10'].mean:.3f}"
    assert f"# Next to it: 'jina-reranker' {mean}{said}" in file.read_text()


@pytest.mark.parametrize(
    "options",
    [
        {"extra_body": {"a": [True, "x", {"b": 1.5}], 'é "😀"\x7f\u2028': {"c": []}}},
        {"dialect": Dialect(path="/reranks", constants={"more": [1, {"d": False}]})},
        {"max_tokens": 300, "token_margin": 0.25, "score_activation": "sigmoid"},
        {"listwise": True, "max_documents_per_request": 40},
    ],
)
def test_options_of_every_kind_are_read_again(
    options: dict[str, Any], tmp_path: Path, server: LocalServer
) -> None:
    with Reranker(base_url=server.base_url, model="bge-reranker-v2") as plain:
        collection, candidates = numbered(2)
        found = evaluate(collection, plain, candidates=candidates)
        save_settings(tmp_path / "rerank.toml", found, [plain.with_options(**options)])
    again = Reranker.from_file(tmp_path / "rerank.toml", base_url=server.base_url)
    assert {name: getattr(again, name) for name in options} == options


@pytest.mark.parametrize(
    ("name", "value"),
    [("dialect", Dialect(top_n=None)), ("extra_body", {"a": [{"b": None}]})],
)
def test_what_toml_cannot_hold_is_named(
    name: str, value: object, tmp_path: Path, server: LocalServer
) -> None:
    with Reranker(base_url=server.base_url, model="bge-reranker-v2") as plain:
        collection, candidates = numbered(2)
        found = evaluate(collection, plain, candidates=candidates)
        save_settings(tmp_path / "rerank.toml", found, [plain.with_options(**{name: value})])
    assert (
        f"# Give in code, since TOML has no null: {name}.\n"
        in (tmp_path / "rerank.toml").read_text()
    )
    assert read_settings(tmp_path / "rerank.toml") == {"model": "bge-reranker-v2", "top_n": 10}


def test_one_model_twice(tmp_path: Path, server: LocalServer) -> None:
    """The results have the rerankers' order."""
    collection, candidates = numbered(3)
    with (
        Reranker(base_url=server.base_url, max_tokens=500) as one,
        Reranker(base_url=server.base_url, max_tokens=400) as other,
    ):
        found = evaluate(collection, [one, other], candidates=candidates)
        save_settings(tmp_path / "a", found, [one, other])
        assert read_settings(tmp_path / "a")["max_tokens"] == 500
