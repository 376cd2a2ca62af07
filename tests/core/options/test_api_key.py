"""Which key goes to which host, and what is said when there is none."""

from __future__ import annotations

import warnings

import httpx
import pytest
from pydantic import SecretStr

from assisters_rerank import ConfigurationError, Reranker, arerank, rerank

SERVICE = "https://api.assisters.dev/v1"


class Recording(httpx.MockTransport):
    """Answers well without a network, since no test may call the service, and keeps requests."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        super().__init__(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json={"results": [{"index": 0, "relevance_score": 0.5}]})


def sent(**options: object) -> str | None:
    """The Authorization header that a call with these options sends."""
    transport = Recording()
    Reranker(http_client=httpx.Client(transport=transport), **options).rerank("q", ["a"])
    (request,) = transport.requests
    return request.headers.get("authorization")


@pytest.mark.parametrize(
    "base_url", [SERVICE, "https://other.test/v1", "http://127.0.0.1:9/v1", "http://[::1]/v1"]
)
def test_a_key_given_goes_to_any_host(base_url: str) -> None:
    assert sent(api_key="ask_given", base_url=base_url) == "Bearer ask_given"


def test_the_variables_key_goes_to_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_variable")
    assert sent() == "Bearer ask_variable"
    assert sent(base_url=SERVICE) == "Bearer ask_variable"


@pytest.mark.parametrize(
    "base_url",
    ["https://API.Assisters.dev/v1", "https://api.assisters.dev:443/v1",
     "https://api.assisters.dev/v2"],
)  # fmt: skip
def test_the_service_may_be_written_in_other_ways(
    monkeypatch: pytest.MonkeyPatch, base_url: str
) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_variable")
    assert sent(base_url=base_url) == "Bearer ask_variable"


@pytest.mark.parametrize(
    "base_url",
    ["https://other.test/v1", "http://127.0.0.1:9/v1", "https://api.assisters.dev.evil.test/v1",
     "https://evil-api.assisters.dev/v1", "https://evil.test/api.assisters.dev/v1"],
)  # fmt: skip
def test_the_variables_key_goes_to_no_other_host(
    monkeypatch: pytest.MonkeyPatch, base_url: str
) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_variable")
    assert sent(base_url=base_url) is None


def test_the_variables_key_goes_to_the_host_that_the_other_variable_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_variable")
    monkeypatch.setenv("ASSISTERS_BASE_URL", "https://mine.test:8443/v1")
    assert sent() == "Bearer ask_variable"
    assert sent(base_url="https://mine.test:8443/other") == "Bearer ask_variable"
    assert sent(base_url="https://mine.test:9443/v1") is None
    assert sent(base_url="https://other.test/v1") is None


def test_an_unusable_address_in_the_variable_names_no_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", "nonsense")
    assert sent(base_url="http://127.0.0.1:9/v1") is None
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_variable")
    assert sent(base_url="https://other.test/v1") is None
    assert sent(base_url=SERVICE) == "Bearer ask_variable"
    with pytest.raises(ConfigurationError, match="variable ASSISTERS_BASE_URL"):
        Reranker()


def test_the_variables_key_in_the_clear_is_warned_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_variable")
    with pytest.warns(UserWarning, match="plain http"):
        sent(base_url="http://api.assisters.dev/v1")


def test_a_key_given_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_variable")
    assert sent(api_key="ask_given") == "Bearer ask_given"
    assert sent(api_key=SecretStr("ask_given")) == "Bearer ask_given"
    assert sent(api_key="") == "Bearer ask_variable"


def test_the_variable_may_be_set_after_the_reranker_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transport = Recording()
    reranker = Reranker(http_client=httpx.Client(transport=transport))
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_later")
    reranker.rerank("q", ["a"])
    assert transport.requests[0].headers["authorization"] == "Bearer ask_later"


@pytest.mark.parametrize("key", [" ask_x", "ask_x\n", "\task_x\r\n"])
def test_a_key_is_stripped(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    assert sent(api_key=key) == "Bearer ask_x"
    monkeypatch.setenv("ASSISTERS_API_KEY", key)
    assert sent() == "Bearer ask_x"


@pytest.mark.parametrize(
    "key",
    ["SECRET\nX-Evil: 1", "SECRET two", "SECRET\x00", "SECRETé", "\u200bSECRET", "SECRET\x7f"],
)
def test_a_broken_key_is_refused_unshown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^api_key: ") as caught:
        Reranker(api_key=key)
    assert "SECRET" not in str(caught.value)
    if "\x00" in key:
        return  # no variable can hold it
    monkeypatch.setenv("ASSISTERS_API_KEY", key)
    with pytest.raises(ConfigurationError, match="variable ASSISTERS_API_KEY") as caught:
        sent()
    assert "SECRET" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("key", [None, "", " \n"])
@pytest.mark.parametrize("variable", [None, "", " \n"])
async def test_without_a_key_the_service_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
    never_asked: dict[str, httpx.Client],
    key: str | None,
    variable: str | None,
) -> None:
    if variable is not None:
        monkeypatch.setenv("ASSISTERS_API_KEY", variable)
    reranker = Reranker(api_key=key, **never_asked)
    with pytest.raises(ConfigurationError, match=r"api_key=.*ASSISTERS_API_KEY"):
        reranker.rerank("q", ["a"])
    with pytest.raises(ConfigurationError, match=r"api_key=.*ASSISTERS_API_KEY"):
        await reranker.arerank("q", ["a"])


async def test_the_functions_say_so_too() -> None:
    with pytest.raises(ConfigurationError, match=r"api_key=.*ASSISTERS_API_KEY"):
        rerank("q", ["a"])
    with pytest.raises(ConfigurationError, match=r"api_key=.*ASSISTERS_API_KEY"):
        await arerank("q", ["a"])


@pytest.mark.parametrize(
    "base_url", ["http://rerank.test/v1", "http://10.0.0.7:8080/v1", "http://0.0.0.0/v1"]
)
def test_a_key_in_the_clear_is_warned_of(base_url: str) -> None:
    with pytest.warns(UserWarning, match="plain http") as caught:
        sent(api_key="SECRET", base_url=base_url)
    (warning,) = caught
    assert "SECRET" not in str(warning.message)


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": "k", "base_url": "http://127.0.0.1:8080/v1"},
        {"api_key": "k", "base_url": "http://127.9.9.9/v1"},
        {"api_key": "k", "base_url": "http://localhost/v1"},
        {"api_key": "k", "base_url": "http://LOCALHOST:1/v1"},
        {"api_key": "k", "base_url": "http://rerank.localhost/v1"},
        {"api_key": "k", "base_url": "http://[::1]:8080/v1"},
        {"api_key": "k", "base_url": "https://rerank.test/v1"},
        {"base_url": "http://rerank.test/v1"},
    ],
)
def test_nothing_is_warned_of_where_nobody_listens(options: dict[str, str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sent(**options)
