"""Sync, asyncio, trio, in batches or not: one result, over ports and over the local server."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assisters_rerank import Embedder
from assisters_rerank.call import embedding_flow
from assisters_rerank.call.state import State
from assisters_rerank.errors import AssistersError, InvalidRequestError
from assisters_rerank.net import run_blocking
from assisters_rerank.options.embedding_options import EmbeddingOptions
from assisters_rerank.wire.messages import Answer, Request

from .answers import answer, refused
from .embeddings import URL, embedded, payload_of, vector
from .texts import lists, on_the_wire
from .worlds import OnTheLoop, OnThreads, Shuffling

if TYPE_CHECKING:
    from assisters_rerank.local import LocalServer

Vectors = list[list[float]]
Runner = Callable[[Coroutine[Any, Any, Vectors]], Vectors]


class Embedding(Shuffling):
    """Answers in an order of its own; `fails_on` names a text whose request fails."""

    refuses_base64 = False

    def reply(self, request: Request) -> Answer:
        payload = payload_of(request)
        if self.refuses_base64 and payload["encoding_format"] == "base64":
            return answer({"error": {"message": "encoding_format"}}, 400)
        if self.failing is not None and self.fails_on in payload["input"]:
            return self.failing()
        with self.lock:
            self.asked += payload["input"]
            return answer(embedded(payload, self.orders))


class EmbeddingOnThreads(Embedding, OnThreads):
    reply = Embedding.reply


class EmbeddingOnTheLoop(Embedding, OnTheLoop):
    reply = Embedding.reply


def on_trio(coroutine: Coroutine[Any, Any, Vectors]) -> Vectors:
    async def main() -> Vectors:
        return await coroutine

    return trio.run(main)


WORLDS: dict[str, tuple[type[Embedding], Runner]] = {
    "sync": (EmbeddingOnThreads, run_blocking),
    "asyncio": (EmbeddingOnTheLoop, asyncio.run),
    "trio": (EmbeddingOnTheLoop, on_trio),
}

no_blanks = lists.map(lambda texts: [text for text in texts if text.strip()])


def embed(world: str, port: Embedding, texts: list[str], state: State, **options: Any) -> Vectors:
    _, run = WORLDS[world]
    settings = EmbeddingOptions(base_url=URL, **options)
    return run(embedding_flow.embed(port, settings, state, texts))


@settings(max_examples=60)
@given(
    texts=no_blanks,
    size=st.integers(1, 13),
    seed=st.integers(0, 9),
    refuses=st.booleans(),
)
def test_all_worlds_agree_with_the_server(
    texts: list[str], size: int, seed: int, refuses: bool
) -> None:
    expected = [vector(text) for text in texts]
    usages = []
    for world, (port_of, _) in WORLDS.items():
        port, state = port_of(seed), State()
        port.refuses_base64 = refuses
        found = embed(world, port, texts, state, max_texts_per_request=size, max_concurrency=3)
        assert found == expected
        assert sorted(port.asked) == sorted(on_the_wire(text) for text in dict.fromkeys(texts))
        usages.append(state.total_usage.sum)
    assert usages[0] == usages[1] == usages[2]
    assert usages[0].requests == -(-len(set(texts)) // size)


@pytest.mark.parametrize("status", [400, 401, 413, 501])
def test_all_worlds_raise_the_same_error(status: int) -> None:
    raised: list[AssistersError] = []
    for world, (port_of, _) in WORLDS.items():
        port = port_of(1, failing=lambda: refused(status), fails_on="5")
        texts = [str(place) for place in range(12)]
        with pytest.raises(AssistersError) as caught:
            embed(world, port, texts, State(), max_texts_per_request=2, max_retries=0)
        raised.append(caught.value)
    assert len({(type(error), str(error)) for error in raised}) == 1


def without_the_extra(coroutine: Coroutine[Any, Any, Vectors]) -> Vectors:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSISTERS_ASYNC_TRANSPORT", "httpx")
        return asyncio.run(coroutine)


REAL: dict[str, Callable[[Embedder, list[str]], Vectors]] = {
    "sync": lambda embedder, texts: embedder.embed_documents(texts),
    "asyncio": lambda embedder, texts: asyncio.run(embedder.aembed_documents(texts)),
    "asyncio-httpx": lambda embedder, texts: without_the_extra(embedder.aembed_documents(texts)),
    "trio": lambda embedder, texts: on_trio(embedder.aembed_documents(texts)),
}


@settings(max_examples=25)
@given(texts=no_blanks, size=st.integers(1, 13))
@example(["refund \ud83d", "\ud83d", "a refund\x00", "a refund", "a refund"], 2)
def test_all_worlds_agree_with_the_encoder_itself(
    local_server: LocalServer, texts: list[str], size: int
) -> None:
    from assisters_rerank.local import load_encoder

    encode = load_encoder().encode
    expected = [array("f", encode(on_the_wire(text))).tolist() for text in texts]
    for call in REAL.values():
        for each in (size, 100):
            with Embedder(
                base_url=local_server.base_url, model="bge-base-en", max_texts_per_request=each
            ) as embedder:
                assert call(embedder, texts) == expected


def test_a_thousand_texts_come_back_in_their_order(local_server: LocalServer) -> None:
    texts = [f"{place} refund {'days ' * (place % 7)}" for place in range(1000)]
    before = len(local_server.embedding_requests)
    found = [
        call(Embedder(base_url=local_server.base_url), texts)  # with prefixes
        for call in REAL.values()
    ]
    assert all(vectors == found[0] for vectors in found)
    alone = Embedder(base_url=local_server.base_url)
    for place in (0, 99, 100, 555, 999):
        assert alone.embed_query(texts[place]) == found[0][place]
    asked = local_server.embedding_requests[before:]
    assert [len(each.texts) for each in asked] == [100] * 10 * len(REAL) + [1] * 5
    assert {each.encoding_format for each in asked} == {"base64"}
    assert all(each.texts[0].startswith("passage: ") for each in asked[:-5])


def test_all_worlds_are_told_of_a_model_that_is_none(local_server: LocalServer) -> None:
    for call in REAL.values():
        with pytest.raises(InvalidRequestError, match="no model 'gpt'") as caught:
            call(Embedder(base_url=local_server.base_url, model="gpt"), ["a"])
        assert caught.value.code == "invalid_model"
