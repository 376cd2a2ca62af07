"""Time and memory of the whole command over a large collection, as `-s` prints them.

The words are made up, as often as Zipf's law has it, a third of them stop words; the documents are
as long as a paragraph or two: 137 words in the mean.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from bm25s.stopwords import STOPWORDS_EN

from ..peak_memory import took

pytestmark = pytest.mark.slow


def write(folder: Path, documents: int, queries: int) -> Path:
    chance = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnoprstuvw"))
    words = np.array(
        ["".join(chance.choice(letters, chance.integers(3, 11))) for _ in range(10**5)]
    )
    words[: len(STOPWORDS_EN)] = STOPWORDS_EN
    shares = (1 / np.arange(1, len(words) + 1)).cumsum()
    (folder / "qrels").mkdir(parents=True)
    with (
        (folder / "corpus.jsonl").open("w") as corpus,
        (folder / "queries.jsonl").open("w") as asked,
        (folder / "qrels" / "test.tsv").open("w") as judged,
    ):
        judged.write("query-id\tcorpus-id\tscore\n")
        for number in range(documents):
            length = int(np.clip(chance.lognormal(4.8, 0.5), 20, 600))
            text = words[np.searchsorted(shares, chance.random(length) * shares[-1])]
            corpus.write(json.dumps({"_id": f"d{number}", "text": " ".join(text)}) + "\n")
            if number < queries:
                query = " ".join(chance.choice(text, 8))
                asked.write(json.dumps({"_id": f"q{number}", "text": query}) + "\n")
                judged.write(f"q{number}\td{number}\t1\n")
    return folder


def peak_of_the_command(folder: Path) -> int:
    """In megabytes; prints it with the seconds, of which a busy machine needs more."""
    began = time.perf_counter()
    peak, busy = took(["eval", str(folder), "--local", "--quiet"])
    print(
        f"\n{folder.name}: {time.perf_counter() - began:.0f} s, {busy:.0f} s of a processor, "
        f"{peak:.0f} MB; load {os.getloadavg()[0]:.1f}"
    )
    return int(peak)


def test_two_hundred_thousand_documents_and_five_hundred_queries(tmp_path: Path) -> None:
    assert peak_of_the_command(write(tmp_path / "200,000 and 500", 200_000, 500)) < 900


def test_memory_does_not_grow_with_the_queries(tmp_path: Path) -> None:
    few = peak_of_the_command(write(tmp_path / "2,000 and 30", 2_000, 30))
    many = peak_of_the_command(write(tmp_path / "2,000 and 200", 2_000, 200))
    assert many < few + 40
