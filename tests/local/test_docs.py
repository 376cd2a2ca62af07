"""`docs/local-server.md` holds: its code runs as printed, its commands print what it shows."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

import httpx
import pytest

from assisters_rerank.local.http.generations import GENERATIONS

from .served import run_command, serving
from .surroundings import BODY, environment_without_proxies

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "local-server.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]


def sessions() -> list[tuple[list[str], list[str]]]:
    """The commands of all `console` blocks, each with the lines that it prints."""
    found: list[tuple[list[str], list[str]]] = []
    for language, block in BLOCKS:
        for line in block.splitlines() if language == "console" else ():
            if line.startswith("$ "):
                found.append((shlex.split(line[2:]), []))
            else:
                found[-1][1].append(line)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which `./my-model` is a cross-encoder."""
    pytest.importorskip("fastembed")
    pytest.importorskip("onnx")
    from . import tiny_cross_encoder

    tiny_cross_encoder.write(tmp_path / "my-model")
    return tmp_path


def test_every_block_is_run() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "console"}
    assert len(PYTHON) == 9
    assert [command[:2] for command, _ in sessions()] == [
        ["pip", "install"],
        ["assisters-rerank", "serve"],
        ["assisters-rerank", "serve"],
        ["pip", "install"],
        ["assisters-rerank", "serve"],
    ]


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_the_code_runs_as_printed(number: int, request: pytest.FixtureRequest) -> None:
    code = PYTHON[number]
    place = "folder" if "CrossEncoderScorer" in code else "tmp_path"
    script: Path = request.getfixturevalue(place) / "test_block.py"
    script.write_text(code, encoding="utf-8")
    is_test = "def test_" in code
    plugin = ["-m", "pytest", "-q", "-p", "pytest_assisters"]
    done = subprocess.run(
        [sys.executable, "-X", "utf8", *(plugin if is_test else []), script.name],
        cwd=script.parent,
        env=environment_without_proxies() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if is_test:
        assert "1 passed" in done.stdout
    else:
        expected = {
            "# local-embedded": "local-embedded\n",
            "# Photosynthesis": "Photosynthesis feeds plants.\n",
            "print(error": "rate_limit_exceeded 1",
            "long_documents": "truncate local-embedded/128-tokens False\n"
            "split local-embedded/128-tokens True\n",
        }
        for mark, printed in expected.items():
            assert mark not in code or done.stdout.startswith(printed)


@pytest.mark.parametrize(
    ("command", "printed"), [each for each in sessions() if each[0][0] == "assisters-rerank"]
)
def test_the_commands_print_what_is_shown(
    command: list[str],
    printed: list[str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "--model-path" in command:
        monkeypatch.chdir(request.getfixturevalue("folder"))
    with serving(*command[2:]) as served:
        shown = [line.replace("http://127.0.0.1:8765/v1", served.base_url) for line in printed]
        assert served.greeting == shown
        key = "ask_local" if "--api-key" in command else "any"
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{served.base_url}/rerank"
        assert httpx.post(url, json=BODY, headers=headers, trust_env=False).status_code == 200
        code, out, err = served.end()
    assert (code, out, len(err.splitlines())) == (0, "", 1)


def test_the_extras_exist() -> None:
    named = {
        extra
        for command, _ in sessions()
        if command[0] == "pip"
        for extra in command[2].partition("[")[2].rstrip("]").split(",")
    }
    assert named <= set(metadata("assisters-rerank").get_all("Provides-Extra") or ())


def test_the_options_are_all_there() -> None:
    shown = set(re.findall(r"`(--[\w-]+)`", TEXT))
    listed = set(re.findall(r"--[a-z][\w-]+", run_command(["serve", "--help"]).stdout))
    assert shown == listed - {"--help"}


def test_the_table_of_generations_is_true() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TEXT, flags=re.MULTILINE)
    table = {row[0].strip(): row[1:] for row in rows}
    generations = [GENERATIONS[number] for number in (1, 2, 3)]
    limits = tuple(str(generation.max_documents) for generation in generations)
    assert table["documents a request"] == limits
    returned = tuple("yes" if each.returns_documents else "no" for each in generations)
    assert table["documents in the answer, if the request does not say"] == returned
    named = tuple("yes" if each.names_model else "no" for each in generations)
    assert table["`model`"] == named
    used = tuple("usage" in cell for cell in table["what was used"])
    assert used == tuple(each.bills_tokens for each in generations)
