"""The command line around its commands: errors as one line, exit codes, missing extras."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from assisters_rerank import AuthenticationError, ConfigurationError, cli
from assisters_rerank.demo import corpus

# Spares the start of a local server where nothing is asked of one.
ELSEWHERE = "http://127.0.0.1:9/v1"

BLOCKED = """
import sys
sys.modules[{package!r}] = None  # what Python itself takes for "not installed"
from assisters_rerank.cli import main
main()
"""


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line in this process; gives its exit code."""
    monkeypatch.setattr(sys, "argv", ["assisters-rerank", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"assisters-rerank {version('assisters-rerank')}\n"


def test_help_names_the_commands_and_loads_no_framework() -> None:
    program = """
import sys
from assisters_rerank import cli
sys.argv = ["assisters-rerank", "--help"]
try:
    cli.main()
finally:
    loaded = {"langchain_core", "llama_index", "bm25s", "numpy", "starlette"} & set(sys.modules)
    assert not loaded, loaded
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "demo" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments", [("demo", "--query", " "), ("demo", "--top-n", "0"), ("demo", "--no-such")]
)
def test_a_wrong_command_line_is_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert _run(monkeypatch, *arguments) == 2
    captured = capsys.readouterr()
    assert arguments[1] in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("package", ["typer", "rich", "bm25s", "llama_index", "uvicorn"])
def test_a_missing_extra_is_one_line_that_says_what_to_install(package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(package=package), "demo"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines() == [
        f'assisters-rerank: {package} is not installed; run: pip install "assisters-rerank[all]"'
    ]
    assert done.stdout == ""
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConfigurationError("No API key: give one."), "No API key: give one."),
        (AuthenticationError("Wrong key.\n  Check it.", 401), "Wrong key. Check it."),
    ],
)
def test_an_error_is_one_line_and_code_1(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    line: str,
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setenv("ASSISTERS_BASE_URL", ELSEWHERE)
    monkeypatch.setattr(corpus, "read_passages", fail)
    assert _run(monkeypatch, "demo") == 1
    assert capsys.readouterr().err == f"assisters-rerank: {line}\n"


def test_a_python_without_source_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", ELSEWHERE)
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path / "python311.zip"))
    assert _run(monkeypatch, "demo") == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert "python311.zip" in error


def test_ctrl_c_is_silent_and_code_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("ASSISTERS_BASE_URL", ELSEWHERE)
    monkeypatch.setattr(corpus, "read_passages", interrupted)
    assert _run(monkeypatch, "demo") == 130
    assert capsys.readouterr().err == ""


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the package raises on purpose is turned into a line."""

    def broken(**_: object) -> None:
        raise ModuleNotFoundError("No module named 'numpy.nonsense'", name="numpy.nonsense")

    monkeypatch.setenv("ASSISTERS_BASE_URL", ELSEWHERE)
    monkeypatch.setattr(corpus, "read_passages", broken)
    monkeypatch.setattr(sys, "argv", ["assisters-rerank", "demo"])
    with pytest.raises(ModuleNotFoundError):
        cli.main()
