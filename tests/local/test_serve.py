from __future__ import annotations

import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import get_args

import httpx
import pytest

from assisters_rerank import Reranker
from assisters_rerank.commands import main
from assisters_rerank.commands.serve import PlanChoice, ScorerChoice
from assisters_rerank.local.http.rate_limiter import PLANS
from assisters_rerank.local.scorers.scorer import SCORERS, ScorerName
from assisters_rerank.wire.address import is_loopback

from .served import run_command, serving
from .surroundings import BODY

pytestmark = pytest.mark.slow

KEY = "ask_not_for_logs"
NAMES = ("inside", "evil.example")


def post(base_url: str, body: dict[str, object], **headers: str) -> httpx.Response:
    return httpx.post(f"{base_url}/rerank", json=body, headers=headers, trust_env=False)


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command that ends by itself in this process: its exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["assisters-rerank", *arguments])
        with pytest.raises(SystemExit) as caught:
            main.main()
        captured = capsys.readouterr()
        return int(caught.value.code or 0), captured.out, captured.err

    monkeypatch.delenv("ASSISTERS_SERVE_API_KEY", raising=False)
    return run


def window(base_url: str) -> dict[str, dict[str, int]]:
    told: dict[str, dict[str, int]] = httpx.get(f"{base_url}/rate-limit", trust_env=False).json()
    return told


def test_it_greets_answers_logs_and_ends() -> None:
    with serving() as served:
        assert served.greeting == [
            f"Serving local-embedded at {served.base_url} (Ctrl-C ends it)",
            f"Point a client at it:  export ASSISTERS_BASE_URL={served.base_url}",
        ]
        replayed = {"Idempotency-Key": "once"}
        answers = [post(served.base_url, BODY, **replayed).json() for _ in range(2)]
        httpx.get(f"{served.base_url}/nowhere?api_key=ask_x", trust_env=False)
        code, out, err = served.end()
    assert answers[0] == answers[1]
    assert [result["index"] for result in answers[0]["results"]] == [2, 0, 1]
    assert (code, out) == (0, "")
    lines = [re.sub(r"^\d\d:\d\d:\d\d | \d+ ms", "", line) for line in err.splitlines()]
    assert lines == [
        "200 POST /v1/rerank  3 documents ",
        "200 POST /v1/rerank  3 documents   (replayed)",
        "404 GET /v1/nowhere ",
    ]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX signals")
def test_sigterm_ends_it_in_silence() -> None:
    with serving("--scorer", "lexical") as served:
        assert "local-lexical" in served.greeting[0]
        assert served.end(signal.SIGTERM) == (-signal.SIGTERM, "", "")


def test_ctrl_c_cuts_requests_short_and_leaves_no_traceback() -> None:
    arguments = "--latency --generation 3 --scorer lexical --plan startup"
    with (
        serving(*arguments.split()) as served,
        ThreadPoolExecutor(1) as pool,
    ):
        # By the published latencies this takes five seconds, twice what a stop waits for.
        slow = BODY | {"model": "jina-reranker", "documents": ["a"] * 1000}
        pending = pool.submit(post, served.base_url, slow)
        while window(served.base_url)["requests"]["remaining"] == 500:
            time.sleep(0.01)
        code, out, err = served.end()
        with suppress(httpx.HTTPError):
            assert pending.result().status_code == 503
    assert (code, out) == (0, "")
    lines = [line for line in err.splitlines() if "rate-limit" not in line]
    assert len(lines) == 1
    assert re.search(r"(503|---) POST /v1/rerank  1,000 documents", lines[0])


@pytest.mark.timed
@pytest.mark.xdist_group("busy")
def test_every_option_arrives() -> None:
    arguments = (
        "--generation 3 --max-documents 30 --plan free --tokens-per-minute 500 --latency "
        "--max-tokens 64"
    )
    with serving(*arguments.split(), "--window", "0.5", "--scorer", "lexical") as served:
        began = time.monotonic()
        answer = post(served.base_url, BODY | {"documents": ["a"] * 30})
        took = time.monotonic() - began
        assert "local-lexical/64-tokens" in served.greeting[0]
        refused = post(served.base_url, BODY | {"documents": ["a"] * 31})
        headers = refused.headers
        beyond = post(served.base_url, BODY | {"documents": ["a" * 4000]})
    assert list(answer.json()) == ["id", "results", "meta"]
    assert took >= 0.1
    assert "the limit is 30" in refused.json()["error"]["message"]
    assert (headers["x-ratelimit-limit-rpm"], headers["x-ratelimit-limit-tpm"]) == ("10", "500")
    assert beyond.status_code == 429
    assert "500 tokens in 0.5 s" in beyond.json()["error"]["message"]


def test_the_key_is_asked_for_and_never_shown() -> None:
    with serving("--host", "0.0.0.0", "--api-key", KEY) as served:
        assert served.base_url.startswith("http://127.0.0.1:")
        assert served.greeting[1].endswith(" ASSISTERS_API_KEY=<the key>")
        ranking = Reranker(base_url=served.base_url, api_key=KEY).rerank("cat", ["a cat"])
        statuses = [
            post(served.base_url, BODY, Authorization=f"Bearer {key}").status_code
            for key in (KEY, f"{KEY}x")
        ]
        for method, path in (("GET", f"/models/{KEY}"), ("POST", f"/{KEY}/rerank")):
            httpx.request(method, served.base_url + path, trust_env=False)
        code, out, err = served.end()
    assert (len(ranking), statuses, code) == (1, [200, 401], 0)
    assert KEY not in "\n".join([*served.greeting, out, err])
    assert len(err.splitlines()) == 5


@pytest.mark.parametrize(
    ("arguments", "statuses"),
    [
        ([], [403, 403]),
        (["--allowed-host", "inside"], [200, 403]),
        (["--host", "0.0.0.0", "--api-key", KEY], [200, 200]),
        (["--host", "0.0.0.0", "--api-key", KEY, "--allowed-host", "inside"], [200, 403]),
    ],
)
def test_names_of_the_server(arguments: list[str], statuses: list[int]) -> None:
    key = f"Bearer {KEY}"
    with serving("--scorer", "lexical", "--any-model", *arguments) as served:
        body = BODY | {"model": "of another server"}
        answers = [post(served.base_url, body, Host=name, Authorization=key) for name in NAMES]
    assert [answer.status_code for answer in answers] == statuses


def test_the_key_from_the_variable() -> None:
    with serving("--scorer", "lexical", ASSISTERS_SERVE_API_KEY=KEY) as served:
        assert post(served.base_url, BODY).status_code == 401
        assert post(served.base_url, BODY, Authorization=f"Bearer {KEY}").status_code == 200
    assert KEY not in run_command(["serve", "--help"], ASSISTERS_SERVE_API_KEY=KEY).stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--host", "0.0.0.0"], "--api-key"),
        (["--host", "::"], "--api-key"),
        (["--host", ""], "--api-key"),
        (["--host", "example.invalid"], "--api-key"),
        (["--host", "0.0.0.0", "--api-key", ""], "blank"),
        (["--host", "example.invalid", "--api-key", KEY], "--host"),
        (["--host", "192.0.2.1", "--api-key", KEY], "192.0.2.1 is not an address of this machine"),
        (["--window", "0"], "window"),
        (["--window", "5"], "window: it has no limit to count"),
        (["--scorer", "cross-encoder", "--model-path", "/no/such/folder"], "/no/such/folder"),
    ],
)
def test_what_cannot_be_is_one_line_and_code_1(
    call: Callable[..., tuple[int, str, str]], arguments: list[str], named: str
) -> None:
    if "cross-encoder" in arguments:
        pytest.importorskip("fastembed")
    code, out, err = call("serve", *arguments, "--port", "0")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert named in err
    assert KEY not in err


def test_a_port_in_use_is_one_line_and_code_1(call: Callable[..., tuple[int, str, str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = call("serve", "--port", str(port))
    assert (code, out) == (1, "")
    assert err == (
        f"assisters-rerank: Port {port} on 127.0.0.1 is in use: "
        "give another --port, or 0 for a free one.\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model-path", "folder"],
        ["--model", "a/model", "--scorer", "lexical"],
        ["--scorer", "best"],
        ["--generation", "4"],
        ["--plan", "gold"],
        ["--port", "65536"],
    ],
)
def test_a_wrong_command_line_is_code_2(
    call: Callable[..., tuple[int, str, str]], arguments: list[str]
) -> None:
    code, out, err = call("serve", *arguments)
    assert (code, out) == (2, "")
    assert arguments[0] in err


def test_a_cross_encoder_from_a_folder(tmp_path: Path) -> None:
    pytest.importorskip("fastembed")
    pytest.importorskip("onnx")
    from . import tiny_cross_encoder

    folder = tiny_cross_encoder.write(tmp_path / "tiny")
    arguments = ["--scorer", "cross-encoder", "--model-path", str(folder)]
    with serving(*arguments) as served:
        body = BODY | {"query": "cats", "documents": ["dogs bark", "cats sleep"]}
        answer = post(served.base_url, body).json()
        _, _, err = served.end()
    assert answer["model"] == "local-cross-encoder/tiny"
    assert [result["index"] for result in answer["results"]] == [1, 0]
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback address")
    with serving("--host", "::1", "--scorer", "lexical") as served:
        assert served.base_url.startswith("http://[::1]:")
        assert post(served.base_url, BODY).status_code == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("LocalHost", True),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("localhost.example", False),
        ("my-machine", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_the_choices_are_those_of_the_server() -> None:
    assert tuple(ScorerChoice) == SCORERS == get_args(ScorerName)
    assert list(PlanChoice) == list(PLANS)
