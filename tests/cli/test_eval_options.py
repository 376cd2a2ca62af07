"""The options that `eval` shares with `RerankOptions` reach the rerankers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.main import get_command

from assisters_rerank import Reranker, RerankOptions
from assisters_rerank.commands.application import application
from assisters_rerank.local import LocalServer

from .command import run
from .judged import write_collection

# Secrets, objects that only a program has, and what makes no sense here: all candidates are
# scored, each query in requests of its own, and failures are told. --model and --cache are its own.
NOT_SHARED = {
    "api_key", "http_client", "async_http_client", "count_tokens", "prices", "top_n",
    "score_threshold", "max_concurrency", "on_error", "model", "cache", "cache_namespace",
    "async_transport", "extra_headers", "passthrough_after", "listwise",
    "max_context_tokens", "count_context_tokens",
}  # fmt: skip

GIVEN = {
    "base_url": "http://127.0.0.1:9/v1",
    "timeout": 7.5,
    "max_retries": 0,
    "max_documents_per_request": 50,
    "long_documents": "split",
    "dialect": "tei",
    "extra_body": {"priority": 1},
    "token_margin": 0.5,
    "score_activation": "sigmoid",
    "max_tokens": 256,
    "max_passage_tokens": 64,
    "requests_per_minute": 10,
    "tokens_per_minute": 100_000,
}


def _parameters() -> Mapping[str, object]:
    group = get_command(application())
    command = group.commands["eval"]  # type: ignore[attr-defined]
    return {parameter.name: parameter for parameter in command.params}


def test_shared_options_have_the_fields_default() -> None:
    """A new field of `RerankOptions` fails here until it is offered or said not to be."""
    assert RerankOptions.model_fields.keys() - NOT_SHARED == GIVEN.keys()
    parameters = _parameters()
    for name in GIVEN:
        field, offered = RerankOptions.model_fields[name], parameters[name]
        assert offered.opts == [f"--{name.replace('_', '-')}"]  # type: ignore[attr-defined]
        shown: str = offered.help  # type: ignore[attr-defined]
        if not field.default_factory and field.default is not None:
            assert shown.endswith(f"[default: {field.default}]")
        assert offered.default is None  # type: ignore[attr-defined]
    assert not (NOT_SHARED - {"model", "cache"}) & parameters.keys()


class _SeenError(Exception):
    """Ends the command when its rerankers have been seen."""


def test_what_is_given_reaches_the_rerankers(
    monkeypatch: pytest.MonkeyPatch, server: LocalServer, folder: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    write_collection(folder / "c")

    def seen(_: object, rerankers: list[Reranker], **options: object) -> None:
        raise _SeenError(rerankers, options)

    import assisters_rerank.evaluate as package

    monkeypatch.setattr(package, "evaluate", seen)
    options = [
        f"--{name.replace('_', '-')}={json.dumps(value) if isinstance(value, dict) else value}"
        for name, value in GIVEN.items()
    ]
    own = ["-m", "jina-reranker", "-m", "theirs", "--max-cost", "3", "--at-once", "4"]
    with pytest.raises(_SeenError) as caught:
        application()(["eval", "c", *options, *own], standalone_mode=False)
    rerankers, given = caught.value.args
    assert [reranker.model for reranker in rerankers] == ["jina-reranker", "theirs"]
    for reranker in rerankers:
        assert {name: getattr(reranker, name) for name in GIVEN} == GIVEN
    assert (given["max_cost"], given["at_once"], given["depth"]) == (3.0, 4, 100)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--depth", "0"], "depth"),
        (["--precision", "1.5"], "precision"),
        (["--max-cost", "-1"], "max-cost"),
        (["--at-once", "0"], "at-once"),
        (["--timeout", "0"], "timeout"),
        (["--long-documents", "burn"], "long-documents"),
        (
            ["--dialect", "tei", "--base-url", "http://127.0.0.1:9"],
            "name the server's with --model",
        ),
    ],
)
def test_an_impossible_option_is_one_line(folder: Path, options: list[str], said: str) -> None:
    write_collection(folder / "c")
    done = run("eval", "c", *options)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert said in line


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert application()(["eval", "-h"], standalone_mode=False) == 0
    shown = capsys.readouterr().out
    assert "ASSISTERS_API_KEY" in shown
    assert "--api-key" not in shown
