"""A page of documentation: its blocks of code, its commands, its links, and a way to run it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
RUNNER = Path(__file__).with_name("run_as_shown.py")
RUNNER_IN_ORDER = Path(__file__).with_name("run_in_order.py")
# What makes the environment that a page is run in.
ENVIRONMENT = ("python3 -m venv ", ". .venv/", "pip install ")


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> list[tuple[str, str]]:
        """Language and text of each fenced block."""
        return re.findall(r"^```(\w*)\n(.*?)^```$", self.text, flags=re.MULTILINE | re.DOTALL)

    def of(self, language: str) -> list[str]:
        return [text for name, text in self.blocks if name == language]

    @property
    def programs(self) -> list[str]:
        """What is there to run, in order."""
        return self.of("python")

    @property
    def scripts(self) -> list[str]:
        """The page's programs as one, since later ones use what earlier ones made; tests apart."""
        tests = [code for code in self.programs if is_test(code)]
        rest = [code for code in self.programs if not is_test(code)]
        return (["\n".join(rest)] if rest else []) + tests

    @property
    def commands(self) -> list[list[str]]:
        """Every line behind a `$`, in words, without comments."""
        lines = [line for block in self.of("console") for line in block.splitlines()]
        return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]

    @property
    def steps(self) -> list[dict[str, str | None]]:
        """Code and commands in their order, each with what is shown after it, if anything is."""
        steps: list[dict[str, str | None]] = []
        for language, text in self.blocks:
            if language == "python":
                steps.append({"code": text, "shown": None})
            elif language == "text":
                steps[-1]["shown"] = text
            elif language == "console":
                commands = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, flags=re.MULTILINE)
                steps += [
                    {"command": command, "shown": shown or None}
                    for command, shown in commands
                    if not command.startswith(ENVIRONMENT)
                ]
        return steps

    @property
    def links(self) -> list[str]:
        """Where it points to inside the project."""
        targets = re.findall(r"\]\(([^)\s]+)\)", self.text)
        return [target for target in targets if "://" not in target]


def before(change: str) -> str:
    """The old side of a change, of which only that is shown as one."""
    return "".join(line.removeprefix("-") for line in change.splitlines(keepends=True))


def is_test(code: str) -> bool:
    return "\ndef test_" in f"\n{code}"


def prepare(code: str, folder: Path, python: str = sys.executable) -> None:
    """Writes the files that a page's code takes for given."""
    if "tokenizer.json" in code:
        script = Path(__file__).with_name("write_tokenizer.py")
        subprocess.run([python, "-P", str(script), str(folder / "tokenizer.json")], check=True)


def run(code: str, folder: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Runs a page's code as a user would who has no key."""
    script = folder / "test_page.py"
    script.write_text(code, encoding="utf-8")
    command = ["-P", str(RUNNER), script.name]  # `tests` has a folder called typing
    if is_test(code):
        plugins = ["-p", "pytest_assisters"]
        if "httpx_mock" in code:
            plugins += ["-p", "pytest_httpx"]
        command = ["-m", "pytest", "-q", *plugins, script.name]
    return _run([python, "-X", "utf8", *command], folder)


def run_in_order(
    page: Page, folder: Path, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Goes through a page from its first block to its last, in a clone without a key."""
    shutil.copytree(DOCS.parent / "examples", folder / "examples")
    steps = folder / "steps.json"
    steps.write_text(json.dumps(page.steps, ensure_ascii=False), encoding="utf-8")
    return _run([python, "-X", "utf8", "-P", str(RUNNER_IN_ORDER), steps.name], folder)


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if "proxy" not in name.lower() and not name.startswith("ASSISTERS_")
    }
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    environment["PYTHONUTF8"] = "1"
    environment["COLUMNS"] = "80"
    # The commands of the same environment.
    environment["PATH"] = f"{Path(command[0]).parent}{os.pathsep}{environment.get('PATH', '')}"
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
