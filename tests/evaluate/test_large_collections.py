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

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("large collections"),  # groups begin first, and this takes longest
]

DOCUMENTS_AT_ONCE = 1_000


def write(folder: Path, documents: int, queries: int) -> Path:
    chance = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnoprstuvw"))
    longest = letters[chance.integers(len(letters), size=(10**5, 10))].view("U10")[:, 0].tolist()
    ends = chance.integers(3, 11, 10**5).tolist()
    words = np.array([word[:end] for word, end in zip(longest, ends, strict=True)], object)
    words[: len(STOPWORDS_EN)] = STOPWORDS_EN
    shares = (1 / np.arange(1, len(words) + 1)).cumsum()
    (folder / "qrels").mkdir(parents=True)
    with (
        (folder / "corpus.jsonl").open("w") as corpus,
        (folder / "queries.jsonl").open("w") as asked,
        (folder / "qrels" / "test.tsv").open("w") as judged,
    ):
        judged.write("query-id\tcorpus-id\tscore\n")
        for first in range(0, documents, DOCUMENTS_AT_ONCE):
            count = min(DOCUMENTS_AT_ONCE, documents - first)
            lengths = np.clip(chance.lognormal(4.8, 0.5, count), 20, 600).astype(int)
            picked = np.searchsorted(shares, chance.random(lengths.sum()) * shares[-1])
            drawn = words[picked].tolist()
            ends = lengths.cumsum().tolist()
            for number, end, length in zip(
                range(first, first + count), ends, lengths.tolist(), strict=True
            ):
                # JSON takes these words as they are.
                text = drawn[end - length : end]
                corpus.write(f'{{"_id": "d{number}", "text": "{" ".join(text)}"}}\n')
                if number < queries:
                    query = " ".join(chance.choice(text, 8))
                    asked.write(json.dumps({"_id": f"q{number}", "text": query}) + "\n")
                    judged.write(f"q{number}\td{number}\t1\n")
    return folder


def peak_of_the_command(folder: Path) -> int:
    """In megabytes; prints it with the seconds.

    These are not asserted: a machine with other work needs twice the seconds of a processor, too,
    since its caches are shared.
    """
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
