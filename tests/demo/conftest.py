"""What the demo's tests share: the real standard library, read once, in a fresh interpreter."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import dataclass

import pytest

from assisters_rerank.demo.corpus import Passage

PROGRAM = """
import sys, sysconfig
from assisters_rerank.demo.corpus import read_passages
sysconfig.get_path("stdlib")  # loads its own table of the build
before = set(sys.modules)
passages = read_passages()
loaded = set(sys.modules) - before
import pickle
sys.stdout.buffer.write(pickle.dumps((passages, loaded)))
"""


@dataclass(frozen=True)
class Reading:
    """The passages, and the modules that reading them has loaded."""

    passages: list[Passage]
    loaded: set[str]


@pytest.fixture(scope="session")
def reading() -> Reading:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    return Reading(*pickle.loads(done.stdout))


@pytest.fixture(scope="session")
def stdlib(reading: Reading) -> list[Passage]:
    return reading.passages
