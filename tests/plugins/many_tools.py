"""The 200 tools of the examples, and 40 questions that each need one of them.

The questions were written before any scorer was run on them, and are not changed after that. Half
of them share no content word with their tool.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from assisters_rerank.local.scorers.lexical import FUNCTION_WORDS
from assisters_rerank.local.scorers.terms import split_words

from ..pages import DOCS

if TYPE_CHECKING:
    from nltk.stem.snowball import SnowballStemmer


def _pairs(file: Path) -> list[tuple[str, str]]:
    rows = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines())
    return [(name, text) for name, text in rows]


TOOLS = dict(_pairs(DOCS.parent / "examples" / "tools.tsv"))
QUESTIONS = _pairs(Path(__file__).with_name("tool_questions.tsv"))


@cache
def _stemmer() -> SnowballStemmer:
    from nltk.stem.snowball import SnowballStemmer  # not for all who collect: it brings scipy

    return SnowballStemmer("english")


def content_words(text: str) -> set[str]:
    """Lower-cased, without function words, stemmed."""
    stem = _stemmer().stem
    words = (word.casefold() for word in split_words(text.replace("_", " ")))
    return {stem(word) for word in words if word not in FUNCTION_WORDS}


def without_a_shared_word() -> list[tuple[str, str]]:
    """The questions that share no content word with the name and description of their tool."""
    return [
        (tool, question)
        for tool, question in QUESTIONS
        if not content_words(question) & content_words(f"{tool} {TOOLS[tool]}")
    ]
