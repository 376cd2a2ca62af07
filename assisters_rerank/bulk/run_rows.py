"""Queries from a TREC run, with the texts of a collection in BEIR's layout."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Container, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import IO, NamedTuple

from ..errors import ConfigurationError
from ..evaluate.data.delimited import TREC_RUN
from ..evaluate.data.sources import at_line, source_at
from .query_rows import Row, as_id


class _Entry(NamedTuple):
    """A line of a run: its number, and what a document's place goes by, the least first."""

    number: int
    query: str
    document: str
    place: tuple[float, int]


class Run:
    """A first stage's run, its lines grouped by query; documents by falling score, then by rank.

    Of the corpus only the places of its documents are held, and their texts are read as they come.
    """

    def __init__(self, run: Path, collection: Path) -> None:
        self._run = run
        self._corpus = collection / "corpus.jsonl"
        self._queries = collection / "queries.jsonl"
        for file in (self._corpus, self._queries):
            if not file.is_file():
                raise ConfigurationError(
                    f"collection: {file} is missing; give a folder in BEIR's layout, unpacked."
                )
        self.files = (run, self._corpus, self._queries)
        self._places: dict[str, int] = {}

    def query_ids(self) -> Iterator[str]:
        """See `Source`; every document and query of the run is checked here, too."""
        queries, places = self._query_texts(), self._corpus_places()
        for query, group in self._groups():
            seen = set[str]()
            for entry in group:
                if entry.document in seen:
                    problem = f"document {entry.document!r} is there a second time for {query!r}."
                    raise at_line(str(self._run), entry.number, problem)
                seen.add(entry.document)
                if query not in queries:
                    problem = f"query {query!r} does not exist in {self._queries}."
                    raise at_line(str(self._run), entry.number, problem)
                if entry.document not in places:
                    problem = f"document {entry.document!r} does not exist in {self._corpus}."
                    raise at_line(str(self._run), entry.number, problem)
            yield query

    def rows(self) -> Iterator[Row]:
        """See `Source`."""
        queries, places = self._query_texts(), self._corpus_places()
        with self._opened_corpus() as corpus:
            for query, group in self._groups():
                ids = [entry.document for entry in sorted(group, key=lambda entry: entry.place)]
                try:
                    texts = [self._text(corpus, places[name]) for name in ids]
                    yield Row(query, queries[query], texts, ids)
                except KeyError as error:
                    raise ConfigurationError(
                        f"{self._run} changed while it was read: {error} is unknown."
                    ) from None

    def _groups(self) -> Iterator[tuple[str, Iterator[_Entry]]]:
        return groupby(self._entries(), key=lambda entry: entry.query)

    def _entries(self) -> Iterator[_Entry]:
        for number, line in source_at(self._run).lines():
            fields = line.split()
            if len(fields) != 6:
                problem = f"{len(fields)} columns; there must be 6 ({TREC_RUN})."
                raise at_line(str(self._run), number, problem)
            query, _, document, rank, score, _ = fields
            try:
                place = (-float(score), int(rank))
            except ValueError:
                problem = f"rank and score must be numbers, and not {rank!r} and {score!r}."
                raise at_line(str(self._run), number, problem) from None
            if math.isnan(place[0]):
                raise at_line(str(self._run), number, f"the score is {score}; give a number.")
            yield _Entry(number, query, document, place)

    def _query_texts(self) -> dict[str, str]:
        texts: dict[str, str] = {}
        for number, line in source_at(self._queries).lines():
            name, text = _entry(self._queries, number, line)
            _check_new(self._queries, number, name, texts)
            texts[name] = text
        return texts

    def _corpus_places(self) -> dict[str, int]:
        if not self._places:
            places, at = dict[str, int](), 0
            with self._opened_corpus() as corpus:
                for number, line in enumerate(corpus, 1):
                    if line.strip():
                        name = _entry(self._corpus, number, line)[0]
                        _check_new(self._corpus, number, name, places)
                        places[name] = at
                    at += len(line)
            self._places = places
        return self._places

    @contextmanager
    def _opened_corpus(self) -> Iterator[IO[bytes]]:
        with source_at(self._corpus).opened() as corpus:
            if isinstance(corpus, gzip.GzipFile):
                raise ConfigurationError(
                    f"{self._corpus} is packed by gzip; unpack it, since documents are read from "
                    "it one by one."
                )
            yield corpus

    def _text(self, corpus: IO[bytes], place: int) -> str:
        corpus.seek(place)
        return _entry(self._corpus, 0, corpus.readline())[1]


def _check_new(file: Path, number: int, name: str, known: Container[str]) -> None:
    if name in known:
        raise at_line(str(file), number, f"the id {name!r} is there a second time.")


def _entry(file: Path, number: int, line: str | bytes) -> tuple[str, str]:
    """The id of a document or query, and its title and text."""
    try:
        entry = json.loads(line)
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 (byte {error.start + 1} of the line)."
        raise at_line(str(file), number, problem) from None
    except (ValueError, RecursionError) as error:
        raise at_line(str(file), number, f"malformed JSON: {error}.") from None
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise at_line(str(file), number, "there must be an object with _id and text.")
    title = entry.get("title") or ""
    return as_id(entry.get("_id"), f"{file}, line {number}"), f"{title} {entry['text']}".strip()
