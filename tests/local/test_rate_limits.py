from __future__ import annotations

import time

import pytest

from assisters_rerank import RateLimitError, Reranker, estimate_tokens
from assisters_rerank.errors import ConfigurationError
from assisters_rerank.local import LocalServer, RateLimits
from assisters_rerank.local.http.rate_limiter import PLANS, RateWindow
from assisters_rerank.local.http.refusal import Refusal

from .surroundings import BODY, Steered, connect

SMALL = BODY | {"query": "a" * 8, "documents": ["b", "c"]}
SMALL_TOKENS = 2 * estimate_tokens("a" * 8) + estimate_tokens("b") + estimate_tokens("c")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock, to be set by the test."""
    now = [1000.0]
    monkeypatch.setattr("assisters_rerank.local.http.rate_limiter.time.time", lambda: now[0])
    return now


def test_the_window_begins_anew_when_it_is_over(now: list[float]) -> None:
    window = RateWindow(RateLimits(2, 10))
    window.admit(4)
    window.admit(4)
    with pytest.raises(Refusal, match="2 requests"):
        window.admit()
    assert window.headers() == {
        "X-RateLimit-Limit-RPM": "2",
        "X-RateLimit-Remaining-RPM": "0",
        "X-RateLimit-Reset-RPM": "1060",
        "X-RateLimit-Limit-TPM": "10",
        "X-RateLimit-Remaining-TPM": "2",
        "X-RateLimit-Reset-TPM": "1060",
    }
    now[0] += 60
    window.admit()
    told = window.headers()
    assert (told["X-RateLimit-Remaining-RPM"], told["X-RateLimit-Remaining-TPM"]) == ("1", "10")
    assert told["X-RateLimit-Reset-RPM"] == "1120"


def test_a_window_begins_with_its_first_request(now: list[float]) -> None:
    window = RateWindow()
    assert window.describe()["requests"]["reset"] == 1060
    now[0] += 500
    assert window.describe()["requests"]["reset"] == 1560


def test_limits_that_are_not_enforced_are_told_and_never_run_out(now: list[float]) -> None:
    window = RateWindow()
    for _ in range(600):
        window.admit(10_000)
    assert window.describe() == {
        "requests": {"limit": 500, "remaining": 500, "reset": 1060},
        "tokens": {"limit": 5_000_000, "remaining": 5_000_000, "reset": 1060},
    }


def test_a_client_that_obeys_the_headers_need_not_wait_for_limits_that_are_not_there() -> None:
    # More tokens than the plan that the headers tell of: to wait for its end would take a minute.
    with (
        LocalServer(scorer=Steered(lambda _: 0.5)) as server,
        Reranker(base_url=server.base_url, timeout=20) as reranker,
    ):
        for _ in range(3):
            reranker.rerank("q", ["中" * 3_000_000])
    assert reranker.total_usage.total_tokens > 5_000_000
    assert [recorded.status for recorded in server.requests] == [200] * 3


@pytest.mark.parametrize(
    ("passed", "window", "wait"), [(0, 60, 60), (59.5, 60, 1), (10.1, 60, 50), (0, 0.2, 1)]
)
def test_the_wait_is_in_whole_seconds_and_never_too_short(
    now: list[float], passed: float, window: float, wait: int
) -> None:
    limited = RateWindow(RateLimits(1, window=window))
    limited.admit()
    now[0] += passed
    with pytest.raises(Refusal) as caught:
        limited.admit()
    assert caught.value.retry_after == wait


def test_what_is_refused_is_not_counted(now: list[float]) -> None:
    window = RateWindow(RateLimits(tokens_per_minute=10))
    window.admit(6)
    with pytest.raises(Refusal, match=r"10 tokens in 60 s is reached\.'"):
        window.admit(5)
    with pytest.raises(Refusal, match="This one request has 11"):
        window.admit(11)
    window.admit(4)
    assert window.describe()["tokens"]["remaining"] == 0
    assert window.describe()["requests"]["remaining"] == 500


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"tokens_per_minute": -5}, "tokens_per_minute"),
        ({"window": 0}, "window"),
        ({"window": float("nan")}, "window"),
        ({"window": float("inf")}, "window"),
    ],
)
def test_impossible_limits(wrong: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        RateLimits(**wrong)  # type: ignore[arg-type]


def test_plans_are_the_published_ones() -> None:
    told = {
        name: (plan.requests_per_minute, plan.tokens_per_minute) for name, plan in PLANS.items()
    }
    assert told == {
        "free": (10, 100_000),
        "developer": (100, 1_000_000),
        "startup": (500, 5_000_000),
    }
    with pytest.raises(ConfigurationError, match="'free', 'developer' or 'startup'"):
        LocalServer(limits="gold")  # type: ignore[arg-type]


def test_too_many_requests() -> None:
    with LocalServer(limits="free") as server, connect(server) as client:
        statuses = [client.post("/rerank", json=SMALL).status_code for _ in range(9)]
        statuses.append(client.get("/models").status_code)
        refused = client.post("/rerank", json=SMALL)
        assert client.get("/models").status_code == 429
    assert statuses == [200] * 10
    assert refused.status_code == 429
    assert refused.json() == {
        "error": {
            "message": "The limit of 10 requests in 60 s is reached.",
            "type": "rate_limit_error",
            "code": "rate_limit_exceeded",
            "param": None,
        }
    }
    assert 55 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-limit-rpm"] == "10"
    assert refused.headers["x-ratelimit-remaining-rpm"] == "0"
    assert [recorded.status for recorded in server.requests] == [200] * 9 + [429]


def test_too_many_tokens_are_not_scored() -> None:
    scored: list[str] = []

    def score(document: str) -> float:
        scored.append(document)
        return 0.5

    limits = RateLimits(tokens_per_minute=SMALL_TOKENS * 2)
    with LocalServer(limits=limits, scorer=Steered(score)) as server, connect(server) as client:
        answers = [client.post("/rerank", json=SMALL) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert f"{2 * SMALL_TOKENS} tokens" in answers[2].json()["error"]["message"]
    assert "retry-after" in answers[2].headers
    assert scored == ["b", "c"] * 2


def test_unusable_requests_count_and_strangers_do_not() -> None:
    key = {"Authorization": "Bearer ask_x"}
    with (
        LocalServer(api_key="ask_x", limits=RateLimits(2)) as server,
        connect(server) as client,
    ):
        assert [client.post("/rerank", json=SMALL).status_code for _ in range(5)] == [401] * 5
        statuses = [client.post("/rerank", content=b"{", headers=key).status_code for _ in range(3)]
    assert statuses == [400, 400, 429]


def test_the_current_window() -> None:
    with LocalServer(api_key="ask_x", limits="developer") as server, connect(server) as client:
        key = {"Authorization": "Bearer ask_x"}
        assert client.get("/rate-limit").status_code == 401
        client.post("/rerank", json=SMALL, headers=key)
        for _ in range(2):  # to ask takes nothing of it
            response = client.get("/rate-limit", headers=key)
        told = response.json()
    headers = response.headers
    assert told["object"] == "rate_limit"
    assert told["requests"] | {"reset": 0} == {"limit": 100, "remaining": 99, "reset": 0}
    assert told["tokens"]["remaining"] == 1_000_000 - SMALL_TOKENS
    assert str(told["requests"]["reset"]) == headers["x-ratelimit-reset-rpm"]
    assert 0 <= told["requests"]["reset"] - time.time() <= 61


@pytest.mark.timed
def test_a_short_window_ends_while_the_client_waits() -> None:
    with LocalServer(limits=RateLimits(1, window=0.3)) as server:
        # The second one has not been told of the window by an answer.
        for _ in range(2):
            with Reranker(base_url=server.base_url) as reranker:
                assert len(reranker.rerank("q", ["a"])) == 1
        with (
            Reranker(base_url=server.base_url, max_retries=0) as impatient,
            pytest.raises(RateLimitError) as caught,
        ):
            impatient.rerank("q", ["a"])
    assert caught.value.retry_after == 1
    assert [recorded.status for recorded in server.requests] == [200, 429, 200, 429]
