"""From the repository to the finished site: pages made ready, Zensical run, links checked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

from . import ROOT, navigation, pages
from .api_pages import api_pages
from .error_index import error_page
from .link_check import problems
from .tabs import with_tabs

_HERE = Path(__file__).parent


def build(out: Path, url: str = "") -> int:
    """Builds the site into `out`, for an address that ends in a slash; returns how many pages.

    Raises:
        SystemExit: Zensical warned, or a link of the finished site leads nowhere.
    """
    with TemporaryDirectory() as made:
        work = Path(made)
        count = write_sources(work, url)
        environment = {**os.environ, "NO_COLOR": "1"}
        command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
        done = subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        if done.returncode or "warning" in said.lower():
            raise SystemExit(f"Zensical reports:\n{said}")
        site = work / "site"
        for path in (work / "plain").rglob("*.*"):
            target = site / path.relative_to(work / "plain")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        if found := problems(site):
            raise SystemExit("\n".join(["The site has faults:", *found]))
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(site, out)
    return count


def write_sources(work: Path, url: str = "") -> int:
    """Writes what Zensical reads: `pages`, `zensical.toml`; and what is put to its site: `plain`.

    `plain` has `llms.txt` and each page's Markdown, which is what `llms.txt` links to.
    """
    known, copied = pages.found()
    plain = {page.place: page.ready(pages.place_of, tabs=False) for page in known.values()}
    plain[navigation.ERRORS] = error_page()
    plain |= api_pages()
    sections = navigation.menu(known)
    about = {place: navigation.first_sentence(text) for place, text in plain.items()}
    for place, text in plain.items():
        _write(work / "pages" / place, with_tabs(text))
        _write(work / "plain" / place, text)
    for source in copied:
        _write(work / "pages" / source, (ROOT / source).read_text(encoding="utf-8"))
    _write(work / "plain" / "llms.txt", navigation.llms_txt(sections, about, url))
    for name in ("site.css", "site.js"):
        _write(work / "pages" / name, (_HERE / name).read_text(encoding="utf-8"))
    _write(work / "zensical.toml", _configuration(sections, url))
    return len(plain)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _configuration(sections: navigation.Menu, url: str) -> str:
    """The settings of `zensical.toml`, with what is only known now."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = [
        f"  {{ {json.dumps(section)} = [{', '.join(_entry(*each) for each in listed)}] }},"
        for section, listed in sections.items()
    ]
    first = [
        "[project]",
        'site_name = "assisters-rerank"',
        f"site_description = {json.dumps(project['description'])}",
        *([f"site_url = {json.dumps(url)}"] if url else []),
        *(
            [f"repo_url = {json.dumps(where)}"]
            if (where := project["urls"].get("Repository"))
            else []
        ),
        'docs_dir = "pages"',
        'site_dir = "site"',
        "use_directory_urls = true",
        'extra_css = ["site.css"]',
        'extra_javascript = ["site.js"]',
        "nav = [",
        *entries,
        "]",
    ]
    rest = (_HERE / "zensical.toml").read_text(encoding="utf-8").replace("ROOT", str(ROOT))
    return "\n".join(first) + "\n\n" + rest


def _entry(title: str, place: str) -> str:
    return f"{{ {json.dumps(title, ensure_ascii=False)} = {json.dumps(place)} }}"
