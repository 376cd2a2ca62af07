"""Sync, asyncio, trio, sharded or not: one result, over servers that answer in any order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assisters_rerank.errors import AssistersError, TransportError
from assisters_rerank.wire.messages import Answer

from ..answers import answer, refused, score
from ..texts import lists, on_the_wire
from ..worlds import WORLDS, ranked


def reference(
    texts: list[str], top_n: int | None, threshold: float | None
) -> list[tuple[int, float]]:
    """What a call should give, written down as plainly as possible."""
    scores = {i: score(on_the_wire(text)) for i, text in enumerate(texts) if text.strip()}
    blank = min([0.0, *scores.values()])
    everything = [
        *sorted(scores.items(), key=lambda item: -item[1]),
        *((i, blank) for i in range(len(texts)) if i not in scores),
    ]
    return [pair for pair in everything if threshold is None or pair[1] >= threshold][:top_n]


@settings(max_examples=200)
@given(
    texts=lists,
    size=st.integers(1, 13),
    concurrency=st.integers(1, 4),
    top_n=st.none() | st.integers(0, 14),
    threshold=st.none() | st.sampled_from([-0.5, -1 / 6, 0.0, 1 / 6, 0.5, 0.6]),
    seed=st.integers(0, 1000),
)
@example(["\ud83d", "\udfff", "a", "\ufffd", "a"], 1, 2, 3, None, 0)
def test_all_worlds_agree_with_a_plain_reference(
    texts: list[str],
    size: int,
    concurrency: int,
    top_n: int | None,
    threshold: float | None,
    seed: int,
) -> None:
    expected = reference(texts, top_n, threshold)
    for world, (port, _) in WORLDS.items():
        for shard in (size, 100):
            ranking = ranked(
                world,
                port(seed),
                texts,
                top_n,
                threshold,
                max_documents_per_request=shard,
                max_concurrency=concurrency,
            )
            assert [(r.index, r.relevance_score) for r in ranking] == expected
            assert [r.text for r in ranking] == [texts[r.index] for r in ranking]


def broken() -> Answer:
    raise TransportError("reset")


def stumbled() -> Answer:
    raise LookupError("none of ours")


FAILURES: dict[str, Callable[[], Answer]] = {
    "401": lambda: refused(401),
    "402": lambda: refused(402),
    "422": lambda: refused(422),
    "429": lambda: refused(429, retry_after="3600"),
    "503": lambda: refused(503),
    "contract": lambda: answer({"results": None}),
    "transport": broken,
    "foreign": stumbled,
}


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("failing", FAILURES.values(), ids=FAILURES)
def test_all_worlds_raise_the_same_error(failing: Callable[[], Answer], size: int) -> None:
    raised: list[Exception] = []
    for world, (port, _) in WORLDS.items():
        with pytest.raises((AssistersError, LookupError)) as caught:
            ranked(
                world,
                port(1, failing, "d"),
                ["a", "b", "c", "d", "e"],
                max_documents_per_request=size,
            )
        raised.append(caught.value)
    assert len({type(error) for error in raised}) == 1
    assert len({str(error) for error in raised}) == 1
