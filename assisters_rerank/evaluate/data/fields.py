"""What the fields of a record are called in the files that people have."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ...errors import ConfigurationError

Record = Mapping[str, object]

DOCUMENT_IDS = (
    "_id",
    "id",
    "doc_id",
    "docid",
    "pid",
    "docno",
    "corpus_id",
    "document_id",
    "passage_id",
)
QUERY_IDS = ("query_id", "qid", "queryid", "q_id", "topic_id", "topic")
_TEXTS = ("text", "contents", "body", "passage", "content", "page_content", "document")
_QUESTIONS = ("query", "question", "user_input")

NAMES: Mapping[str, tuple[str, ...]] = {
    "id": (*DOCUMENT_IDS, *QUERY_IDS),
    "title": ("title",),
    "text": _TEXTS,
    "query": (*_QUESTIONS, *_TEXTS),
    "query_id": (*QUERY_IDS, "query"),
    "document_id": (*DOCUMENT_IDS[2:], "doc", "document", "passage", "corpus", "_id", "id"),
    "grade": ("score", "grade", "relevance", "relevancy", "rel", "label", "judgment", "judgement"),
    "rank": ("rank",),
    "score": ("score", "sim", "similarity"),
    "question": _QUESTIONS,
    "relevant": ("reference_contexts", "ground_truth_contexts", "relevant_contexts"),
    "contexts": ("contexts", "context"),
    "retrieved": ("retrieved_contexts",),
    "positive": ("positive", "positives", "pos", "positive_passages", "positive_ctxs"),
    "negative": (
        "negative", "negatives", "neg", "negative_passages", "negative_ctxs", "hard_negatives",
        "hard_negative_ctxs",
    ),
}  # fmt: skip
"""What a field means, to the names it goes by, with `_` for `-` and blanks, in small letters."""

_KNOWN = {name for names in NAMES.values() for name in names}


class Fields:
    """The names of fields, some of which the user has named.

    Args:
        own: what a field means (one of `NAMES`), to what it is called.

    Raises:
        ConfigurationError: it means none of these.
    """

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self._own = dict(own or {})
        self._unseen = dict(self._own)
        self._places: dict[tuple[str, tuple[str, ...]], str | None] = {}
        for meaning in self._own:
            if meaning not in NAMES:
                known = ", ".join(NAMES)
                raise ConfigurationError(f"fields: {meaning!r} is none of {known}.")

    def name(self, meaning: str, record: Record) -> str | None:
        """The record's field of this meaning: the user's own, else the first known; or None."""
        key = meaning, tuple(record)
        if key not in self._places:
            self._places[key] = self._find(meaning, key[1])
        return self._places[key]

    def value(self, meaning: str, record: Record) -> object:
        """What stands in it; None if there is none."""
        name = self.name(meaning, record)
        return None if name is None else record[name]

    def is_heading(self, cells: list[str]) -> bool:
        """Whether a file's first row names its columns."""
        names = [cell for cell in cells if _plain(cell) in _KNOWN or cell in self._own.values()]
        has_number = any(cell.strip().replace(".", "").isdigit() for cell in cells)
        return bool(cells) and not has_number and len(names) >= min(2, len(cells))

    def check_used(self, file: str) -> None:
        """Raises `ConfigurationError` for a field that the user has named, and no file has."""
        for meaning, name in self._unseen.items():
            raise ConfigurationError(f"{file}: no file has the field {name!r} (for {meaning}).")

    def _find(self, meaning: str, there: tuple[str, ...]) -> str | None:
        own = self._own.get(meaning)
        if own is not None and own in there:
            self._unseen.pop(meaning, None)
            return own
        by_name = {_plain(name): name for name in reversed(there)}
        return next((by_name[name] for name in NAMES[meaning] if name in by_name), None)


def id_of(value: object) -> str | None:
    """An id as text, since many are whole numbers; None if it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def lacks(meaning: str, record: Record, wanted: str, name: str | None) -> str:
    """What is wrong with a record whose field `name` is no good, or that has none."""
    if name is not None:
        shown = json.dumps(record[name], ensure_ascii=False, default=str)[:40]
        return f"`{name}` must be {wanted}, and not {shown}."
    has = ", ".join(f"`{other}`" for other in list(record)[:8])
    return (
        f"there is no field for {meaning} (such as `{NAMES[meaning][0]}`); there are: "
        f"{has or 'none'}; name it with --field {meaning}=NAME."
    )


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")
