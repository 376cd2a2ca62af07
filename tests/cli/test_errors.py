"""The command line around its commands: errors as one line, exit codes, missing extras."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import pytest

from assisters_rerank import AuthenticationError, ConfigurationError
from assisters_rerank.commands import main, rerank

BLOCKED = """
import sys
sys.modules[{package!r}] = None  # what Python itself takes for "not installed"
from assisters_rerank.commands.main import main
main()
"""


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line in this process; gives its exit code."""
    monkeypatch.setattr(sys, "argv", ["assisters-rerank", *arguments])
    with pytest.raises(SystemExit) as caught:
        main.main()
    return int(caught.value.code or 0)


def _replace_reading(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """What `rerank` does first, raises instead."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(rerank, "read_documents", fail)


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"assisters-rerank {version('assisters-rerank')}\n"


@pytest.mark.parametrize("module", ["assisters_rerank", "assisters_rerank.commands.main"])
def test_the_modules_run_as_the_command(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=False
    )
    expected = (0, f"assisters-rerank {version('assisters-rerank')}\n", "")
    assert (done.returncode, done.stdout, done.stderr) == expected


def test_help_names_the_commands_and_loads_no_framework() -> None:
    program = """
import sys
from assisters_rerank.commands import main
sys.argv = ["assisters-rerank", "--help"]
try:
    main.main()
finally:
    loaded = {"langchain_core", "llama_index", "bm25s", "numpy", "starlette"} & set(sys.modules)
    assert not loaded, loaded
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    for command in ("rerank", "models", "serve", "demo"):
        assert f" {command} " in done.stdout
    assert done.stderr == ""


def test_no_command_shows_the_help_and_is_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch) == 2
    captured = capsys.readouterr()
    assert "Usage:" in captured.out
    assert captured.err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("demo", "--query", " "), "--query"),
        (("demo", "--top-n", "0"), "--top-n"),
        (("demo", "--no-such"), "--no-such"),
        (("no-such",), "no-such"),
        (("rerank",), "QUERY"),
        (("rerank", "query", "--top-n", "many"), "--top-n"),
        (("rerank", "query", "--top-n", "-1"), "--top-n"),
        (("rerank", "query", "--timeout", "0"), "--timeout"),
        (("rerank", "query", "--threshold", "nan"), "--threshold"),
        (("rerank", "query", "--on-error", "ignore"), "'raise' or 'passthrough'"),
        (("rerank", "query", "--input-format", "xml"), "xml"),
        (("rerank", "query", "--encoding", "utf-9"), "--encoding"),
        (("rerank", "query", "--encoding", "base64"), "--encoding"),
        (("rerank", "query", "--base-url", "ftp://host"), "--base-url"),
        (("rerank", "query", "--base-url", "http://host/v1", "--local"), "--local"),
        (("rerank", "query", "-", "-"), "FILES"),
        (("rerank", "query", "--api-key", "ask_secret"), "--api-key"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_code_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert _run(monkeypatch, *arguments) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("assisters-rerank: ")
    assert said in line
    assert "--help" in line
    assert "ask_secret" not in line
    assert captured.out == ""


def test_a_password_in_the_address_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "rerank", "query", "--base-url", "http://me:hunter2@host/v1") == 2
    assert "hunter2" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("package", "command", "extra"),
    [
        ("typer", "rerank", "cli"),
        ("typer", "models", "cli"),
        ("rich", "demo", "demo"),
        ("starlette", "rerank --local query", "local"),
        ("typer", "serve", "cli,local"),
        ("uvicorn", "serve", "local"),
        ("typer", "rerank --local", "cli,local"),
        ("typer", "eval --local", "eval,local"),
        ("bm25s", "eval", "eval"),
        ("typer", "demo", "demo"),
        ("bm25s", "demo", "demo"),
    ],
)
def test_a_missing_extra_is_one_line_that_says_what_to_install(
    package: str, command: str, extra: str
) -> None:
    words = command.split()
    arguments = [*words, "folder"] if words[0] == "eval" else words
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(package=package), *arguments],
        capture_output=True,
        text=True,
        check=False,
        input="a document\n",
    )
    install = f'run: pip install "assisters-rerank[{extra}]"'
    assert done.stderr == f"assisters-rerank: {package} is not installed; {install}\n"
    assert done.stdout == ""
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConfigurationError("No API key: give one."), "No API key: give one."),
        (AuthenticationError("Wrong key.\n  Check it.", 401), "Wrong key. Check it."),
        (OSError(28, "No space left on device"), "No space left on device"),
        (FileNotFoundError(2, "No such file", "model.onnx"), "model.onnx: No such file"),
    ],
)
def test_an_error_is_one_line_and_code_1(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: Exception,
    line: str,
) -> None:
    monkeypatch.setattr(main, "_discard_output", lambda: None)  # it would end pytest's own output
    _replace_reading(monkeypatch, error)
    assert _run(monkeypatch, "rerank", "query", "-") == 1
    assert capfd.readouterr().err == f"assisters-rerank: {line}\n"


def test_ctrl_c_is_silent_and_code_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _replace_reading(monkeypatch, KeyboardInterrupt())
    assert _run(monkeypatch, "rerank", "query", "-") == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'numpy.nonsense'", name="numpy.nonsense"),
        ZeroDivisionError("division by zero"),
    ],
)
def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Only what is raised on purpose is turned into a line."""
    _replace_reading(monkeypatch, error)
    monkeypatch.setattr(sys, "argv", ["assisters-rerank", "rerank", "query", "-"])
    with pytest.raises(type(error)):
        main.main()


def test_warnings_and_logged_warnings_are_one_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warn(*_: object) -> None:
        warnings.warn("The key goes\nover plain http.", stacklevel=1)
        logging.getLogger("assisters_rerank.local").warning("No %s here", "wordllama")
        try:
            raise ValueError("not one\nnumber")
        except ValueError:
            logging.getLogger("assisters_rerank.local").exception("The scorer failed")
        raise ConfigurationError("and then it ends")

    monkeypatch.setattr(rerank, "read_documents", warn)
    assert _run(monkeypatch, "rerank", "query", "-") == 1
    assert capsys.readouterr().err.splitlines() == [
        "assisters-rerank: The key goes over plain http.",
        "assisters-rerank: No wordllama here",
        "assisters-rerank: The scorer failed: ValueError: not one number",
        "assisters-rerank: and then it ends",
    ]
    assert logging.getLogger("assisters_rerank").handlers == []


def test_a_python_without_source_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", "http://127.0.0.1:9/v1")  # spares the local server
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path / "python311.zip"))
    assert _run(monkeypatch, "demo") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "python311.zip" in line
