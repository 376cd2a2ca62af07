"""What servers report of a request, in their published words; the impossible is not reported."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from assisters_rerank.wire.billing import Billing
from assisters_rerank.wire.messages import Answer


def billing(content: dict[str, Any], **headers: str) -> Billing:
    named = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Billing.of(Answer(200, named, b""), content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # Jina, vLLM, infinity, Together: https://api.jina.ai/redoc
        ({"usage": {"total_tokens": 38, "prompt_tokens": 30}}, Billing(38)),
        ({"usage": {"prompt_tokens": 12, "completion_tokens": 0}}, Billing(12)),
        ({"usage": {"input_tokens": 12}}, Billing(12)),
        # Cohere: https://docs.cohere.com/reference/rerank
        ({"meta": {"billed_units": {"search_units": 2}}}, Billing(None, 2)),
        ({"meta": {"billed_units": {"search_units": 2.0}}}, Billing(None, 2)),
        # SiliconFlow: https://docs.siliconflow.cn/en/api-reference/rerank
        (
            {"meta": {"billed_units": {"input_tokens": 40, "search_units": 0},
                      "tokens": {"input_tokens": 41}}},
            Billing(40),
        ),
        ({"meta": {"tokens": {"input_tokens": 41}, "billed_units": None}}, Billing(41)),
        # ZeroEntropy: https://docs.zeroentropy.dev/api-reference/models/rerank
        ({"total_bytes": 120, "total_tokens": 30}, Billing(30)),
        # OpenRouter: https://openrouter.ai/docs/api-reference/rerank
        (
            {"usage": {"search_units": 1, "total_tokens": 150, "cost": 0.001}},
            Billing(150, 1, 0.001),
        ),
        # Pinecone: https://docs.pinecone.io/reference/api/2026-07/inference/rerank-results
        ({"usage": {"rerank_units": 1}}, Billing(None, 1)),
        ({"usage": {"total_tokens": 0}}, Billing()),
        ({"usage": {"cost": 0.0, "total_tokens": 5}}, Billing(5)),
        ({"usage": {"cost": -1, "total_tokens": 2.5}}, Billing()),
        ({"usage": {"cost": float("nan"), "total_tokens": True}}, Billing()),
        ({"usage": {"cost": "0.001", "search_units": "1"}}, Billing()),
        ({"usage": [], "meta": "x"}, Billing()),
        ({}, Billing()),
    ],
)  # fmt: skip
def test_bodies(content: dict[str, Any], expected: Billing) -> None:
    assert billing(content) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x_litellm_response_cost": "0.0002"}, Billing(cost=0.0002)),
        ({"x_litellm_response_cost": "2e-05"}, Billing(cost=2e-05)),
        ({"x_litellm_response_cost": "0.0"}, Billing()),
        ({"x_litellm_response_cost": "None"}, Billing()),
        ({"x_litellm_response_cost": "inf"}, Billing()),
        ({"x_compute_tokens": "17"}, Billing(17)),
        ({"x_assisters_local": "1"}, Billing(is_local=True)),
    ],
)
def test_headers(headers: dict[str, str], expected: Billing) -> None:
    assert billing({}, **headers) == expected
