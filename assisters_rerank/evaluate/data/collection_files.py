"""A collection from the files that people have: a folder or an archive of one, or a single file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path

from ...errors import ConfigurationError
from .collection import Collection
from .fields import Fields
from .kinds_of_ids import check_kinds_of_ids
from .layout import Layout, layout_of
from .qrels import Judgement, judgements, qrels_of, scaled
from .single_file import collection_of
from .sources import Files, Source, at_line, files_of, is_archive, source_at
from .texts import documents_in, queries_in

_ENDINGS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar", ".zip", ".gz")


def read_collection(
    path: str | PathLike[str],
    split: str | None = None,
    *,
    corpus: str | PathLike[str] | None = None,
    queries: str | PathLike[str] | None = None,
    qrels: str | PathLike[str] | None = None,
    allow_missing: bool = False,
    fields: Mapping[str, str] | None = None,
) -> Collection:
    """Reads a collection, line by line, whichever of the usual layouts it has.

    Args:
        path: a folder, or a .tar.gz or .zip of it (which is not unpacked), with the corpus, the
            queries and the judgements, each as JSONL, CSV, TSV, JSON or Parquet, perhaps packed
            by gzip: BEIR's (Thakur et al., 2021), MTEB's, Hugging Face's or MS MARCO's. Or one
            file: LlamaIndex's `EmbeddingQAFinetuneDataset`, a table of questions and contexts
            (Ragas), or lists of positive and negative passages for each query (MTEB's reranking).
            Ids may be whole numbers. A document's text is its title and its text.
        split: reads the judgements of this split, e.g. `qrels/SPLIT.tsv`; without it the plain
            ones, or those called test, or the only ones.
        corpus: a file to use instead.
        queries: a file to use instead.
        qrels: a file of judgements to use instead; see `read_qrels`.
        allow_missing: takes judgements about missing documents as trec_eval does:
            the document is relevant, and never found. Otherwise the first such relevant document
            is an error. Those of grade 0 change nothing, and are always allowed.
        fields: your own names of fields, e.g. `{"text": "abstract"}`; what they mean is one of
            `id`, `title`, `text`, `query`, `query_id`, `document_id`, `grade`, `question`,
            `relevant`, `contexts`, `retrieved`, `positive` and `negative`.

    Raises:
        ConfigurationError: naming file and line: malformed JSON, a line that is no object, no or
            a duplicate id, no text, a judged query or document that does not exist; or a file is
            missing, empty or not UTF-8, there are several collections, columns are
            swapped; or what `read_qrels` refuses.
    """
    place, names = Path(path), Fields(fields)
    if split is not None and qrels is not None:
        raise ConfigurationError("split, qrels: give one of them, not both.")
    own = {"corpus": corpus, "queries": queries, "qrels": qrels}
    if place.is_file() and not is_archive(place):
        if any(file is not None for file in (*own.values(), split)):
            raise ConfigurationError(
                f"{place}: a single file holds all of a collection; leave out corpus, queries, "
                "qrels and split, or name the folder."
            )
        found = collection_of([source_at(place)], names, _name(place))
    else:
        with files_of(place) as files:
            found = _read(files, split, own, names, _name(place), allow_missing=allow_missing)
    names.check_used(str(place))
    return found


def _read(
    files: Files,
    split: str | None,
    own: Mapping[str, str | PathLike[str] | None],
    fields: Fields,
    name: str,
    *,
    allow_missing: bool,
) -> Collection:
    layout = layout_of(files)
    if layout.is_table and not any(own.values()):
        table = layout.part("table", split, usual=("test.jsonl",))
        return collection_of(table.sources(files), fields, name)
    found = _chosen(files, layout, split, own)
    label = found["qrels"][0].label
    judged = qrels_of(_judgements(found["qrels"], fields), label)
    grades, factor = scaled(judged, label)
    queries = queries_in(found["queries"], fields, grades)
    documents = documents_in(found["corpus"], fields)
    if not any(documents.values()):
        raise ConfigurationError(f"{found['corpus'][0].label}: there is no text in it.")
    places = {role: sources[0].label for role, sources in found.items()}
    there = queries or queries_in(found["queries"], fields, None)
    check_kinds_of_ids(judged, there, documents, places)
    if len(queries) < len(grades):
        raise _unknown(found, fields, queries, "query")
    note = (
        f"The grades in {label} have fractions; all are multiplied by {factor}, which does not "
        "change nDCG."
    )
    collection = Collection(name, documents, queries, grades, notes=(note,) if factor > 1 else ())
    if collection.missing and not allow_missing:
        raise _unknown(found, fields, documents, "document")
    return collection


def _chosen(
    files: Files,
    layout: Layout,
    split: str | None,
    own: Mapping[str, str | PathLike[str] | None],
) -> dict[str, list[Source]]:
    """The files of each role: the user's own, else those of the layout."""
    found: dict[str, list[Source]] = {}
    names = ("qrels.tsv", "qrels/test.tsv")
    judged = names if split is None else (f"qrels/{split}.tsv", f"qrels.{split}.tsv")
    usual = {"corpus": ("corpus.jsonl",), "qrels": judged, "queries": ("queries.jsonl",)}
    for role, file in ((role, own[role]) for role in usual):
        if file is not None:
            found[role] = [source_at(Path(file))]
            continue
        part = layout.part(role, None if role == "corpus" else split, usual=usual[role])
        if role == "qrels":  # MS MARCO's queries have splits, too
            split = part.rest or None
        found[role] = part.sources(files)
    return found


def _judgements(sources: Sequence[Source], fields: Fields) -> Iterator[Judgement]:
    for source in sources:
        yield from judgements(source, fields)


def _unknown(
    found: Mapping[str, Sequence[Source]], fields: Fields, known: Mapping[str, str], kind: str
) -> ConfigurationError:
    # Read again: good files need no line numbers, and there may be millions of judgements.
    file = Path(found["queries" if kind == "query" else "corpus"][0].label).name
    for source in found["qrels"]:
        for judgement in judgements(source, fields):
            name = judgement.query if kind == "query" else judgement.document
            if name not in known and (kind == "query" or judgement.grade):
                way_out = (
                    ""
                    if kind == "query"
                    else " (allow_missing takes such documents as relevant and never found)"
                )
                problem = f"{kind} {name!r} does not exist in {file}{way_out}."
                return at_line(source.label, judgement.line, problem)
    return ConfigurationError(f"{found['qrels'][0].label} changed while it was read.")


def _name(path: Path) -> str:
    name = path.resolve().name
    name = next((name.removesuffix(end) for end in _ENDINGS if name.endswith(end)), name)
    return Path(name).stem if path.is_file() and not is_archive(path) else name


read_beir = read_collection  # the name from before it read other layouts
