"""`python -m assisters_rerank.local`, for those without typer."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from assisters_rerank.local.__main__ import main, parser

from .raw import answer_to, post
from .surroundings import BODY, environment_without_proxies

# typer and rich cannot be imported here.
_WITHOUT_TYPER = """
import runpy, sys
sys.modules["typer"] = sys.modules["rich"] = None
sys.argv = ["local", "--port", "0", "--scorer", "lexical", "--any-model"]
runpy.run_module("assisters_rerank.local", run_name="__main__")
"""


def test_it_serves_without_typer() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WITHOUT_TYPER],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment_without_proxies(),
    )
    try:
        assert process.stdout is not None
        found = re.fullmatch(
            r"Serving local-lexical at (http://\S+/v1) \(Ctrl-C ends it\)\n",
            process.stdout.readline(),
        )
        assert found is not None
        body = str(BODY | {"model": "of another server"}).replace("'", '"').encode()
        assert answer_to(found[1], post(body))[0] == 200
        process.terminate()
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert re.fullmatch(r"200 POST /v1/rerank  3 documents  \d+ ms\n", errors)


def test_its_options_are_those_of_the_command() -> None:
    typer = pytest.importorskip("typer")
    from assisters_rerank.commands.serve import serve

    app = typer.Typer()
    app.command()(serve)
    command = typer.main.get_command(app)
    theirs = {parameter.opts[0]: parameter.default for parameter in command.params}
    ours = {
        action.option_strings[0]: action.default
        for action in parser()._actions
        if action.dest != "help"
    }
    assert set(ours) == {name for name in theirs if name.startswith("--") and "compl" not in name}
    for name in ("--host", "--port", "--scorer", "--max-body-mb"):
        assert ours[name] == theirs[name]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--host", "0.0.0.0"], "--api-key"),
        (["--window", "5"], "window: it has no limit to count"),
        (["--model", "x"], "--model needs --scorer cross-encoder"),
        (["--max-body-mb", "0"], "max_body_mb"),
        (["--allowed-host", "http://a"], "allowed_hosts: give names without scheme and port"),
        (["--allowed-host", "a:80"], "allowed_hosts"),
        (["--max-documents", "0"], "max_documents"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: list[str], problem: str) -> None:
    with pytest.raises(SystemExit, match=problem):
        main([*arguments, "--port", "0"])
