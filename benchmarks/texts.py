"""English texts of some 200 tokens: SciFact's sentences where it lies, else our own."""

from __future__ import annotations

import io
import json
import random
import re
import tarfile
from functools import cache
from itertools import cycle, islice
from pathlib import Path

from benchmarks.own_sentences import OWN_SENTENCES

QUERY = "how does a lack of sleep change the risk of an infection"

_SCIFACT = Path(__file__).parents[2] / "shared/data/scifact.tar.gz"
_CHARACTERS = 800  # of English, some 200 tokens


def texts_of(count: int) -> list[str]:
    """Different texts, each of whole sentences; the same in every process."""
    sentences = cycle(_sentences())
    return [_text(number, sentences) for number in range(count)]


def _text(number: int, sentences: cycle[str]) -> str:
    text = f"Document {number}."
    while len(text) < _CHARACTERS:
        text = f"{text} {next(sentences)}"
    return text


def source() -> str:
    """Where the sentences come from, to be printed with the figures."""
    return "SciFact" if _SCIFACT.exists() else "benchmarks/own_sentences.py"


@cache
def _sentences() -> list[str]:
    if not _SCIFACT.exists():
        # Each order once more, so that texts with the same sentences differ.
        chance = random.Random(0)
        return [s for _ in range(50) for s in chance.sample(OWN_SENTENCES, len(OWN_SENTENCES))]
    with tarfile.open(_SCIFACT) as archive:
        corpus = archive.extractfile("scifact/corpus.jsonl")
        assert corpus is not None
        lines = list(islice(io.TextIOWrapper(corpus, "utf-8"), 1000))
    abstracts = [json.loads(line)["text"] for line in lines]
    return [sentence for text in abstracts for sentence in re.split(r"(?<=[.?!]) +", text)]
