"""`docs/reference.md` says what the code does: options, defaults, errors, commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

import assisters_rerank.errors
from assisters_rerank import AssistersError, Reranker
from assisters_rerank.commands.application import application
from langchain_assisters import AssistersRerank as LangChainRerank
from llama_index_assisters import AssistersRerank as LlamaIndexRerank

from .pages import DOCS, Page, run

PAGE = Page(DOCS / "reference.md")


def _table(heading: str) -> dict[str, list[str]]:
    section = PAGE.text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return {row[0]: row[1:] for row in rows[2:]}


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


def test_the_commands_are_all_there() -> None:
    listed = get_command(application()).commands
    assert {name.strip("`").split()[0] for name in _table("The command")} == listed.keys()


@pytest.mark.parametrize("code", PAGE.programs)
def test_the_code_runs_as_printed(code: str, tmp_path: Path) -> None:
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
