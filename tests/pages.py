"""A page of documentation: its blocks of code, its commands, its links, and a way to run it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
RUNNER = Path(__file__).with_name("run_as_shown.py")


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
    environment = {
        name: value
        for name, value in os.environ.items()
        if "proxy" not in name.lower() and not name.startswith("ASSISTERS_")
    }
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(
        [python, "-X", "utf8", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
