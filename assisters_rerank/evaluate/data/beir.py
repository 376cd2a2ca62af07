"""Collections in BEIR's layout: `corpus.jsonl`, `queries.jsonl` and the qrels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path

from ...errors import ConfigurationError
from .collection import Collection, Qrels
from .qrels import Judgement, judgements, qrels_of
from .sources import Files, at_line, files_of, lines_of

_CORPUS, _QUERIES = "corpus.jsonl", "queries.jsonl"
_ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar", ".zip")


def read_beir(
    folder: str | PathLike[str],
    split: str | None = None,
    *,
    qrels: str | PathLike[str] | None = None,
    allow_missing: bool = False,
) -> Collection:
    """Reads a collection in the layout of BEIR (Thakur et al., 2021), line by line.

    Args:
        folder: it, or a .tar.gz or .zip of it (which is not unpacked). `corpus.jsonl` has an
            object with `_id`, `text` and perhaps `title` on each line; `queries.jsonl` has `_id`
            and `text`. Ids may be whole numbers. A document's text is its title and its text.
        split: reads the judgements from `qrels/SPLIT.tsv` or `qrels.SPLIT.tsv`; without it they
            come from `qrels.tsv`, or else `qrels/test.tsv`.
        qrels: a file of judgements to use instead, BEIR's or TREC's; see `read_qrels`.
        allow_missing: takes judgements about missing documents as trec_eval does:
            the document is relevant, and never found. Otherwise the first such relevant document
            is an error. Those of grade 0 change nothing, and are always allowed.

    Raises:
        ConfigurationError: naming file and line: malformed JSON, a line that is no object, no or
            a duplicate id, no text, a judged query or document that does not exist; or a file is
            missing, empty or not UTF-8; or what `read_qrels` refuses.
    """
    path = Path(folder)
    if split is not None and qrels is not None:
        raise ConfigurationError("split, qrels: give one of them, not both.")
    with files_of(path) as files:
        for name in (_CORPUS, _QUERIES):
            if name not in files.names:
                raise ConfigurationError(f"{path}: there is no {name}.")
        judged = Path(qrels) if qrels is not None else _qrels_name(files, split)
        grades = qrels_of(_judgements(files, judged), _called(files, judged))
        queries = _queries(files, grades)
        if len(queries) < len(grades):
            raise _unknown(files, judged, queries, "query", _QUERIES)
        documents = _documents(files)
        collection = Collection(_name(path), documents, queries, grades)
        if collection.missing and not allow_missing:
            raise _unknown(files, judged, documents, "document", _CORPUS)
        return collection


def _qrels_name(files: Files, split: str | None) -> str:
    if split is None:
        tried = ("qrels.tsv", "qrels/test.tsv")
    else:
        tried = (f"qrels/{split}.tsv", f"qrels.{split}.tsv")
    for name in tried:
        if name in files.names:
            return name
    others = sorted(name for name in files.names if name.startswith("qrels"))
    raise ConfigurationError(
        f"{files.place}: there is no {' or '.join(tried)}"
        + (f"; found: {', '.join(others)}." if others else ".")
    )


def _called(files: Files, judged: str | Path) -> str:
    return files.path(judged) if isinstance(judged, str) else str(judged)


def _judgements(files: Files, judged: str | Path) -> Iterator[Judgement]:
    lines = files.lines(judged) if isinstance(judged, str) else lines_of(judged)
    return judgements(lines, _called(files, judged))


def _unknown(
    files: Files, judged: str | Path, known: Mapping[str, str], kind: str, file: str
) -> ConfigurationError:
    # Read again: good files need no line numbers, and there may be millions of judgements.
    for judgement in _judgements(files, judged):
        name = judgement.query if kind == "query" else judgement.document
        if name not in known and (kind == "query" or judgement.grade):
            way_out = (
                ""
                if kind == "query"
                else " (allow_missing takes such documents as relevant and never found)"
            )
            problem = f"{kind} {name!r} does not exist in {file}{way_out}."
            return at_line(_called(files, judged), judgement.line, problem)
    return ConfigurationError(f"{_called(files, judged)} changed while it was read.")


def _queries(files: Files, judged: Qrels) -> dict[str, str]:
    seen: set[str] = set()
    queries = {}
    for number, name, entry in _entries(files, _QUERIES):
        if name in seen:
            raise _twice(files, _QUERIES, number, name)
        seen.add(name)
        text = _text(files, _QUERIES, number, entry, "text")
        if name not in judged:
            continue
        if not text.strip():
            raise at_line(files.path(_QUERIES), number, f"query {name!r} has an empty text.")
        queries[name] = text
    return queries


def _documents(files: Files) -> dict[str, str]:
    documents: dict[str, str] = {}
    for number, name, entry in _entries(files, _CORPUS):
        if name in documents:
            raise _twice(files, _CORPUS, number, name)
        text = _text(files, _CORPUS, number, entry, "text")
        # Many collections have no titles: none, an empty one, or null.
        title = _text(files, _CORPUS, number, entry, "title") if entry.get("title") else ""
        documents[name] = f"{title} {text}".strip()
    if not any(documents.values()):
        raise ConfigurationError(f"{files.path(_CORPUS)}: there is no text in it.")
    return documents


def _entries(files: Files, file: str) -> Iterator[tuple[int, str, dict[str, object]]]:
    path = files.path(file)
    for number, line in files.lines(file):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as error:
            problem = f"malformed JSON at column {error.colno}: {error.msg}."
            raise at_line(path, number, problem) from None
        except (ValueError, RecursionError) as error:
            raise at_line(path, number, f"malformed JSON: {error}.") from None
        if not isinstance(entry, dict):
            raise at_line(path, number, "not a JSON object.")
        name = entry.get("_id")
        if isinstance(name, int) and not isinstance(name, bool):
            name = str(name)
        if not isinstance(name, str) or not name:
            raise at_line(path, number, _lacks("_id", entry, "a string"))
        yield number, name, entry


def _text(files: Files, file: str, number: int, entry: dict[str, object], key: str) -> str:
    text = entry.get(key)
    if not isinstance(text, str):
        raise at_line(files.path(file), number, _lacks(key, entry, "a string"))
    return text


def _lacks(key: str, entry: dict[str, object], wanted: str) -> str:
    if key in entry:
        return f"`{key}` must be {wanted}, and not {json.dumps(entry[key])[:40]}."
    has = ", ".join(f"`{other}`" for other in list(entry)[:8])
    return f"the field `{key}` is missing; the line has: {has or 'nothing'}."


def _twice(files: Files, file: str, number: int, name: str) -> ConfigurationError:
    return at_line(files.path(file), number, f"the id {name!r} is there a second time.")


def _name(path: Path) -> str:
    name = path.resolve().name
    return next((name.removesuffix(end) for end in _ARCHIVES if name.endswith(end)), name)
