"""Options: defaults, the environment, ranges, and errors that name the setting but no value."""

from __future__ import annotations

import httpx
import pytest

from assisters_rerank import ConfigurationError, MemoryCache, Reranker, RerankOptions

SERVICE = "https://api.assisters.dev/v1"


def test_defaults() -> None:
    assert RerankOptions().model_dump() == {
        "model": "bge-reranker-v2",
        "top_n": None,
        "score_threshold": None,
        "base_url": SERVICE,
        "dialect": "assisters",
        "extra_body": {},
        "score_activation": None,
        "timeout": 30.0,
        "max_retries": 3,
        "max_documents_per_request": 100,
        "listwise": None,
        "max_concurrency": 10,
        "long_documents": "as_is",
        "token_margin": None,
        "max_tokens": None,
        "max_passage_tokens": None,
        "max_context_tokens": None,
        "prices": {},
        "requests_per_minute": None,
        "tokens_per_minute": None,
        "async_transport": "auto",
        "cache_namespace": "",
        "on_error": "raise",
        "passthrough_after": 3,
    }


def test_every_option_is_described() -> None:
    assert all(field.description for field in RerankOptions.model_fields.values())


@pytest.mark.parametrize("value", [" http://10.0.0.7:8080/v1/ \n", "http://10.0.0.7:8080/v1"])
def test_the_variable_names_the_address(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", value)
    assert RerankOptions().base_url == "http://10.0.0.7:8080/v1"


def test_an_argument_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", "http://10.0.0.7:8080/v1")
    assert RerankOptions(base_url=SERVICE).base_url == SERVICE


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_variable_counts_as_missing(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", blank)
    assert RerankOptions().base_url == SERVICE


def test_an_impossible_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", "localhost:8080")
    with pytest.raises(ConfigurationError, match="ASSISTERS_BASE_URL"):
        RerankOptions()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://h/v1", "http://h/v1"),
        ("https://h/v1///", "https://h/v1"),
        ("https://h/v1/rerank", "https://h/v1"),
        ("https://h/v1/rerank/", "https://h/v1"),
        ("https://h", "https://h"),
        ("https://h:8443/deep/path", "https://h:8443/deep/path"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1"),
        ("  https://h/v1\n", "https://h/v1"),
    ],
)
def test_addresses_are_tidied(given: str, kept: str) -> None:
    assert RerankOptions(base_url=given).base_url == kept


@pytest.mark.parametrize(
    "given",
    ["", "h", "localhost:80", "ftp://h/v1", "https://", "https://h:port", "https://h:99999",
     "http://[::1", "https://h/v1#SECRET", "file:///SECRET",
     "https://user:SECRET@h/v1", "https://SECRET@h/v1", "https://:SECRET@h/v1"],
)  # fmt: skip
def test_unusable_addresses_are_refused_unshown(given: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        RerankOptions(base_url=given)
    assert "SECRET" not in str(caught.value)


IMPOSSIBLE: dict[str, list[object]] = {
    "model": ["", None, 3, ["a"]],
    "top_n": [-1, True, False, 1.5, "SECRET", [1]],
    "score_threshold": [True, float("nan"), float("inf"), "SECRET"],
    "timeout": [0, -1, True, None, float("inf"), float("nan"), "SECRET"],
    "max_retries": [-1, True, None, 1.5, "SECRET"],
    "max_documents_per_request": [0, -1, True, None, "SECRET"],
    "max_concurrency": [0, -1, False, None, "SECRET"],
    "long_documents": ["SECRET", None, True, "Split"],
    "max_tokens": [31, 0, -1, True, 1.5, "SECRET"],
    "count_tokens": ["SECRET", 3, ["SECRET"]],
    "prices": [
        None,
        3,
        ["SECRET"],
        {"m": -1},
        {"m": True},
        {"m": None},
        {"m": "SECRET"},
        {"m": float("nan")},
        {"m": float("inf")},
        {3: 0.1},
    ],
    "cache": ["SECRET", 3, {"SECRET": 1}, MemoryCache, object()],
    "requests_per_minute": [0, -1, True, 1.5, "SECRET"],
    "tokens_per_minute": [0, -1, True, 1.5, "SECRET"],
    "on_error": ["SECRET", None, True],
    "passthrough_after": [0, -1, True, 1.5, "SECRET"],
    "base_url": [None, 5],
    "api_key": [5, ["SECRET"]],
    "http_client": ["SECRET", httpx.AsyncClient()],
    "async_http_client": ["SECRET", httpx.Client()],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in IMPOSSIBLE.items() for value in values]
)
def test_impossible_values_are_refused_by_name_and_unshown(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name}: ") as caught:
        Reranker(**{name: value})
    assert isinstance(caught.value, ValueError)
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in IMPOSSIBLE.items() for value in values]
)
def test_assignments_and_copies_are_held_to_the_same_rules(name: str, value: object) -> None:
    reranker = Reranker(api_key="ask_first", top_n=3)
    for act in (
        lambda: setattr(reranker, name, value),
        lambda: reranker.model_copy(update={name: value}),
        lambda: reranker.model_copy(update={name: value}, deep=True),
    ):
        with pytest.raises(ConfigurationError, match=rf"^{name}: ") as caught:
            act()
        assert "SECRET" not in str(caught.value)
        assert caught.value.__context__ is None
    assert reranker.model_dump() == Reranker(top_n=3).model_dump()


def test_possible_values() -> None:
    options = RerankOptions(
        model="any/id", top_n=0, score_threshold=-12.5, timeout=0.1, max_retries=0,
        max_documents_per_request=1000, max_concurrency=1, on_error="passthrough",
        long_documents="error", max_tokens=32, count_tokens=len, prices={"any/id": 0, "m": 1.5},
        cache=MemoryCache(), requests_per_minute=1, tokens_per_minute=1,
        passthrough_after=1,
    )  # fmt: skip
    assert (options.top_n, options.score_threshold, options.timeout) == (0, -12.5, 0.1)
    assert RerankOptions(passthrough_after=None).passthrough_after is None
    options.top_n = 4
    assert options.top_n == 4
    with pytest.raises(ConfigurationError, match=r"^top_n: "):
        options.top_n = -1
    assert options.top_n == 4
    assert options.model_copy(update={"top_n": None}).top_n is None


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [("apikey", "api_key"), ("top_k", "top_n"), ("treshold", "score_threshold"),
     ("max_retry", "max_retries"), ("baseurl", "base_url"), ("max_document_per_request",
     "max_documents_per_request"), ("long_document", "long_documents"), ("price", "prices"),
     ("count_token", "count_tokens"), ("request_per_minute", "requests_per_minute")],
)  # fmt: skip
def test_an_unknown_option_is_refused_with_a_suggestion(mistyped: str, meant: str) -> None:
    for kind in (RerankOptions, Reranker):
        with pytest.raises(ConfigurationError, match=mistyped) as caught:
            kind(**{mistyped: "SECRET"})
        assert f"did you mean {meant}?" in str(caught.value)
        assert "SECRET" not in str(caught.value)


def test_an_option_like_none_of_ours_is_refused_too() -> None:
    with pytest.raises(ConfigurationError, match="xyzzy"):
        Reranker(xyzzy="SECRET")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"timeout: .*; top_n: "):
        Reranker(top_n=-1, timeout=0)


@pytest.mark.parametrize("deep", [False, True])
def test_an_unknown_option_is_refused_later_too(deep: bool) -> None:
    reranker = Reranker()
    with pytest.raises(ConfigurationError, match="apikey"):
        reranker.apikey = "SECRET"
    with pytest.raises(ConfigurationError, match="apikey"):
        reranker.model_copy(update={"apikey": "SECRET"}, deep=deep)


@pytest.mark.parametrize("top_n", [-1, True, 1.5, "SECRET", [1]])
def test_a_calls_own_top_n_is_held_to_the_same_rule(
    top_n: object, never_asked: dict[str, httpx.Client]
) -> None:
    with pytest.raises(ConfigurationError, match=r"^top_n: ") as caught:
        Reranker(base_url="https://h/v1", **never_asked).rerank("q", ["a"], top_n=top_n)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("threshold", [True, float("nan"), float("-inf"), "SECRET"])
async def test_a_calls_own_threshold_is_held_to_the_same_rule(
    threshold: object, never_asked: dict[str, httpx.Client]
) -> None:
    reranker = Reranker(base_url="https://h/v1", **never_asked)
    with pytest.raises(ConfigurationError, match=r"^score_threshold: ") as caught:
        await reranker.arerank("q", ["a"], score_threshold=threshold)
    assert "SECRET" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "host", ["api..assisters.dev", "...", "a" * 64, "xn--", "\u2024", "h\x01", "[::1]x", "\ud800"]
)
async def test_a_host_that_cannot_be_looked_up_is_the_options_fault(host: str) -> None:
    async def both() -> None:
        reranker = Reranker(base_url=f"http://{host}/v1", max_retries=0, timeout=5)
        with pytest.raises(ConfigurationError, match="base_url"):
            reranker.rerank("q", ["a"])
        with pytest.raises(ConfigurationError, match="base_url"):
            await reranker.arerank("q", ["a"])
        raise ConfigurationError("base_url: told by the calls instead of the constructor")

    with pytest.raises(ConfigurationError, match="base_url"):
        await both()


def test_prices_are_ones_own_copy() -> None:
    given = {"m": 0.1}
    reranker = Reranker(prices=given)
    given["m"] = 7
    assert reranker.prices == {"m": 0.1}
