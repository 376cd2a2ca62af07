"""Texts of a check that no label belongs to: many, long, or of the length of a passage."""

from __future__ import annotations

from itertools import cycle, islice

QUERY = "When does the night train to the coast leave?"

# Of falling relevance, so that each has another score.
GRADED = (
    "The night train to the coast leaves at 22:15 from the main station.",
    "When the night train to the coast is late, it does leave in the end.",
    "On the coast, a night in a train that does not leave is a long one.",
    "The train to the mountains leaves in the morning.",
    "A walk along the coast takes the whole day.",
    "Soup is eaten warm, and with bread.",
)

_SENTENCES = (
    "The garden behind the house is small and has a low wall of grey stone.",
    "In the morning the baker brings rolls, and the children come for the broken ones.",
    "Most of the chairs were made by hand in a village near the forest.",
    "A letter lay on the table, but nobody had opened it for some days.",
    "Rain fell on the roof, and the cat slept in the box with the old papers.",
    "Two brothers painted the door green, since they had no other colour left.",
)
_WORDS = " ".join(_SENTENCES).split()

# Of the same length, so that a batch is padded alike; the first words differ already.
_RELEVANT = (
    "Night train to the coast: it leaves daily at 22:15. The night train to the coast leaves."
)
_IRRELEVANT = (
    "Soup from the kitchen of my aunt: eat it warm at 18:30. A bowl of the soup is enough."
)


def filler(words: int) -> str:
    """So many words that say nothing about the query."""
    return " ".join(islice(cycle(_WORDS), words))


def long_pair(words: int) -> tuple[str, str]:
    """Two documents that are alike for so many words; only the end of the first is relevant."""
    beginning = filler(words)
    return f"{beginning} {_RELEVANT}", f"{beginning} {_IRRELEVANT}"


def many_short(number: int) -> list[str]:
    """So many different documents of a few words."""
    return [f"Note {place} on the night train." for place in range(number)]


def passages(number: int, run: int) -> list[str]:
    """So many different documents of some 40 words, other ones in each run."""
    return [f"Page {place} of book {run}. {filler(36)}" for place in range(number)]
