"""What LlamaIndex's instrumentation and its callback manager are told about embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload
from llama_index.core.instrumentation.events.embedding import (
    EmbeddingEndEvent,
    EmbeddingStartEvent,
)
from llama_index.core.instrumentation.events.span import SpanDropEvent
from llama_index.core.storage.kvstore import SimpleKVStore

from assisters_rerank import AuthenticationError, ConfigurationError
from llama_index_assisters import AssistersEmbedding

from ..plugins.cases import KEY, QUERY, REFUSED, TEXTS
from ..plugins.vectors import Wire, vector_of, vectors_of
from .recorder import Legacy, Recorded, recording

# What LlamaIndex calls in both colours, the plugin's method beneath that has a span of its own
# (batches have events of their own instead), the argument, and the texts of each batch.
CALLS: dict[str, tuple[dict[str, str], dict[str, str], Any, list[list[str]]]] = {
    "query": (
        {"sync": "get_query_embedding", "async": "aget_query_embedding"},
        {"sync": "_get_query_embedding", "async": "_aget_query_embedding"},
        QUERY,
        [[QUERY]],
    ),
    "text": (
        {"sync": "get_text_embedding", "async": "aget_text_embedding"},
        {"sync": "_get_text_embedding", "async": "_aget_text_embedding"},
        TEXTS[0],
        [[TEXTS[0]]],
    ),
    "batches": (
        {"sync": "get_text_embedding_batch", "async": "aget_text_embedding_batch"},
        {},
        list(TEXTS),
        [list(TEXTS[:5]), list(TEXTS[5:])],
    ),
}


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with recording() as everything:
        yield everything


@pytest.fixture
def legacy() -> Legacy:
    return Legacy()


@pytest.fixture
def embedding(legacy: Legacy) -> AssistersEmbedding:
    return AssistersEmbedding(
        api_key=KEY,
        embed_batch_size=5,
        callback_manager=CallbackManager([legacy]),
        **Wire().options(),
    )


async def called(
    embedding: AssistersEmbedding, colour: str, call: str, given: str | None = None
) -> Any:
    methods, _, argument, _ = CALLS[call]
    found = getattr(embedding, methods[colour])(argument if given is None else given)
    return found if colour == "sync" else await found


@pytest.mark.parametrize("call", CALLS)
async def test_starts_and_ends_are_paired_inside_the_calls_span(
    colour: str, call: str, embedding: AssistersEmbedding, recorded: Recorded
) -> None:
    found = await called(embedding, colour, call)
    methods, beneath, _, batches = CALLS[call]
    outer = recorded.span(f"AssistersEmbedding.{methods[colour]}")
    starts = [event for event in recorded.events if isinstance(event, EmbeddingStartEvent)]
    ends = [event for event in recorded.events if isinstance(event, EmbeddingEndEvent)]
    assert {event.span_id for event in [*starts, *ends]} == {outer.id}
    assert [start.model_dict["model_name"] for start in starts] == ["e5-large-v2"] * len(batches)
    assert [end.chunks for end in ends] == batches
    prefix = "query: " if call == "query" else "passage: "
    assert [end.embeddings for end in ends] == [vectors_of(batch, prefix) for batch in batches]
    assert outer.result == found
    inner = [f"AssistersEmbedding.{beneath[colour]}"] if beneath else []
    spans = [span for span in recorded.spans.values() if span is not outer]
    assert [(span.called, span.parent) for span in spans] == [(name, outer.id) for name in inner]
    assert all(span.ended for span in spans)
    assert KEY not in recorded.everything()


@pytest.mark.parametrize("call", CALLS)
async def test_the_callback_manager_is_told(
    colour: str, call: str, embedding: AssistersEmbedding, legacy: Legacy
) -> None:
    await called(embedding, colour, call)
    batches = CALLS[call][3]
    starts = [told for told in legacy.told if told[0] == "start"]
    ends = [told for told in legacy.told if told[0] == "end"]
    assert {told[1] for told in legacy.told} == {CBEventType.EMBEDDING}
    assert [told[3] for told in starts] == [told[3] for told in ends]
    assert [end[2][EventPayload.CHUNKS] for end in ends] == batches
    for start in starts:
        assert start[2][EventPayload.SERIALIZED]["model_name"] == "e5-large-v2"
    assert KEY not in repr(legacy.told)


@pytest.mark.parametrize("call", CALLS)
async def test_a_failure_drops_the_span_and_never_shows_the_key(
    colour: str, call: str, legacy: Legacy, recorded: Recorded
) -> None:
    embedding = AssistersEmbedding(
        api_key=KEY, callback_manager=CallbackManager([legacy]), **Wire(REFUSED).options()
    )
    with pytest.raises(AuthenticationError) as raised:
        await called(embedding, colour, call)
    outer = recorded.span(f"AssistersEmbedding.{CALLS[call][0][colour]}")
    assert outer.error is raised.value
    dropped = [event for event in recorded.events if isinstance(event, SpanDropEvent)]
    assert outer.id in {event.span_id for event in dropped}
    assert KEY not in recorded.everything() + repr(legacy.told)


async def test_a_blank_text_is_told_as_a_failure(
    colour: str, embedding: AssistersEmbedding, recorded: Recorded
) -> None:
    with pytest.raises(ConfigurationError):
        await called(embedding, colour, "text", " ")
    outer = recorded.span(f"AssistersEmbedding.{CALLS['text'][0][colour]}")
    assert isinstance(outer.error, ConfigurationError)


def test_the_payload_holds_no_secret(embedding: AssistersEmbedding) -> None:
    if not hasattr(embedding, "to_payload"):  # llama-index-core 0.14.18 tells to_dict instead
        payload = embedding.to_dict()
    else:
        payload = embedding.to_payload()
        assert payload.keys() == {"class_name", "model_name", "embed_batch_size"}
    assert payload["class_name"] == "AssistersEmbedding"
    assert payload["model_name"] == "e5-large-v2"
    assert KEY not in repr(payload)


def test_a_cached_vector_is_told_too(embedding: AssistersEmbedding, recorded: Recorded) -> None:
    embedding.embeddings_cache = SimpleKVStore()
    for _ in range(2):
        embedding.get_query_embedding(QUERY)
    ends = [event for event in recorded.events if isinstance(event, EmbeddingEndEvent)]
    assert [end.embeddings for end in ends] == [[vector_of(f"query: {QUERY}")]] * 2
    assert "SimpleKVStore" not in repr([event.model_dump() for event in recorded.events])
