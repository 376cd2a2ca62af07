"""Runs the pages' code as a reader does: a fresh environment, the page's install line, no key.

    python -m tests.run_pages [README langchain pdfs.ipynb …]

Without names it runs every page that has code, the README first, and the notebooks. A page without
an install line needs only the core. An environment takes a minute or so, hence not a test. Exits
with 1 if a page fails.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

from .notebooks import NOTEBOOKS, as_page, differences
from .pages import DOCS, Page, prepare, run, run_in_order

ROOT = DOCS.parent
INSTALL = re.compile(r'^\$ pip (install "\.\[.*)$', re.MULTILINE)


def main(names: list[str]) -> int:
    """Runs the named pages, and says of each what it took."""
    pages = {path.stem: Page(path) for path in sorted(DOCS.glob("*.md"))}
    pages = {"README": Page(ROOT / "README.md")} | {
        name: page for name, page in pages.items() if page.programs
    }
    notebooks = {path.name: path for path in NOTEBOOKS}
    failed = [
        name
        for name in names or [*pages, *notebooks]
        if not (
            shows_the_same(notebooks[name]) if name in notebooks else succeeds(name, pages[name])
        )
    ]
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else "All pages ran as printed.")
    return 1 if failed else 0


def succeeds(name: str, page: Page) -> bool:
    """Whether the page's blocks run, and print what is shown, after its install line.

    What comes after a second install line needs something of the reader's own: a model.
    """
    with TemporaryDirectory() as made:
        folder = Path(made)
        found = list(INSTALL.finditer(page.text))
        line, more = (found[0][1], found[1:]) if found else ("install .", [])
        if more:
            part = folder / page.path.name
            # Up to the end of the last block before it.
            part.write_text(page.text[: more[0].start()].rpartition("```")[0], encoding="utf-8")
            page = Page(part)
        began = time.monotonic()
        python = environment(folder / "venv", shlex.split(line))
        installed = time.monotonic()
        if name.startswith("start-"):
            done = run_in_order(page, folder, python)
            took = time.monotonic() - installed
            ended = "FAILED" if done.returncode else f"done in {took:.0f} s"
            print(
                f"{name}: {ended}, after {installed - began:.0f} s of pip {line}\n"
                f"{done.stdout}{done.stderr}",
                flush=True,
            )
            return not done.returncode
        printed = ""
        for place, code in enumerate(page.scripts):
            here = folder / f"script{place}"
            here.mkdir()
            prepare(code, here, python)
            done = run(code, here, python)
            printed += done.stdout
            if done.returncode:
                print(f"{name}: FAILED\n{done.stdout}{done.stderr}", flush=True)
                return False
        shown = "".join(page.of("text"))
        if name == "README" and printed != shown:
            print(f"README: FAILED, it shows\n{shown}and prints\n{printed}", flush=True)
            return False
        took = time.monotonic() - installed
        print(
            f"{name}: {len(page.programs)} blocks in {took:.1f} s, after "
            f"{installed - began:.0f} s of pip {line}",
            flush=True,
        )
        return True


def shows_the_same(notebook: Path) -> bool:
    """Whether a notebook runs after its install line, and shows what is stored in it."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        (line,) = INSTALL.findall(as_page(notebook, folder).text)
        began = time.monotonic()
        python = environment(folder / "venv", shlex.split(line))
        installed = time.monotonic()
        shutil.copytree(ROOT / "examples", folder / "examples")
        here = folder / "examples" / "notebook"
        command = ["-m", "nbconvert", "--execute", "--to", "notebook", "--output", "now.ipynb"]
        done = subprocess.run(
            [python, *command, notebook.name], cwd=here, capture_output=True, text=True, check=False
        )
        found = [done.stderr]
        if not done.returncode:
            stored, now = (
                json.loads(path.read_text(encoding="utf-8"))
                for path in (notebook, here / "now.ipynb")
            )
            found = differences(stored, now)
        took = time.monotonic() - installed
        print(
            f"{notebook.name}: {'FAILED' if found else f'done in {took:.0f} s'}, after "
            f"{installed - began:.0f} s of pip {line}",
            *found,
            sep="\n",
            flush=True,
        )
        return not found


def environment(folder: Path, install: list[str]) -> str:
    """The Python of a new environment in which `pip install …` was run, in this clone."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [str(python), "-m", "pip", "-q", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *install], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return str(python)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
