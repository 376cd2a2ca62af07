"""A small collection to begin with: what the files look like."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

from ...errors import ConfigurationError

_DOCUMENTS = {
    "d1": ("Returns", "You can return an item within 30 days after it has arrived."),
    "d2": ("Refunds", "We pay the money back within 5 days after we have the item again."),
    "d3": ("Shipping", "An order leaves our house within one day and arrives within a week."),
    "d4": ("Warranty", "We repair what breaks within two years, and pay for the shipping."),
    "d5": ("Gift cards", "A gift card is good for three years. It cannot be paid out."),
    "d6": ("Payment", "You can pay by card, by transfer or after the item has arrived."),
}
_QUERIES = {
    "q1": "how long until I get my money back",
    "q2": "when will my order arrive",
    "q3": "can I send an item back",
}
_QRELS = (("q1", "d2", 2), ("q1", "d1", 1), ("q2", "d3", 2), ("q3", "d1", 2), ("q3", "d2", 1))


def write_sample(folder: str | PathLike[str]) -> list[Path]:
    """Writes a collection of 6 documents and 3 queries in BEIR's layout; into an empty folder.

    Returns:
        The files: `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`.

    Raises:
        ConfigurationError: one of the files is there already, or cannot be written.
    """
    place = Path(folder)
    corpus = [
        {"_id": name, "title": title, "text": text} for name, (title, text) in _DOCUMENTS.items()
    ]
    queries = [{"_id": name, "text": text} for name, text in _QUERIES.items()]
    rows = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in _QRELS)]
    files = {
        place / "corpus.jsonl": _json_lines(corpus),
        place / "queries.jsonl": _json_lines(queries),
        place / "qrels.tsv": rows,
    }
    for file in files:
        if file.exists():
            raise ConfigurationError(f"{file}: it is there already; give another folder.")
    try:
        place.mkdir(parents=True, exist_ok=True)
        for file, lines in files.items():
            file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{place} cannot be written: {error.strerror}.") from error
    return list(files)


def _json_lines(entries: list[dict[str, str]]) -> list[str]:
    return [json.dumps(entry) for entry in entries]
