"""Refusals of other servers, in their own words: each gets its class, and its message is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import httpx
import pytest
from pydantic import SecretStr

from assisters_rerank import (
    AuthenticationError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
    StatusError,
    TooLongError,
)
from assisters_rerank.wire.error_bodies import refusal
from assisters_rerank.wire.messages import Answer, Request


@dataclass(frozen=True)
class Case:
    """A refusal as it comes: `source` says who published it, or that it was seen."""

    source: str
    status: int
    body: object
    expected: type[StatusError]
    says: str
    headers: dict[str, str] = field(default_factory=dict)


def openai_like(message: str, kind: str | None = None, code: object = None) -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def google(status: str, message: str, reason: str) -> object:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}
    return {"error": {"code": 400, "message": message, "status": status, "details": [info]}}


LITELLM = "LiteLLM 1.108.7"  # its own source, or seen of it
TEI = "https://huggingface.github.io/text-embeddings-inference"
# Its page names the limits and codes; the words of its messages are abridged here.
PINECONE = "https://docs.pinecone.io/reference/api/errors, /database-limits"
CLOUDFLARE = "https://developers.cloudflare.com/workers-ai/platform/errors"
BEDROCK = "https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html"
AWS_JSON = "https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html"
GOOGLE = "https://cloud.google.com/apis/design/errors"
COHERE = "https://docs.cohere.com/docs/rate-limits"

CASES = [
    Case(LITELLM, 429, openai_like(
        "litellm.RateLimitError: Rate limit exceeded for api_key: 703e. Limit type: requests. "
        "Current limit: 30, Remaining: 0. Limit resets at: 2026-11-29 12:22:08 UTC",
        "throttling_error", "429"), RateLimitError, "Current limit: 30"),
    Case(LITELLM, 400, openai_like(
        "Budget has been exceeded! Current cost: 0.12, Max budget: 0.1", "budget_exceeded", "400"),
        QuotaExceededError, "Max budget"),
    Case(LITELLM, 429, openai_like(
        "Budget has been exceeded! Current cost: 0.12, Max budget: 0.1", "budget_exceeded", "429"),
        QuotaExceededError, "Max budget"),
    Case(LITELLM, 401, openai_like("Authentication Error, no such key", "auth_error", "401"),
        AuthenticationError, "no such key"),
    Case(LITELLM, 400, openai_like("Invalid model name passed in model=nope", "None", "400"),
        InvalidRequestError, "model=nope"),
    Case(LITELLM, 500, b"Internal Server Error", StatusError, "Internal Server Error"),
    Case(TEI, 422, b"Failed to deserialize the JSON body into the target type: missing field "
        b"`texts` at line 1 column 88", InvalidRequestError, "missing field `texts`"),
    Case(TEI, 413, {"error": "batch size 100 > maximum allowed batch size 32",
        "error_type": "Validation"}, InvalidRequestError, "max_documents_per_request"),
    Case(TEI, 429, {"error": "Model is overloaded", "error_type": "Overloaded"},
        RateLimitError, "overloaded"),
    Case("vLLM 0.32", 404, openai_like("The model `nope` does not exist.", "NotFoundError", 404),
        InvalidRequestError, "`nope`"),
    Case("vLLM 0.32", 401, {"error": "Unauthorized"}, AuthenticationError, "Unauthorized"),
    Case("vLLM 0.32", 400, openai_like(
        "This model's maximum context length is 128 tokens. However, you requested 5001 tokens",
        "BadRequestError", 400), TooLongError, "long_documents"),
    Case(PINECONE, 401, b"Invalid API Key", AuthenticationError, "Invalid API Key"),
    Case(PINECONE, 400, {"error": {"code": "INVALID_ARGUMENT", "message": "Model 'x' not found"},
        "status": 400}, InvalidRequestError, "INVALID_ARGUMENT"),
    Case(PINECONE, 429, {"error": {"code": "RESOURCE_EXHAUSTED", "message":
        "Request failed. You've reached the max rerank requests per minute"}, "status": 429},
        RateLimitError, "per minute"),
    Case(PINECONE, 429, {"error": {"code": "RESOURCE_EXHAUSTED", "message":
        "Request failed. You've reached the max rerank requests (500) for the current month"},
        "status": 429}, QuotaExceededError, "waiting does not help"),
    Case(PINECONE, 403, {"error": {"code": "QUOTA_EXCEEDED", "message":
        "Request failed. You've reached the max projects allowed"}, "status": 403},
        QuotaExceededError, "waiting does not help"),
    Case(CLOUDFLARE, 400, {"errors": [{"message": "AiError: Bad input", "code": 5006}],
        "success": False}, InvalidRequestError, "AiError: Bad input"),
    Case(CLOUDFLARE, 429, {"errors": [{"message": "You have used up your daily free allocation of "
        "10,000 neurons. Please upgrade to Cloudflare's Workers Paid plan", "code": 3036}],
        "success": False}, QuotaExceededError, "10,000 neurons"),
    Case(CLOUDFLARE, 429, {"errors": [{"message": "No more data centers to forward the request to",
        "code": 3040}], "success": False}, RateLimitError, "data centers"),
    Case(BEDROCK, 429, {"message": "Too many requests, please wait before trying again."},
        RateLimitError, "Too many requests", {"x-amzn-errortype": "ThrottlingException:http://x/"}),
    Case(BEDROCK, 400, {"message": "Your request exceeds the service quota for your account."},
        QuotaExceededError, "service quota",
        {"x-amzn-errortype": "ServiceQuotaExceededException"}),
    Case(BEDROCK, 403, {"message": "The security token included in the request is invalid."},
        AuthenticationError, "security token",
        {"x-amzn-errortype": "UnrecognizedClientException"}),
    Case(AWS_JSON, 400, {"__type": "com.amazonaws.x#ThrottlingException", "Message":
        "Rate exceeded"}, RateLimitError, "Rate exceeded"),
    Case(AWS_JSON, 400, {"__type": "ExpiredTokenException", "message": "The token is expired"},
        AuthenticationError, "api_key"),
    Case(AWS_JSON, 400, {"__type": "ValidationException", "Message": "1 validation error"},
        InvalidRequestError, "1 validation error"),
    Case(GOOGLE, 400, google("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
        "API_KEY_INVALID"), AuthenticationError, "api_key"),
    Case(GOOGLE, 400, [google("INVALID_ARGUMENT", "records: at most 200", "BAD_RECORDS")],
        InvalidRequestError, "at most 200"),
    Case(GOOGLE, 429, {"error": {"code": 429, "message": "Resource has been exhausted (e.g. check "
        "quota).", "status": "RESOURCE_EXHAUSTED"}}, RateLimitError, "check quota"),
    Case(GOOGLE, 403, google("PERMISSION_DENIED", "Permission denied on resource", "IAM"),
        AuthenticationError, "Permission denied"),
    Case(COHERE, 429, {"message": "You are using a Trial key, which is limited to 1000 API calls / "
        "month. You can continue to use the Trial key for free or upgrade"},
        QuotaExceededError, "1000 API calls"),
    Case(COHERE, 429, {"message": "You are using a Trial key, which is limited to 10 API calls / "
        "minute. You can continue to use the Trial key for free or upgrade"},
        RateLimitError, "10 API calls"),
    Case("https://jina.ai/api-dashboard", 402, {"detail": "Insufficient account balance"},
        QuotaExceededError, "Insufficient account balance"),
    Case("https://docs.siliconflow.com/en/faqs/error-code", 403,
        {"code": 30001, "message": "Sorry, your account balance is insufficient"},
        QuotaExceededError, "waiting does not help"),
    Case("https://docs.voyageai.com/docs/rate-limits", 429, {"detail":
        "You have not yet added your payment method in the billing page and will have reduced rate "
        "limits of 3 RPM and 10K TPM."}, RateLimitError, "3 RPM"),
    Case("https://help.aliyun.com/model-studio: error codes", 400, {"code": "Arrearage", "message":
        "Access denied, please make sure your account is in good standing."},
        QuotaExceededError, "good standing"),
    Case("https://cloud.ibm.com/apidocs/watsonx-ai", 404, {"errors": [{"code":
        "model_not_supported", "message": "Model 'x' is not supported"}], "trace": "t"},
        InvalidRequestError, "model_not_supported"),
    Case("FastAPI", 422, {"detail": [{"loc": ["body", "texts"], "msg": "field required"}]},
        InvalidRequestError, "field required"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.source[:24]}-{case.status}")
def test_each_refusal_has_its_class(case: Case) -> None:
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    answer = Answer(case.status, httpx.Headers(case.headers), body)
    error = refusal(answer, Request("https://host.test/v1/rerank", {}, b"", SecretStr("SECRET")))
    assert type(error) is case.expected, str(error)
    assert case.says in str(error)


@pytest.mark.parametrize("status", [400, 404, 422])
@pytest.mark.parametrize(
    "message",
    ["invalid document: 'the monthly report of an insufficient balance'", "topic: month by month"],
)
def test_words_of_a_document_do_not_make_a_quota(status: int, message: str) -> None:
    body = json.dumps({"detail": message}).encode()
    error = refusal(Answer(status, httpx.Headers(), body), Request("https://h/v1/rerank", {}, b""))
    assert type(error) is InvalidRequestError


@pytest.mark.parametrize("code", ["throttling", "budget_exceeded", "api_key_invalid"])
def test_codes_of_a_servers_own_failure_change_nothing(code: str) -> None:
    body = json.dumps({"error": {"message": "sorry", "code": code}}).encode()
    error = refusal(Answer(503, httpx.Headers(), body), Request("https://h/v1/rerank", {}, b""))
    assert type(error) is StatusError
    assert error.transient
