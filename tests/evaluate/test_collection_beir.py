"""Collections in BEIR's layout: what is read, and one clear line for what cannot be."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from assisters_rerank import ConfigurationError
from assisters_rerank.evaluate import read_beir

CORPUS = (
    '{"_id": "d1", "title": "Wing", "text": "lift and drag"}\n'
    '{"_id": "d2", "title": "", "text": "boundary layer"}\n'
    '{"_id": "d3", "text": "heat"}\n'
)
QUERIES = (
    '{"_id": "q1", "text": "lift"}\n{"_id": "q2", "text": "heat"}\n{"_id": "q3", "text": ""}\n'
)
QRELS = "query-id\tcorpus-id\tscore\nq2\td3\t2\nq2\td1\t0\nq1\td1\t1\n"
GOOD = {"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES, "qrels.tsv": QRELS}


def folder(at: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return at


def refusal(at: Path, files: Mapping[str, str | bytes], **options: str) -> str:
    """The whole message, which is one line, without the folder."""
    with pytest.raises(ConfigurationError) as caught:
        read_beir(folder(at, files), **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(at), "…")


def test_reads_a_folder(tmp_path: Path) -> None:
    found = read_beir(folder(tmp_path / "wings", GOOD))
    assert found.name == "wings"
    assert found.documents == {"d1": "Wing lift and drag", "d2": "boundary layer", "d3": "heat"}
    assert found.queries == {"q1": "lift", "q2": "heat"}  # judged ones; q3's text is no matter
    assert found.qrels == {"q1": {"d1": 1}, "q2": {"d3": 2, "d1": 0}}
    assert found.missing == 0


def test_takes_what_people_have(tmp_path: Path) -> None:
    """A byte order mark, Windows' line ends, blank lines, whole numbers as ids, a null title,
    and U+2028 within a text, where Python's text files would end the line."""
    files = {
        "corpus.jsonl": '\ufeff{"_id": 7, "title": null, "text": "a\u2028b"}\r\n\r\n',
        "queries.jsonl": '{"_id": 1, "text": "a", "metadata": {}}\n',
        "qrels/test.tsv": "\ufeff1\t7\t1\r\n",
    }
    found = read_beir(folder(tmp_path, files))
    assert found.documents == {"7": "a\u2028b"}
    assert (found.queries, found.qrels) == ({"1": "a"}, {"1": {"7": 1}})


@pytest.mark.parametrize(
    ("split", "grade"), [(None, 1), ("test", 2), ("dev", 3), ("graded", 4)], ids=str
)
def test_judgements_of_a_split(tmp_path: Path, split: str | None, grade: int) -> None:
    files = GOOD | {
        "qrels.tsv": "q1\td1\t1\n",
        "qrels/test.tsv": "q1\td1\t2\n",
        "qrels/dev.tsv": "q1\td1\t3\n",
        "qrels.graded.tsv": "q1\td1\t4\n",
    }
    assert read_beir(folder(tmp_path, files), split).qrels == {"q1": {"d1": grade}}


def test_judgements_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "own.qrels"
    own.write_text("q1 0 d2 3\n")
    at = folder(tmp_path / "wings", GOOD)
    assert read_beir(at, qrels=own).qrels == {"q1": {"d2": 3}}
    with pytest.raises(ConfigurationError, match="one of them, not both"):
        read_beir(at, "test", qrels=own)


@pytest.mark.parametrize("top", ["", "wings/", "./a/b/"])
@pytest.mark.parametrize("kind", ["wings.tar.gz", "wings.tar.xz", "wings.zip"])
def test_archives(tmp_path: Path, kind: str, top: str) -> None:
    archive = tmp_path / kind
    files = {top + name: text for name, text in GOOD.items()}
    # macOS puts such a shadow of each file into its archives; and others keep old versions.
    files |= {f"{top}._corpus.jsonl": "\0", f"{top}old/corpus.jsonl": "\0"}
    if kind.endswith("zip"):
        with zipfile.ZipFile(archive, "w") as packed:
            for name, text in files.items():
                packed.writestr(name, text)
    else:
        with tarfile.open(archive, "w:" + kind.rpartition(".")[2]) as tar:
            for name, text in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text.encode())
                tar.addfile(entry, io.BytesIO(text.encode()))
    unpacked = read_beir(folder(tmp_path / "wings", GOOD))
    assert read_beir(archive) == unpacked


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"corpus.jsonl": CORPUS + '{"_id": "d4" "text": ""}'},
            "…/corpus.jsonl, line 4: malformed JSON at column 14: Expecting ',' delimiter.",
        ),
        ({"corpus.jsonl": "[3]\n"}, "…/corpus.jsonl, entry 1: not a JSON object."),
        ({"corpus.jsonl": CORPUS + "[]"}, "…/corpus.jsonl, line 4: not a JSON object."),
        (
            {"corpus.jsonl": "[" * 100_000},
            re.compile(r"…/corpus\.jsonl, line 1: malformed JSON: .*recursion.*\."),
        ),
        (
            {"corpus.jsonl": '\n{"key": "d1", "text": "", "title": ""}'},
            "…/corpus.jsonl, line 2: there is no field for id (such as `_id`); there are: `key`, "
            "`text`, `title`; name it with --field id=NAME.",
        ),
        (
            {"corpus.jsonl": '{"_id": true, "text": ""}'},
            "…/corpus.jsonl, line 1: `_id` must be a string, and not true.",
        ),
        (
            {"corpus.jsonl": CORPUS + CORPUS},
            "…/corpus.jsonl, line 4: the id 'd1' is there a second time.",
        ),
        (
            {"corpus.jsonl": '{"_id": "d1", "abstract": "x", "title": ""}'},
            "…/corpus.jsonl, line 1: there is no field for text (such as `text`); there are: "
            "`_id`, `abstract`, `title`; name it with --field text=NAME.",
        ),
        (
            {"corpus.jsonl": '{"_id": "d1", "text": ["x"]}'},
            '…/corpus.jsonl, line 1: `text` must be a string, and not ["x"].',
        ),
        (
            {"corpus.jsonl": '{"_id": "d1", "title": 3, "text": "x"}'},
            "…/corpus.jsonl, line 1: `title` must be a string, and not 3.",
        ),
        (
            {"corpus.jsonl": '{"_id": "d1", "title": "", "text": " "}'},
            "…/corpus.jsonl: there is no text in it.",
        ),
        ({"corpus.jsonl": ""}, "…/corpus.jsonl: there is no text in it."),
        (
            {"corpus.jsonl": CORPUS.encode() + b'{"_id": "d4", "text": "caf\xe9"}'},
            "…/corpus.jsonl, line 4: not UTF-8 (byte 27 of the line); save it as UTF-8.",
        ),
        (
            {"queries.jsonl": QUERIES.encode("utf-16")},
            "…/queries.jsonl, line 1: not UTF-8 (byte 1 of the line); save it as UTF-8.",
        ),
        (
            {"queries.jsonl": QUERIES + '{"_id": "q3", "text": "x"}'},
            "…/queries.jsonl, line 4: the id 'q3' is there a second time.",
        ),
        (
            {"qrels.tsv": QRELS + "q3\td1\t1\n"},
            "…/queries.jsonl, line 3: query 'q3' has an empty text.",
        ),
        (
            {"qrels.tsv": QRELS + "q9\td1\t1\n"},
            "…/qrels.tsv, line 5: query 'q9' does not exist in queries.jsonl.",
        ),
        (
            {"qrels.tsv": QRELS + "q1\td8\t0\nq1\td9\t1\n"},
            "…/qrels.tsv, line 6: document 'd9' does not exist in corpus.jsonl "
            "(allow_missing takes such documents as relevant and never found).",
        ),
        ({"qrels.tsv": ""}, "…/qrels.tsv: there is no judgement in it."),
        (
            {"qrels.tsv": "query-id\tcorpus-id\tscore\n"},
            "…/qrels.tsv: there is no judgement in it.",
        ),
    ],
)
def test_bad_input(
    tmp_path: Path, change: dict[str, str | bytes], message: str | re.Pattern[str]
) -> None:
    said = refusal(tmp_path, GOOD | change)
    assert message.fullmatch(said) if isinstance(message, re.Pattern) else said == message


def test_documents_outside_the_corpus(tmp_path: Path) -> None:
    """Judged irrelevant they change nothing; relevant ones can be kept, as in trec_eval."""
    files = GOOD | {"qrels.tsv": "q1\td8\t0\nq1\td1\t1\n"}
    assert read_beir(folder(tmp_path / "a", files)).missing == 0
    files = GOOD | {"qrels.tsv": "q1\td8\t0\nq1\td9\t1\nq1\td1\t1\n"}
    kept = read_beir(folder(tmp_path / "b", files), allow_missing=True)
    assert kept.qrels == {"q1": {"d8": 0, "d9": 1, "d1": 1}}
    assert kept.missing == 1


def test_missing_files(tmp_path: Path) -> None:
    without = {name: text for name, text in GOOD.items() if name != "qrels.tsv"}
    cure = "Name yours with --qrels FILE."
    said = refusal(tmp_path / "1", without)
    assert said == (
        "…: there is no qrels.tsv or qrels/test.tsv; found: corpus.jsonl, queries.jsonl. " + cure
    )
    two = without | {"qrels/dev.tsv": QRELS, "qrels/train.tsv": QRELS}
    said = refusal(tmp_path / "2", two)
    assert said == (
        "…: which is it, qrels/dev.tsv, qrels/train.tsv? Name one with --qrels FILE, or --split."
    )
    said = refusal(tmp_path / "3", GOOD, split="dev")
    assert said == f"…: there is no qrels/dev.tsv or qrels.dev.tsv; found: qrels.tsv. {cure}"
    said = refusal(tmp_path / "4", {"qrels.tsv": QRELS})
    assert said == "…: there is no corpus.jsonl; found: qrels.tsv. Name yours with --corpus FILE."
    only = {"corpus.jsonl": CORPUS, "qrels.tsv": QRELS}
    assert refusal(tmp_path / "5", only).startswith("…: there is no queries.jsonl; found: ")


def test_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such folder, file or archive"):
        read_beir(tmp_path / "none")


def test_an_archive_that_broke_off(tmp_path: Path) -> None:
    archive = tmp_path / "wings.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder(tmp_path / "wings", GOOD), "wings")
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(ConfigurationError, match=r"wings\.tar\.gz cannot be read: "):
        read_beir(archive)
