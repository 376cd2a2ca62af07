"""LlamaIndex's `EmbeddingQAFinetuneDataset`: one JSON object of queries, corpus, relevant_docs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...errors import ConfigurationError
from .collection import Collection
from .kinds_of_ids import check_kinds_of_ids
from .rows import load_json
from .sources import Source

_PARTS = ("queries", "corpus", "relevant_docs")
_BEGINNING = re.compile(rb'\s*\{\s*"(queries|corpus|relevant_docs|mode)"\s*:')


def finetune_dataset(source: Source) -> Mapping[str, Mapping[str, object]] | None:
    """The parts of the object in the file if it is of this kind, else None."""
    with source.opened() as stream:
        if not _BEGINNING.match(stream.read(200)):
            return None
    whole = load_json(source)
    if not isinstance(whole, dict) or not all(isinstance(whole.get(part), dict) for part in _PARTS):
        return None
    return {part: whole[part] for part in _PARTS}


def of_finetune_dataset(
    parts: Mapping[str, Mapping[str, object]], label: str, name: str
) -> Collection:
    """The collection in such an object; its relevant documents all have the grade 1.

    Raises:
        ConfigurationError: naming file and entry: no text, or no list of ids; or ids that are
            in no other part.
    """
    qrels: dict[str, dict[str, int]] = {}
    for query, documents in parts["relevant_docs"].items():
        if not isinstance(documents, list) or not all(isinstance(each, str) for each in documents):
            raise ConfigurationError(f"{label}, relevant_docs {query!r}: it must be a list of ids.")
        qrels[query] = dict.fromkeys(documents, 1)
    queries, corpus = (_texts(parts[part], f"{label}, {part}") for part in _PARTS[:2])
    places = {"qrels": label, "queries": f"its {_PARTS[0]}", "corpus": f"its {_PARTS[1]}"}
    check_kinds_of_ids(qrels, queries, corpus, places)
    for query, grades in qrels.items():
        unknown = [(query, "queries")] if query not in queries else []
        unknown += [(each, "corpus") for each in grades if each not in corpus]
        for missing, part in unknown[:1]:
            problem = f"{missing!r} does not exist in {part}; add it, or leave it out."
            raise ConfigurationError(f"{label}, relevant_docs {query!r}: {problem}")
    return Collection(name, corpus, {query: queries[query] for query in qrels}, qrels)


def _texts(part: Mapping[str, object], label: str) -> dict[str, str]:
    texts = {}
    for name, text in part.items():
        if not isinstance(text, str):
            raise ConfigurationError(f"{label} {name!r}: it must be a text.")
        texts[name] = text
    return texts
