"""The layouts that people have: one collection in many forms is read as the same."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from assisters_rerank import ConfigurationError
from assisters_rerank.evaluate import Collection, bm25, read_collection, read_qrels, read_run
from assisters_rerank.evaluate.data.sample import write_sample

Rows = Sequence[Mapping[str, object]]

CORPUS: Rows = [
    {"_id": "d1", "title": "Wing", "text": 'lift, and "drag"'},
    {"_id": "d2", "title": "", "text": "boundary layer"},
    {"_id": "d3", "title": "Heat", "text": None},
]
QUERIES: Rows = [{"_id": "q1", "text": "lift"}, {"_id": "q2", "text": "heat"}]
QRELS: Rows = [
    {"query-id": "q1", "corpus-id": "d1", "score": 1},
    {"query-id": "q2", "corpus-id": "d3", "score": 2},
    {"query-id": "q2", "corpus-id": "d2", "score": 0},
]
DOCUMENTS = {"d1": 'Wing lift, and "drag"', "d2": "boundary layer", "d3": "Heat"}
GRADES = {"q1": {"d1": 1}, "q2": {"d3": 2, "d2": 0}}


def jsonl(rows: Rows) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def array(rows: Rows) -> bytes:
    return json.dumps(rows, indent=1).encode()


def table(rows: Rows, delimiter: str = ",") -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def parquet(rows: Rows) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    out = io.BytesIO()
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.Table.from_pylist(list(rows)), out)
    return out.getvalue()


def renamed(rows: Rows, **names: str) -> Rows:
    return [
        {names.get(name.strip("_"), name): value for name, value in row.items()} for row in rows
    ]


def folder(at: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_bytes(content)
    return at


def check(found: Collection) -> None:
    assert dict(found.documents) == DOCUMENTS
    assert dict(found.queries) == {"q1": "lift", "q2": "heat"}
    assert dict(found.qrels) == GRADES


def refused(read: Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read()
    assert "\n" not in str(caught.value)
    return str(caught.value)


WRITERS = {"jsonl": jsonl, "json": array, "csv": table, "parquet": parquet}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", WRITERS)
def test_kinds_of_files(tmp_path: Path, kind: str, packed: bool) -> None:
    write = WRITERS[kind]
    parts = {"corpus": CORPUS, "queries": QUERIES, "qrels/test": QRELS}
    files = {f"{name}.{kind}": write(rows) for name, rows in parts.items()}
    if packed:
        files = {f"{name}.gz": gzip.compress(data) for name, data in files.items()}
    check(read_collection(folder(tmp_path, files)))


@pytest.mark.parametrize("name", ["id", "doc_id", "docid", "pid"])
@pytest.mark.parametrize("text", ["contents", "body", "passage", "content", "page_content"])
def test_names_of_fields(tmp_path: Path, name: str, text: str) -> None:
    files = {
        "corpus.jsonl": jsonl(renamed(CORPUS, id=name, text=text)),
        "queries.jsonl": jsonl(renamed(QUERIES, id="query_id", text="question")),
        "qrels.tsv": table(renamed(QRELS), "\t"),
    }
    check(read_collection(folder(tmp_path, files)))


def test_names_of_ones_own(tmp_path: Path) -> None:
    files = {
        "corpus.csv": table(renamed(CORPUS, id="Nummer", text="Inhalt")),
        "queries.csv": table(renamed(QUERIES, id="Nummer", text="Frage")),
        "qrels.tsv": table(renamed(QRELS), "\t"),
    }
    at = folder(tmp_path, files)
    names = {"id": "Nummer", "text": "Inhalt", "query": "Frage"}
    check(read_collection(at, fields=names))
    assert "no file has the field 'Note' (for grade)" in refused(
        lambda: read_collection(at, fields={**names, "grade": "Note"})
    )
    assert "fields: 'txt' is none of id, " in refused(
        lambda: read_collection(at, fields={"txt": "x"})
    )


def test_objects_by_id(tmp_path: Path) -> None:
    files = {
        "corpus.json": json.dumps(
            {r["_id"]: {"title": r["title"], "text": r["text"]} for r in CORPUS}
        ),
        "queries.json": json.dumps({"q1": "lift", "q2": "heat"}),
        "qrels.json": json.dumps(GRADES),
    }
    check(read_collection(folder(tmp_path, {name: text.encode() for name, text in files.items()})))


HUGGING_FACE = {
    "mteb": ("corpus/corpus-{n:05}-of-00002.parquet", "queries/queries-00000-of-00001.parquet",
             "data/test-00000-of-00001.parquet"),
    "qrels folder": ("corpus/test-{n:05}-of-00002.parquet", "queries/test-00000-of-00001.parquet",
                     "qrels/test-00000-of-00001.parquet"),
    "converted": ("corpus/corpus/{n:04}.parquet", "queries/queries/0000.parquet",
                  "default/test/0000.parquet"),
    "one language": ("en-corpus/test-{n:05}-of-00002.parquet",
                     "en-queries/test-00000-of-00001.parquet",
                     "en-qrels/test-00000-of-00001.parquet"),
}  # fmt: skip


@pytest.mark.parametrize("names", HUGGING_FACE.values(), ids=HUGGING_FACE)
def test_hugging_face(tmp_path: Path, names: tuple[str, str, str]) -> None:
    corpus, queries, qrels = names
    files = {
        corpus.format(n=0): parquet(CORPUS[:2]),
        corpus.format(n=1): parquet(CORPUS[2:]),
        queries: parquet(QUERIES),
        qrels: parquet(QRELS),
        "README.md": b"# A data set",
        ".cache/huggingface/corpus.jsonl": b"",
    }
    check(read_collection(folder(tmp_path / "folder", files)))


def test_ms_marco(tmp_path: Path) -> None:
    """Its passages, queries, judgements and runs have no heading; its queries have splits."""
    files = {
        "collection.tsv": b'1\tlift, and "drag"\n2\tboundary layer\n',
        "queries.dev.small.tsv": b"11\tlift\n12\tlayer\n",
        "queries.train.tsv": b"13\twing\n",
        "qrels.dev.small.tsv": b"11\t0\t1\t1\n12\t0\t2\t1\n",
        "run.dev.small.tsv": b"11\t2\t1\n11\t1\t2\n12\t1\t1\n",
    }
    at = folder(tmp_path, files)
    found = read_collection(at)
    assert dict(found.documents) == {"1": 'lift, and "drag"', "2": "boundary layer"}
    assert dict(found.queries) == {"11": "lift", "12": "layer"}
    assert dict(found.qrels) == {"11": {"1": 1}, "12": {"2": 1}}
    assert read_run(at / "run.dev.small.tsv", found) == {"11": ["2", "1"], "12": ["1"]}
    assert read_collection(at, "dev.small") == found


def test_files_of_ones_own(tmp_path: Path) -> None:
    names = {"corpus": "a", "queries": "b", "qrels": "c"}
    at = folder(tmp_path, {"a": jsonl(CORPUS), "b": table(QUERIES), "c": jsonl(QRELS)})
    check(read_collection(at, **{role: at / name for role, name in names.items()}))


@pytest.mark.parametrize(
    "text",
    [
        "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td3\t2\nq2\td2\t0\n",
        "score,corpus-id,query-id\n1,d1,q1\n2,d3,q2\n0,d2,q2\n",  # by the heading's names
        "qid;docno;rel\nq1;d1;1\nq2;d3;2\nq2;d2;0\n",
        ",query_id,doc_id,relevance\n0,q1,d1,1.0\n1,q2,d3,2.0\n2,q2,d2,0.0\n",  # pandas' index
        "q1,d1,1\nq2,d3,2\nq2,d2,0\n",
        "q1 0 d1 1\nq2 0 d3 2\nq2 0 d2 -1\n",
        "query-id corpus-id score\nq1 d1 1\nq2 d3 2\nq2 d2 0\n",
        '{"q1": {"d1": 1}, "q2": {"d3": 2, "d2": 0}}',
        '{"q1": {"d1": 1},\n "q2": {"d3": 2, "d2": 0}}\n',
        '[{"qid": "q1", "pid": "d1", "label": 1}, {"qid": "q2", "pid": "d3", "label": 2},'
        '{"qid": "q2", "pid": "d2", "label": 0}]',
    ],
)  # fmt: skip
def test_judgements(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    assert read_qrels(tmp_path / "file") == GRADES


@pytest.mark.parametrize(
    "text", ["q1\td 1\nq2\td2\n", "q1,d 1\nq2,d2\n", "qid,pid\nq1,d 1\nq2,d2\n"]
)
def test_judgements_of_two_columns(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    assert read_qrels(tmp_path / "file") == {"q1": {"d 1": 1}, "q2": {"d2": 1}}


def test_grades_with_fractions(tmp_path: Path) -> None:
    """They become whole numbers in the same proportion, of which the collection has a note."""
    rows = [{**row, "score": grade} for row, grade in zip(QRELS, (0.5, 1.25, 0), strict=True)]
    at = folder(tmp_path, {"corpus.jsonl": jsonl(CORPUS), "queries.jsonl": jsonl(QUERIES),
                           "qrels.csv": table(rows)})  # fmt: skip
    found = read_collection(at)
    assert dict(found.qrels) == {"q1": {"d1": 2}, "q2": {"d3": 5, "d2": 0}}
    assert [note for note in found.notes if "multiplied by 4" in note]
    (at / "qrels.csv").write_bytes(table([{**QRELS[0], "score": 1 / 3}]))
    assert "too fine" in refused(lambda: read_collection(at))


WANTED = {"q1": ["d2", "d1"], "q2": ["d3"]}


@pytest.mark.parametrize(
    "text",
    [
        "q1\td2\t1\nq1\td1\t2\nq2\td3\t1\n",  # ranks
        "q1\td2\t9.5\nq1\td1\t2\nq2\td3\t1\n",  # scores
        "q1 d1 0.5\nq1 d2 1\nq2 d3 1\n",
        "q1 d2 1 9.5\nq1 d1 2 7\nq2 d3 1 5\n",
        "q1 Q0 d1 7\nq1 Q0 d2 9.5\nq2 Q0 d3 5\n",
        "q1 Q0 d2 0\nq1 Q0 d1 1\nq2 Q0 d3 0\n",
        "q1 Q0 d2 1 9.5\nq1 Q0 d1 2 7\nq2 Q0 d3 1 5\n",
        "q1 d2 1 9.5 tag\nq1 d1 2 7 tag\nq2 d3 1 5 tag\n",
        "q1 Q0 d2 1 9.5 tag\nq1 Q0 d1 2 7 tag\nq2 Q0 d3 1 5 tag\n",
        "q1 Q0 d2 1 9.5 my tag\nq1 Q0 d1 2 7 my tag\nq2 Q0 d3 1 5 my tag\n",
        "query_id,doc_id,rank\nq1,d1,2\nq1,d2,1\nq2,d3,1\n",
        "score,doc_id,query_id\n7,d1,q1\n8,d2,q1\n1,d3,q2\n",
        '{"q1": {"d1": 0.25, "d2": 0.5}, "q2": {"d3": 1}}',
        '{"q1": ["d2", "d1"], "q2": ["d3"]}',
        '{"qid": "q1", "docid": "d1", "score": 1}\n{"qid": "q1", "docid": "d2", "score": 2}\n'
        '{"qid": "q2", "docid": "d3", "score": 2}\n',
    ],
)
def test_runs(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.gz").write_bytes(gzip.compress(text.encode()))
    assert read_run(tmp_path / "run.gz") == WANTED


def test_a_run_whose_numbers_may_be_ranks_or_scores(tmp_path: Path) -> None:
    file = tmp_path / "run"
    file.write_text("q1 d1 1\nq1 d2 2\nq2 d1 3\nq2 d2 1\n")
    said = refused(lambda: read_run(file))
    assert said.startswith(f"{file}, line 3: the numbers rise like ranks for some queries")


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_pointer_of_git_lfs(tmp_path: Path, name: str) -> None:
    files = {"corpus.jsonl": jsonl(CORPUS), "queries.jsonl": jsonl(QUERIES),
             "qrels.tsv": table(QRELS, "\t")}  # fmt: skip
    at = folder(tmp_path, files | {name: POINTER})
    said = refused(lambda: read_collection(at))
    assert said == (
        f"{at}/{name}, line 1: this is a pointer of Git LFS, not the file itself; fetch that with "
        "`git lfs pull`."
    )


def test_two_collections_in_one_archive(tmp_path: Path) -> None:
    parts = {"corpus.jsonl": jsonl(CORPUS), "queries.jsonl": jsonl(QUERIES),
             "qrels.tsv": table(QRELS, "\t")}  # fmt: skip
    archive = tmp_path / "both.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for top in ("a", "b"):
            for name, data in parts.items():
                entry = tarfile.TarInfo(f"{top}/{name}")
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    said = refused(lambda: read_collection(archive))
    assert said == f"{archive}: there are 2 collections in it: a, b; name one, as {archive}/a."
    check(read_collection(archive / "b"))
    assert "no corpus.jsonl" in refused(lambda: read_collection(archive / "c"))


@pytest.mark.parametrize("headed", [True, False])
def test_swapped_columns(tmp_path: Path, headed: bool) -> None:
    swapped = "d1\tq1\t1\nd3\tq2\t1\n"
    qrels = f"query-id\tcorpus-id\tscore\n{swapped}" if headed else swapped
    at = folder(tmp_path, {"corpus.jsonl": jsonl(CORPUS), "queries.jsonl": jsonl(QUERIES),
                           "qrels.tsv": qrels.encode()})  # fmt: skip
    said = refused(lambda: read_collection(at))
    assert said.startswith(f"{at}/qrels.tsv, line 1: the columns are swapped: ")


def test_ids_of_another_kind(tmp_path: Path) -> None:
    parts = {"corpus.jsonl": jsonl(CORPUS), "queries.jsonl": jsonl(QUERIES)}
    at = folder(tmp_path, parts | {"qrels.tsv": b"1\td1\t1\n2\td2\t1\n"})
    said = refused(lambda: read_collection(at))
    assert said == (
        f"{at}/qrels.tsv, line 1: no query of its 2 is in {at}/queries.jsonl, where they look "
        "like 'q1'; here they look like '1'. Give judgements of this collection, or name the "
        "field of the ids with --field."
    )
    (at / "qrels.tsv").write_text("q1\tdoc-1\t1\nq2\tdoc-2\t1\n")
    said = refused(lambda: read_collection(at))
    assert (
        f"no relevant document of its 2 is in {at}/corpus.jsonl, where they look like 'd1'" in said
    )


def test_the_index_that_pandas_writes(tmp_path: Path) -> None:
    (tmp_path / "qrels.tsv").write_text("0\tq1\td1\t1\n1\tq1\td2\t0\n2\tq2\td3\t1\n")
    said = refused(lambda: read_qrels(tmp_path / "qrels.tsv"))
    assert said.startswith(f"{tmp_path}/qrels.tsv, line 1: the first column only counts the rows")
    assert said.endswith("to_csv(…, index=False).")


def test_the_page_shows_the_first_lines_of_the_sample(tmp_path: Path) -> None:
    files = write_sample(tmp_path / "c")
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    for file in files:
        lines = [f"    {line}\n" for line in file.read_text().splitlines()[:3]]
        assert f"`{file.name}`:\n\n{''.join(lines)}" in page
    assert len(read_collection(tmp_path / "c").queries) == 3
    assert "it is there already; give another folder" in refused(
        lambda: write_sample(tmp_path / "c")
    )


# --- all in one file


def whole(at: Path, name: str, data: bytes) -> Collection:
    return read_collection(folder(at, {name: data}) / name)


def test_llama_index_finetune_dataset(tmp_path: Path) -> None:
    content = {
        "queries": {"a": "lift?", "b": "heat?"},
        "corpus": {"n1": "lift", "n2": "heat"},
        "relevant_docs": {"a": ["n1"], "b": ["n2"]},
        "mode": "text",
    }
    found = whole(tmp_path, "qa.json", json.dumps(content, indent=4).encode())
    assert (found.name, found.documents, found.queries) == (
        "qa",
        content["corpus"],
        content["queries"],
    )
    assert found.qrels == {"a": {"n1": 1}, "b": {"n2": 1}}
    content["relevant_docs"] = {"a": ["n1"], "b": ["n9"]}
    said = refused(lambda: whole(tmp_path, "qa.json", json.dumps(content).encode()))
    assert said == (
        f"{tmp_path}/qa.json, relevant_docs 'b': 'n9' does not exist in corpus; add it, or leave "
        "it out."
    )


RAGAS: Rows = [
    {"user_input": "lift?", "retrieved_contexts": ["heat", "lift"], "reference_contexts": ["lift"],
     "response": "", "reference": "up"},
    {"user_input": "heat?", "retrieved_contexts": ["drag"], "reference_contexts": ["heat", "drag"],
     "response": "", "reference": "hot"},
]  # fmt: skip


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "parquet"])
def test_ragas(tmp_path: Path, kind: str) -> None:
    """Also as CSV, where pandas writes lists in Python's way. What was retrieved is ranked."""
    found = whole(tmp_path, f"ragas.{kind}", WRITERS[kind](RAGAS))
    assert list(found.queries.values()) == ["lift?", "heat?"]
    texts = found.documents
    grades = [{texts[name]: g for name, g in by.items()} for by in found.qrels.values()]
    assert grades == [{"lift": 1}, {"heat": 1, "drag": 1}]
    assert found.candidates is not None
    ranked = [[texts[name] for name in names] for names in found.candidates.values()]
    assert ranked == [["heat", "lift"], ["drag"]]


def test_questions_and_contexts(tmp_path: Path) -> None:
    """SQuAD's way, and LlamaIndex's LabelledRagDataset: all contexts are the documents."""
    squad = [
        {"id": "s1", "question": "a?", "context": "x y"},
        {"id": "s2", "question": "b?", "context": "x y"},
    ]
    found = whole(tmp_path, "squad.csv", table(squad))
    assert list(found.documents.values()) == ["x y"]
    assert found.candidates is None
    rag = {"examples": [{"query": "a?", "reference_contexts": ["x", "y"], "reference_answer": "z"}]}
    found = whole(tmp_path, "rag.json", json.dumps(rag).encode())
    assert list(found.documents.values()) == ["x", "y"]


def test_contexts_that_were_retrieved_say_nothing_about_relevance(tmp_path: Path) -> None:
    row = {"question": "a?", "contexts": ["x"], "answer": "y", "ground_truth": "z"}
    data = jsonl([row])
    said = refused(lambda: whole(tmp_path, "old.jsonl", data))
    assert said.startswith(
        f"{tmp_path}/old.jsonl, line 1: `contexts` is what a system has retrieved"
    )
    assert said.endswith("with --field relevant=NAME.")
    found = read_collection(tmp_path / "old.jsonl", fields={"relevant": "contexts"})
    assert list(found.documents.values()) == ["x"]


def test_a_list_as_numpy_prints_it(tmp_path: Path) -> None:
    """Python would read these two texts as one."""
    said = refused(lambda: whole(tmp_path, "t.csv", b"question,contexts\na?,\"['x y' 'z']\"\n"))
    assert said == (
        f"{tmp_path}/t.csv, line 2: `contexts` looks like a list, and is neither JSON nor Python; "
        "write it by json.dumps, or the file as JSONL."
    )


LISTS: Rows = [
    {"query": "lift", "positive": ["all of it"], "negative": ["lift and drag", "heat"]},
    {"query": "heat", "positive": ["heat"], "negative": ["none of it", "all of it"]},
]


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "parquet", "csv"])
def test_lists_of_passages(tmp_path: Path, kind: str) -> None:
    """Each query is ranked among its own passages; their order does not say which are right."""
    data = WRITERS[kind.removesuffix(".gz")](LISTS)
    found = whole(tmp_path, f"test.{kind}", gzip.compress(data) if kind.endswith("gz") else data)
    texts = found.documents
    grades = [{texts[name]: g for name, g in by.items()} for by in found.qrels.values()]
    assert grades == [
        {"lift and drag": 0, "heat": 0, "all of it": 1},
        {"none of it": 0, "all of it": 0, "heat": 1},
    ]
    ranked = [[texts[name] for name in names] for names in bm25(found).values()]
    assert [set(names) for names in ranked] == [set(by) for by in grades]
    assert [names[0] for names in ranked] == ["lift and drag", "heat"]
    same = whole(
        tmp_path,
        "turned.jsonl",
        jsonl([{**row, "positive": row["negative"], "negative": row["positive"]} for row in LISTS]),
    )
    again = [[same.documents[name] for name in names] for names in bm25(same).values()]
    assert again == ranked


def test_lists_of_passages_with_ids(tmp_path: Path) -> None:
    """Tevatron's and DPR's, in a folder of splits as Hugging Face has them."""
    row = {
        "query_id": "7",
        "query": "lift",
        "positive_passages": [{"docid": "a", "title": "Wing", "text": "up"}],
        "negative_passages": [{"docid": "b", "title": "", "text": "down"}],
    }
    at = folder(
        tmp_path,
        {"data/test-00000-of-00001.jsonl": jsonl([row]), "data/train-00000-of-00001.jsonl": b"x"},
    )
    found = read_collection(at)
    assert found.documents == {"a": "Wing up", "b": "down"}
    assert (found.queries, found.qrels) == ({"7": "lift"}, {"7": {"b": 0, "a": 1}})


def test_a_file_of_no_known_kind(tmp_path: Path) -> None:
    said = refused(lambda: whole(tmp_path, "x.csv", table(CORPUS)))
    assert said.startswith(f"{tmp_path}/x.csv: a single file needs questions with `contexts`")
    assert "this has `_id`, `title`, `text`" in said
    with pytest.raises(ConfigurationError, match="a single file holds all of a collection"):
        read_collection(tmp_path / "x.csv", "test")
    assert "there is nothing in it" in refused(lambda: whole(tmp_path, "x.csv", b""))


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    said = refused(lambda: whole(tmp_path, "x.parquet", b"PAR1"))
    assert said.endswith("this is a Parquet file, which needs pyarrow: pip install pyarrow")


def test_broken_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    said = refused(lambda: whole(tmp_path, "x.parquet", b"PAR1 and no more of it"))
    assert said.startswith(f"{tmp_path}/x.parquet cannot be read: ")


def zipped(names: Callable[[str], str] = str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in (("corpus", CORPUS), ("queries", QUERIES)):
            archive.writestr(names(f"c/{name}.jsonl"), jsonl(content))
        archive.writestr(names("c/qrels/test.tsv"), table(QRELS, "\t"))
    return packed.getvalue()


def test_an_archive_with_the_separators_of_windows(tmp_path: Path) -> None:
    file = tmp_path / "c.zip"
    file.write_bytes(zipped(lambda name: name.replace("/", "\\")))
    found = read_collection(file)
    assert (found.documents, found.qrels) == (DOCUMENTS, GRADES)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # The flag of encryption, and a method that nobody knows, in both of its headers.
        (("\x14\0\0\0", "\x14\0\1\0"), "is encrypted, password required for extraction"),
        (("\x14\0\0\0\0\0", "\x14\0\0\0\x63\0"), "compression method is not supported"),
    ],
)
def test_an_archive_that_cannot_be_unpacked(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    file = tmp_path / "c.zip"
    file.write_bytes(zipped().replace(*(part.encode("latin-1") for part in change)))
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_collection(file)
    assert str(caught.value).startswith(f"{file}/c/")


def test_a_part_of_an_archive_and_one_in_a_files_place(tmp_path: Path) -> None:
    part = tmp_path / "part.zip"
    part.write_bytes(zipped()[:-30])
    with pytest.raises(ConfigurationError, match=r"^\S+part\.zip: this is a ZIP archive, perhaps"):
        read_collection(part)
    write_sample(tmp_path / "s")
    (tmp_path / "s" / "corpus.jsonl").write_bytes(zipped())
    with pytest.raises(ConfigurationError, match=r"corpus\.jsonl: this is a ZIP archive"):
        read_collection(tmp_path / "s")


@pytest.mark.parametrize(
    "text", ['{"q1": {"d1": 1}, "q1": {"d2": 1}}', '{"q1": {"d1": 1, "d1": 0}}']
)
def test_a_name_twice_in_one_object(tmp_path: Path, text: str) -> None:
    """Only the last one would count, without a word."""
    file = tmp_path / "qrels.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"qrels.json, line 1: .* is there a second time"):
        read_qrels(file)


def test_reading_jsonl_leaves_the_programs_own_limit_of_csv(tmp_path: Path) -> None:
    """Python has one for the whole process; files without columns have no need of another."""
    write_sample(tmp_path)
    code = (
        "import csv, sys; before = csv.field_size_limit()\n"
        "from assisters_rerank.evaluate.data.texts import documents_in\n"
        "from assisters_rerank.evaluate.data.fields import Fields\n"
        "from assisters_rerank.evaluate.data.sources import source_at\n"
        "from pathlib import Path\n"
        "assert documents_in([source_at(Path(sys.argv[1]))], Fields())\n"
        "assert csv.field_size_limit() == before\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "corpus.jsonl")]
    subprocess.run(command, check=True, timeout=60)


def test_a_text_in_csv_may_be_long(tmp_path: Path) -> None:
    limit = csv.field_size_limit(131_072)  # Python's own
    try:
        long = "lift " * 100_000
        (tmp_path / "corpus.csv").write_bytes(table([{"_id": "d1", "title": "", "text": long}]))
        (tmp_path / "queries.jsonl").write_bytes(jsonl(QUERIES[:1]))
        (tmp_path / "qrels.jsonl").write_bytes(jsonl(QRELS[:1]))
        assert read_collection(tmp_path).documents == {"d1": long.strip()}
    finally:
        csv.field_size_limit(limit)


def test_a_single_column_is_one_column(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Cats eat fish.\nDogs run.\n")
    with pytest.raises(
        ConfigurationError, match="line 1: 1 column without a heading that is known"
    ):
        read_collection(file)
