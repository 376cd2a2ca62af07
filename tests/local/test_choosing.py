"""Who scores in the demo and the examples."""

from __future__ import annotations

import re
import subprocess
import sys

import httpx
import pytest

from assisters_rerank import ConfigurationError, Reranker
from assisters_rerank.local import LocalServer, service_or_local
from assisters_rerank.wire.address import SERVICE_URL

OWN = "http://127.0.0.1:9/v1"


def test_without_a_key_a_local_server_runs_and_is_stopped_again() -> None:
    with service_or_local() as server:
        assert server.base_url in server.reason
        assert "ASSISTERS_API_KEY" in server.reason
        assert "local" in server.reason
        assert httpx.get(f"{server.base_url}/models").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.base_url}/models")


def test_without_a_with_the_local_server_runs_until_it_is_closed() -> None:
    # As in a notebook: started in one cell, used in others.
    server = service_or_local()
    try:
        assert Reranker(base_url=server.base_url).rerank("apple", ["pear", "apple"])[0].index == 1
        assert httpx.get(f"{server.base_url}/models").status_code == 200
    finally:
        server.close()
    server.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.base_url}/models")


def test_a_script_that_leaves_its_server_running_ends() -> None:
    script = (
        "from assisters_rerank import Reranker\n"
        "from assisters_rerank.local import LocalServer, service_or_local\n"
        "for server in (service_or_local(), LocalServer().start()):\n"
        "    print(Reranker(base_url=server.base_url).rerank('a', ['b', 'a'])[0].index)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n1\n", "")


def test_the_error_for_a_missing_key_gives_a_way_on_without_one() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Reranker().rerank("a", ["b", "a"])
    (advice,) = re.findall(r"local server: base_url=(\S+), imported from", str(caught.value))
    script = (
        "from assisters_rerank import Reranker\n"
        "from assisters_rerank.local import service_or_local\n"
        f"print(Reranker(base_url={advice}).rerank('a', ['b', 'a'])[0].index)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
    assert "https://www.assisters.dev/dashboard/api-keys" in str(caught.value)


def test_closing_leaves_another_server_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalServer() as other:
        monkeypatch.setenv("ASSISTERS_BASE_URL", other.base_url)
        service_or_local().close()
        assert httpx.get(f"{other.base_url}/models").status_code == 200


@pytest.mark.parametrize(
    ("variables", "base_url"),
    [
        ({"ASSISTERS_API_KEY": "ask_test"}, SERVICE_URL),
        ({"ASSISTERS_BASE_URL": OWN}, OWN),
        ({"ASSISTERS_BASE_URL": OWN, "ASSISTERS_API_KEY": "ask_test"}, OWN),
        ({"ASSISTERS_BASE_URL": " ", "ASSISTERS_API_KEY": "ask_test"}, SERVICE_URL),
    ],
)
def test_the_variables_choose_the_server(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], base_url: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with service_or_local() as server:
        assert server.base_url == base_url
        assert base_url in server.reason
        assert "ask_test" not in server.reason


@pytest.mark.parametrize(
    ("local", "variables"),
    [
        (False, {"ASSISTERS_API_KEY": "  "}),
        (True, {"ASSISTERS_API_KEY": "ask_test"}),
        (True, {"ASSISTERS_BASE_URL": OWN}),
    ],
)
def test_blank_variables_and_local_choose_the_local_server(
    monkeypatch: pytest.MonkeyPatch, local: bool, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with service_or_local(local=local) as server:
        assert server.base_url not in (SERVICE_URL, OWN)
        assert Reranker(base_url=server.base_url).rerank("apple", ["apple", "pear"])[0].index == 0


def test_an_unusable_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", "rerank.example.com")
    with pytest.raises(ConfigurationError, match="ASSISTERS_BASE_URL"), service_or_local():
        pass


def test_proxy_variables_do_not_come_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.com")
    with service_or_local() as server:
        assert len(Reranker(base_url=server.base_url).rerank("apple", ["apple", "pear"])) == 2
