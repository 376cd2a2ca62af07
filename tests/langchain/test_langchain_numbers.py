"""The score in the metadata is a float that JSON takes, wherever it came from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document

from assisters_rerank import CachedScore
from langchain_assisters import AssistersRerank

from ..plugins.cases import QUERY, TEXTS


class Numpys:
    """A user's cache, which keeps scores as numpy's numbers."""

    def get_many(self, keys: Sequence[str]) -> dict[str, CachedScore]:
        return {key: CachedScore(np.float64(place / 8), "m") for place, key in enumerate(keys)}

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        raise AssertionError("everything was known")


@pytest.mark.parametrize("scores_from", ["cache", "server"])
async def test_scores_come_through_json(
    scores_from: str,
    colour: str,
    documents: list[Document],
    answering: Callable[..., AssistersRerank],
) -> None:
    whole = [{"index": i, "relevance_score": i} for i in range(len(TEXTS))]
    options: dict[str, Any] = {"cache": Numpys()} if scores_from == "cache" else {}
    compressor = answering(200, {"results": whole}, **options)
    if colour == "sync":
        found = compressor.compress_documents(documents, QUERY)
    else:
        found = await compressor.acompress_documents(documents, QUERY)
    scores = [document.metadata["relevance_score"] for document in found]
    assert {type(score) for score in scores} == {float}
    step = 8 if scores_from == "cache" else 1
    assert scores == [place / step for place in reversed(range(len(TEXTS)))]
    again = json.loads(json.dumps([document.metadata for document in found], allow_nan=False))
    assert again == [document.metadata for document in found]
