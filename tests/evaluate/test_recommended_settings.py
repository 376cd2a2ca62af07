"""The file of settings that an evaluation recommends, read back by `Reranker.from_file`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from assisters_rerank import ConfigurationError, Reranker
from assisters_rerank.evaluate import evaluate, save_settings
from assisters_rerank.local import LocalServer
from assisters_rerank.options.settings_file import read_settings

from .judged import numbered


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
