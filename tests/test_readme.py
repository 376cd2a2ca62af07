"""The README holds: its code runs as printed, and its tables say what the code does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import assisters_rerank.errors
from assisters_rerank import AssistersError, Reranker
from langchain_assisters import AssistersRerank as LangChainRerank
from llama_index_assisters import AssistersRerank as LlamaIndexRerank

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
CODE = [text for language, text in BLOCKS if language == "python"]


def _table(heading: str) -> dict[str, list[str]]:
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return {row[0]: row[1:] for row in rows[2:]}


def test_every_block_is_run() -> None:
    # The two shell blocks are run by the continuous integration, exactly as printed.
    languages = [language for language, _ in BLOCKS]
    assert languages.count("bash") == 2
    assert set(languages) == {"bash", "python"}


def test_the_code_runs_as_printed(tmp_path: Path) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSISTERS_")}
    script = tmp_path / "readme.py"
    script.write_text("\n".join(CODE), encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-X", "utf8", str(script)],
        env=clean,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    # LangChain and LlamaIndex print two documents each, the right one first; in plain Python the
    # threshold leaves that one alone.
    assert [place for place, line in enumerate(lines) if "subprocess.run" in line] == [0, 2, 4, 6]
    assert lines[5].startswith("local")
    # The best passage is the end of the long text.
    index, *span = lines[6].split(" ", 1)
    assert index == "0"
    assert span[0].startswith("Passage(start=")
    assert lines[6].endswith("To run a command, call subprocess.run.")
    assert int(lines[7].split()[0]) > 2  # passages
    assert len(lines) == 8


def test_the_options_table_is_complete_and_true() -> None:
    rows = {
        name: row[0].strip("`")
        for names, row in _table("Options").items()
        for name in re.findall(r"`(\w+)`", names)
    }
    classes = (Reranker, LangChainRerank, LlamaIndexRerank)
    ours = {
        name: field
        for kind in classes
        for name, field in kind.model_fields.items()
        if name not in ("name", "callback_manager")  # the frameworks' own
    }
    assert rows.keys() == ours.keys()
    for name, field in ours.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        shown = f"MetadataMode.{default.name}" if name == "metadata_mode" else repr(default)
        assert rows[name].replace('"', "'") == shown, name


def test_the_errors_table_is_complete() -> None:
    tree = {
        name
        for name, value in vars(assisters_rerank.errors).items()
        if isinstance(value, type) and issubclass(value, AssistersError)
    }
    assert {name.strip("`") for name in _table("Errors")} == tree - {"AssistersError"}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSISTERS_BASE_URL", raising=False)
    monkeypatch.delenv("ASSISTERS_API_KEY", raising=False)
