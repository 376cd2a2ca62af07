"""The finished site, built once for all tests that look at it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..pages import DOCS


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "site"
    command = [sys.executable, "-m", "website", "--out", str(out), "--url", "https://example.org/d"]
    done = subprocess.run(
        command, cwd=DOCS.parent, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(r"\d+ pages in \d+ s, without a warning or a dead link", done.stdout)
    return out
