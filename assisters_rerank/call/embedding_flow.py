"""The one implementation of an embedding call: a coroutine that awaits only its `Port`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial

from ..errors import ContractError
from ..net import Port
from ..options.embedding_options import EmbeddingOptions
from ..text.blocks import are_large
from ..text.tokens import TokenCounter, estimate_tokens
from ..usage import Usage
from ..wire import embedding_contract, validation
from ..wire.embedding_contract import Encoding, Vectors
from ..wire.messages import Answer, Recipient
from . import attempts
from .budget import Budget
from .state import State


async def embed(
    port: Port, options: EmbeddingOptions, state: State, texts: Sequence[str]
) -> list[list[float]]:
    """A vector for each text, in their order; the texts are not blank, and have their prefixes.

    Raises:
        AssistersError: see `assisters_rerank.errors`.
    """
    if not texts:
        return []
    places: dict[str, int] = {}
    source = [places.setdefault(text, len(places)) for text in texts]
    once = list(places)
    budget = Budget(port, options.timeout)
    recipient = options.recipient(embedding_contract.PATH)
    size = options.max_texts_per_request
    batches = [once[at : at + size] for at in range(0, len(once), size)]
    calls = [
        partial(_embed_batch, port, options, state, budget, recipient, batch) for batch in batches
    ]
    embedded = await attempts.side_by_side(port, budget, calls, options.max_concurrency)
    vectors = [vector for batch in embedded for vector in batch.by_index]
    _check_that_they_compare(options, embedded)
    if len(once) < len(texts):
        state.total_usage.add(Usage(documents_duplicate=len(texts) - len(once)))
        return [list(vectors[place]) for place in source]  # nobody's vector is another's too
    return vectors


def _check_that_they_compare(options: EmbeddingOptions, batches: Sequence[Vectors]) -> None:
    models = (batch.model for batch in batches)
    validation.one_model(models, "embedded", "vectors", options.redact)
    lengths = {len(batch.by_index[0]) for batch in batches}
    if len(lengths) > 1:
        raise ContractError(
            f"The parts of the list were embedded with vectors of different lengths "
            f"({', '.join(map(str, sorted(lengths)))})."
        )


async def _embed_batch(
    port: Port,
    options: EmbeddingOptions,
    state: State,
    budget: Budget,
    recipient: Recipient,
    texts: Sequence[str],
) -> Vectors:
    ask = partial(_ask, port, options, state, budget, recipient, texts)
    if state.base64_refused:
        return await ask("float")
    try:
        return await ask("base64")
    except _Base64RefusedError:
        pass
    vectors = await ask("float")
    state.base64_refused = True  # now that floats were taken, it was about that indeed
    return vectors


class _Base64RefusedError(Exception):
    """The server seems to refuse a request because of its encoding."""


async def _ask(
    port: Port,
    options: EmbeddingOptions,
    state: State,
    budget: Budget,
    recipient: Recipient,
    texts: Sequence[str],
    encoding: Encoding,
) -> Vectors:
    large = are_large(texts)
    encode = partial(
        embedding_contract.encode,
        recipient,
        options.model,
        texts,
        encoding,
        secrets.token_hex(16),
        options.extra_body,
        large=large,
    )
    request = await attempts.on_texts(budget, encode, "the request was written", large=large)

    async def validate(answer: Answer) -> Vectors:
        if encoding == "base64" and embedding_contract.refuses_base64(answer):
            raise _Base64RefusedError
        return await attempts.read(
            budget, answer, partial(embedding_contract.decode, answer, request, len(texts))
        )

    count = partial(_tokens, options, budget, texts, large=large)
    vectors, retries = await attempts.answered(
        port, options, state.pace, budget, request, count, validate
    )
    estimate = partial(sum, map(estimate_tokens, texts))
    tokens = await attempts.billed(vectors.billing, count, estimate)
    state.total_usage.add(
        Usage(
            models=(options.model,),
            requests=1,
            retries=retries,
            documents_sent=len(texts),
            total_tokens=tokens,
            tokens_estimated=vectors.billing.total_tokens is None,
            cost=options.cost(options.model, vectors.billing, tokens),
        )
    )
    return vectors


async def _tokens(
    options: EmbeddingOptions, budget: Budget, texts: Sequence[str], *, large: bool
) -> int:
    doing = "the texts' tokens were counted"
    counter = TokenCounter(options.count_tokens, budget.check(doing))
    count = partial(sum, map(counter, texts))
    large = large or options.count_tokens is not None  # which may take any time
    return await attempts.on_texts(budget, count, doing, large=large)
