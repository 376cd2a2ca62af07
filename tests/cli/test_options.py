"""The options of `rerank` are those of `RerankOptions`, and say the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Literal, get_args, get_origin

import httpx
import pytest
from pydantic import SecretStr
from typer.main import get_command

from assisters_rerank import ConfigurationError, Reranker, RerankOptions
from assisters_rerank.commands.application import application
from assisters_rerank.commands.command_options import FIELDS
from assisters_rerank.commands.key import check_key
from assisters_rerank.commands.progress import ReportingReranker
from assisters_rerank.local import LocalServer
from assisters_rerank.wire.dialects import DialectName

from .command import run, run_here

pytestmark = pytest.mark.slow

# Not for a command line: secrets, which the list of processes would show, objects that only a
# program has, and what is for async calls; --cache takes a file.
NOT_OFFERED = {
    "api_key", "http_client", "async_http_client", "cache", "cache_namespace", "count_tokens",
    "prices", "async_transport", "extra_headers", "listwise", "passthrough_after",
    "count_context_tokens",
}  # fmt: skip


def _parameters() -> Mapping[str, object]:
    group = get_command(application())
    command = group.commands["rerank"]  # type: ignore[attr-defined]
    return {parameter.name: parameter for parameter in command.params}


def test_every_setting_has_an_option_with_its_default() -> None:
    """A new field of `RerankOptions` fails here until the command line offers it."""
    parameters = _parameters()
    assert FIELDS.keys() == RerankOptions.model_fields.keys() - NOT_OFFERED
    for name, field in RerankOptions.model_fields.items():
        assert (name in parameters) == (name not in NOT_OFFERED - {"cache"}), name
        if name in NOT_OFFERED:
            continue
        offered = parameters[name]
        assert f"--{name.replace('_', '-')}" in offered.opts  # type: ignore[attr-defined]
        assert offered.default is None  # type: ignore[attr-defined]
        default = None if field.default_factory else field.default
        assert FIELDS[name].default == default
        shown: str = offered.help  # type: ignore[attr-defined]
        assert shown.startswith(FIELDS[name].sentence)
        assert shown.endswith(f"[default: {default}]") == (default is not None)
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        if name == "dialect":
            choices = get_args(DialectName)
        assert not choices or FIELDS[name].metavar == "|".join(choices)


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize(
    "command", ["", "rerank", "bulk", "eval", "check", "serve", "demo", "models"]
)
def test_the_help_is_whole_and_fits(
    monkeypatch: pytest.MonkeyPatch, command: str, columns: int
) -> None:
    shown = run_here(*filter(None, [command]), "--help", columns=columns).stdout
    assert max(map(len, shown.splitlines())) <= columns
    assert "…" not in shown
    assert not re.search(r"<\w", shown)  # such as <bool> and <int range>
    assert "\nExamples:\n  assisters-rerank" in shown
    group = get_command(application())
    described = group.commands[command] if command else group  # type: ignore[attr-defined]
    for parameter in described.params:
        for name in getattr(parameter, "opts", ()):
            assert not name.startswith("-") or re.search(rf"^  .*{name}\b", shown, re.M), name


def test_the_help_loads_nothing_that_takes_long() -> None:
    program = """
import sys
sys.argv = ["assisters-rerank", "rerank", "--help"]
from assisters_rerank.commands.main import main
try:
    main()
finally:
    loaded = {"httpx", "rich", "anyio", "pydantic", "sqlite3"} & set(sys.modules)
    assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)


def test_the_help_says_where_the_key_comes_from() -> None:
    done = run("rerank", "--help")
    assert done.returncode == 0
    assert "ASSISTERS_API_KEY" in done.stdout
    assert "--api-key" not in done.stdout


class _SeenError(Exception):
    """Ends the command when its reranker has been seen."""


def test_what_is_given_reaches_the_reranker(
    monkeypatch: pytest.MonkeyPatch, server: LocalServer
) -> None:
    def seen(self: ReportingReranker, *_: object) -> None:
        raise _SeenError(self)

    monkeypatch.setattr(ReportingReranker, "rerank_watched", seen)
    given = {
        "model": "jina-reranker",
        "top_n": 3,
        "score_threshold": -1.5,
        "dialect": "tei",
        "extra_body": {"priority": 1},
        "token_margin": 0.5,
        "score_activation": "sigmoid",
        "base_url": "http://127.0.0.1:9/v1",
        "timeout": 7.5,
        "max_retries": 0,
        "max_documents_per_request": 50,
        "max_concurrency": 2,
        "on_error": "passthrough",
        "long_documents": "split",
        "max_tokens": 256,
        "max_passage_tokens": 64,
        "max_context_tokens": 1500,
        "requests_per_minute": 10,
        "tokens_per_minute": 100_000,
    }
    assert given.keys() == RerankOptions.model_fields.keys() - NOT_OFFERED
    options = [
        f"--{name.replace('_', '-')}={json.dumps(value) if isinstance(value, dict) else value}"
        for name, value in given.items()
    ]
    for arguments, expected in ((options, given), ([], RerankOptions().model_dump())):
        with pytest.raises(_SeenError) as caught:
            application()(["rerank", "query", __file__, *arguments], standalone_mode=False)
        reranker = caught.value.args[0]
        assert {name: getattr(reranker, name) for name in expected} == expected


def test_a_threshold_for_each_model(monkeypatch: pytest.MonkeyPatch, server: LocalServer) -> None:
    def seen(self: ReportingReranker, *_: object) -> None:
        raise _SeenError(self)

    monkeypatch.setattr(ReportingReranker, "rerank_watched", seen)
    numbers = {"bge-reranker-v2": 0.5, "jina-reranker": -1.0}
    options = [f"--score-threshold={model}={number}" for model, number in numbers.items()]
    with pytest.raises(_SeenError) as caught:
        application()(["rerank", "q", __file__, "-m", "auto", *options], standalone_mode=False)
    assert caught.value.args[0].score_threshold == numbers


def test_the_key_of_the_variable_is_sent(
    monkeypatch: pytest.MonkeyPatch, server: LocalServer
) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_right")
    assert run("rerank", "query", stdin="a 1\n").returncode == 0
    assert server.requests[0].headers["authorization"] == "Bearer ask_right"


def test_a_wrong_key_is_one_line_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_wrong")
    with LocalServer(api_key="ask_right", scorer="lexical") as guarded:
        monkeypatch.setenv("ASSISTERS_BASE_URL", guarded.base_url)
        done = run("rerank", "query", stdin="a 1\n")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "401" in line
    assert "ASSISTERS_API_KEY" in line
    assert "ask_wrong" not in line


def test_without_a_key_the_line_names_both_ways_out() -> None:
    done = run("rerank", "query", stdin="a\n")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert re.search("set the variable ASSISTERS_API_KEY, or add --local", line)


def test_an_unusable_key_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask wrong")
    (line,) = run("rerank", "query", stdin="a\n").stderr.splitlines()
    assert "the variable ASSISTERS_API_KEY: it contains characters that no key has" in line
    assert "ask wrong" not in line


def test_an_unusable_variable_is_not_blamed_on_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", "nowhere")
    done = run("rerank", "query", "--top-n", "1", stdin="a\n")
    assert done.returncode == 1
    assert done.stderr.startswith("assisters-rerank: the variable ASSISTERS_BASE_URL: ")


@pytest.mark.parametrize("nonsense", ["nonsense", "http://"])
def test_an_unusable_variable_is_no_matter_where_another_server_is_named(
    monkeypatch: pytest.MonkeyPatch, nonsense: str
) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", nonsense)
    assert run("rerank", "query", "--local", stdin="a\n").returncode == 0
    with LocalServer(scorer="lexical") as server:
        assert run("rerank", "query", "--base-url", server.base_url, stdin="a\n").returncode == 0
        assert len(server.requests) == 1


def test_only_a_missing_key_is_called_missing() -> None:
    class Elsewhere(Reranker):
        def resolve_api_key(self) -> SecretStr | None:
            raise ConfigurationError("the vault is locked")

    with pytest.raises(ConfigurationError, match=r"^the vault is locked$"):
        check_key(Elsewhere())


def test_a_key_that_was_not_sent_is_not_called_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_right")
    with LocalServer(api_key="ask_right", scorer="lexical") as guarded:
        arguments = ("rerank", "query", "--base-url", guarded.base_url)
        (line,) = run(*arguments, stdin="a\n").stderr.splitlines()
        assert "No key was sent" in line
        assert "ASSISTERS_BASE_URL" in line
        # As the line advises.
        monkeypatch.setenv("ASSISTERS_BASE_URL", guarded.base_url)
        assert run(*arguments, stdin="a\n").returncode == 0
    shown: str = _parameters()["base_url"].help  # type: ignore[attr-defined]
    assert "ASSISTERS_API_KEY goes only to the service and to the host" in shown


def test_local_scores_on_this_machine_even_with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_test")
    monkeypatch.setenv("ASSISTERS_BASE_URL", "http://127.0.0.1:9/v1")
    done = run("rerank", "rain", "--local", "-n", "1", stdin="sunny day\nrain tomorrow\n")
    assert done.returncode == 0
    assert done.stdout.split("\t")[1] == "rain tomorrow\n"
    assert "model local-" in done.stderr


def test_completion_offers_commands_options_and_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_ASSISTERS_RERANK_COMPLETE", "complete_bash")
    for line, offered in (
        ("assisters-rerank rer", "rerank"),
        ("assisters-rerank rerank --max-r", "--max-retries"),
        ("assisters-rerank rerank --model j", "jina-reranker"),
        ("assisters-rerank rerank --on-error p", "passthrough"),
    ):
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
        assert run().stdout.split() == [offered]


def test_the_local_server_is_gone_when_the_command_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses: list[str] = []

    def note(self: ReportingReranker, *_: object) -> None:
        addresses.append(self.base_url)
        assert httpx.get(f"{self.base_url}/models").status_code == 200
        raise _SeenError

    monkeypatch.setattr(ReportingReranker, "rerank_watched", note)
    with pytest.raises(_SeenError):
        application()(["rerank", "query", __file__, "--local"], standalone_mode=False)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{addresses[0]}/models")


@pytest.mark.parametrize("command", ["rerank", "models", "serve", "demo"])
def test_help_is_there_for_every_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert application()([command, "-h"], standalone_mode=False) == 0
    assert f" {command} " in capsys.readouterr().out
