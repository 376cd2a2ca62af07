"""Documents from files: text, JSONL, CSV and TSV, and how each file is told apart."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest

from assisters_rerank.commands.reading.formats import InputFormat
from assisters_rerank.commands.reading.inputs import read_documents
from assisters_rerank.commands.reading.records import Input, InputError


@pytest.fixture
def file(folder: Path) -> Path:
    """A file that can be named without its folder."""
    return folder / "in"


def _read(file: Path, content: bytes, form: InputFormat = InputFormat.AUTO) -> list[Input]:
    file.write_bytes(content)
    return read_documents([file.name], form)


@pytest.mark.parametrize(
    ("content", "documents"),
    [
        (b"one", [("one", 1)]),
        (b"one\ntwo\n", [("one", 1), ("two", 2)]),
        (b"one\r\n\r\ntwo\r\n", [("one", 1), ("two", 3)]),
        (b"\xef\xbb\xbfone\n", [("one", 1)]),
        (b"  indented \n", [("  indented ", 1)]),
        # Only a newline ends a line, whatever else Unicode calls a separator.
        ("a\x0cb\u2028c\x85d\n".encode(), [("a\x0cb\u2028c\x85d", 1)]),
        (b"same\nsame\n", [("same", 1), ("same", 2)]),
        ("grün 漢字 🦊\n".encode(), [("grün 漢字 🦊", 1)]),
        (b"a\0b\n", [("a\0b", 1)]),
        (b"one\r\rtwo\r", [("one", 1), ("two", 3)]),
        (b"10%\r20%\ndone\n", [("10%\r20%", 1), ("done", 2)]),
        ("grün\nzwei\n".encode("utf-16"), [("grün", 1), ("zwei", 2)]),
        (codecs.BOM_UTF16_BE + "grün\n".encode("utf-16-be"), [("grün", 1)]),
        ("grün\n".encode("utf-32"), [("grün", 1)]),
    ],
)
def test_text_is_a_document_a_line(
    file: Path, content: bytes, documents: list[tuple[str, int]]
) -> None:
    assert _read(file, content) == [Input(text, "in", line) for text, line in documents]


@pytest.mark.parametrize(
    "content",
    [
        "{name}, hello\n",
        '"quoted"\n',
        "[1] A footnote\n",
        "42\n",
        "{% if user %}\n",
        "{# a note #}\n",
        '{{ "name" }}\n',
        "{/* C, or JSX */}\n",
        "{\n",
        "[\n",
        "[link](page.html)\n",
        "[[1, 2], 3\n",
    ],
)
def test_what_only_looks_like_json_is_text(file: Path, content: str) -> None:
    assert _read(file, content.encode()) == [Input(content.rstrip("\n"), "in", 1)]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ('{"text": "a",}', 14),
        ("{'text': 'a'}", 2),
        ('{"text": "a" "b"}', 14),
        ('{ "text": "a"', 14),
        ('\t{"text": "a"} x', 16),
    ],
)
def test_what_begins_like_json_is_never_ranked_as_text(file: Path, line: str, column: int) -> None:
    with pytest.raises(InputError, match=r"^in:1:\d+: not valid JSON .*--input-format text") as at:
        _read(file, f'{line}\n{{"text": "fine"}}\n'.encode())
    # Python 3.13 points at the comma, and older ones at what follows it.
    assert abs(int(str(at.value).split(":")[2]) - column) <= 2
    assert _read(file, line.encode(), InputFormat.TEXT) == [Input(line, "in", 1)]


def test_numbers_that_json_does_not_have_are_read_outside_the_text(file: Path) -> None:
    (found,) = _read(file, b'{"text": "a", "n": NaN, "m": [-Infinity]}\n')
    assert found.text == "a"
    with pytest.raises(InputError, match=r'^in:1:1: the field "text" holds a number, not a string'):
        _read(file, b'{"text": NaN}\n')


def test_a_text_file_may_hold_json_lines_later(file: Path) -> None:
    found = _read(file, b'a log of requests\n{"text": "a"}\n')
    assert [each.text for each in found] == ["a log of requests", '{"text": "a"}']


@pytest.mark.parametrize("start", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_a_file_that_begins_with_an_object_is_jsonl(file: Path, start: bytes) -> None:
    content = start + b'{"text": "one", "id": 12345678901234567890}\r\n\r\n {"text": ""}\n'
    first = start.count(b"\n") + 1
    assert _read(file, content) == [
        Input("one", "in", first, {"text": "one", "id": 12345678901234567890}),
        Input("", "in", first + 2, {"text": ""}),
    ]


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (b"not JSON", "in:2:1: not valid JSON"),
        (b'{"text": "cut o', "in:2:10: not valid JSON"),
        (b"[1]", "in:2:1: not a JSON object"),
        (b'{"title": "x"}', 'in:2:1: there is no field "text"; fields with a string: "title"; '),
        (b'{"n": 1}', 'in:2:1: there is no field "text"; fields with a string: none; '),
        (b'{"text": null, "a": ""}', 'in:2:1: the field "text" holds null, not a string; '),
        (b'{"text": "x", "n": 1e999}', "in:2:1: not valid JSON (1e999 is out of range)"),
        (b'{"a":' * 100_000, "in:2:1: not valid JSON"),
        (b'{"text": "\xff"}', "in:2:11: not UTF-8 (byte 0xff)"),
    ],
)
def test_a_broken_line_of_jsonl_is_named(file: Path, second: bytes, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        _read(file, b'{"text": "fine"}\n' + second + b"\n")
    assert str(caught.value).startswith(problem)


def test_objects_without_text_are_no_text(file: Path) -> None:
    with pytest.raises(InputError, match=r'^in:1:1: there is no field "text"'):
        _read(file, b'{"title": "a"}\n{"title": "b"}\n')


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ('[\n  {"text": "a"}\n]\n', "array"),
        ('[{"text": "a", "n": NaN}]\n', "array"),
        ('[{"text": "a"},]\n', "array"),
        ('["a", "b"]\n', "array"),
        ('["a", "b"]\n["c", "d"]\n', "array"),
        ('{\n  "text": "a"\n}\n', "object"),
        ('{\n  "text": "a",\n}\n', "object"),
    ],
)
def test_one_json_value_over_the_file_is_not_taken_for_lines(
    file: Path, content: str, kind: str
) -> None:
    with pytest.raises(InputError, match=f"^in: this is one JSON {kind}.*--input-format text"):
        _read(file, content.encode())


def test_the_format_can_be_given(file: Path) -> None:
    content = b'{"title": "a"}\n[\n'
    found = _read(file, content, InputFormat.TEXT)
    assert [each.text for each in found] == ['{"title": "a"}', "["]
    with pytest.raises(InputError, match=r"^in:1:1: not valid JSON"):
        _read(file, b"plain\n", InputFormat.JSONL)


@pytest.mark.parametrize("suffix", ["jsonl", "ndjson", "JSONL", "csv", "tsv"])
def test_the_suffix_decides_before_the_first_line(folder: Path, suffix: str) -> None:
    name = f"in.{suffix}"
    (folder / name).write_text("plain words\nand more\n")
    with pytest.raises(InputError, match=rf"^{name}:[12]:1: "):
        read_documents([name])
    assert len(read_documents([name], InputFormat.TEXT)) == 2


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"body": "x"}, "body"),
        ({"a": {"b": {"c": "x"}}, "text": "no"}, "a.b.c"),
        ({"a.b": "x", "a": {"b": "no"}}, "a.b"),
        ({"page_content": "x", "metadata": {"n": 1}}, "page_content"),
    ],
)
def test_the_field_of_the_text_can_be_named(
    file: Path, record: dict[str, object], name: str
) -> None:
    file.write_text(json.dumps(record))
    assert read_documents(["in"], text_field=name) == [Input("x", "in", 1, record)]


def test_a_missing_field_s_error_lists_those_that_are_there(file: Path) -> None:
    record = {"id": 7, "title": "a", "meta": {"lang": "en", "body": "b"}}
    file.write_text(json.dumps(record))
    for name in ("text", "meta", "meta.title", "id.x"):
        with pytest.raises(InputError) as caught:
            read_documents(["in"], text_field=name)
        assert f'"{name}"' in str(caught.value)
        there = '"title", "meta.lang", "meta.body"; choose one with --text-field'
        assert str(caught.value).endswith(there)
    file.write_text(json.dumps({f"f{n}": "" for n in range(40)}))
    with pytest.raises(InputError, match='"f11" and 28 more; '):
        read_documents(["in"])


def test_a_text_field_where_nothing_has_fields_is_refused(folder: Path) -> None:
    (folder / "a").write_text("one\n")
    (folder / "b").write_text('{"x": "two"}\n')
    with pytest.raises(InputError, match=r"^--text-field x: lines of plain text have no fields"):
        read_documents(["a"], text_field="x")
    assert len(read_documents(["a", "b"], text_field="x")) == 2


def test_csv_has_a_document_in_each_row(folder: Path) -> None:
    content = 'id,text\r\n1,"one, and\r\nhalf"\r\n\r\n2,"say ""two"""\r\n'
    (folder / "a.csv").write_bytes(codecs.BOM_UTF8 + content.encode())
    assert read_documents(["a.csv"]) == [
        Input("one, and\r\nhalf", "a.csv", 2, {"id": "1", "text": "one, and\r\nhalf"}),
        Input('say "two"', "a.csv", 5, {"id": "2", "text": 'say "two"'}),
    ]
    for separated, ends in ((";", "\n"), (",", "\r")):
        lines = [f"id{separated}body", f"1{separated}one"]
        (folder / "b.csv").write_bytes(ends.join(lines).encode())
        found = read_documents(["b.csv"], text_field="body")
        assert found == [Input("one", "b.csv", 2, {"id": "1", "body": "one"})]
    (folder / "long.csv").write_text(f"text\n{'x' * 200_000}\n")
    assert len(read_documents(["long.csv"])[0].text) == 200_000


def test_tsv_knows_no_quotes(folder: Path) -> None:
    (folder / "a.tsv").write_text('id\ttext\n1\t"half, a quote\n2\ttwo\n')
    assert [each.text for each in read_documents(["a.tsv"])] == ['"half, a quote', "two"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("id,text\n1,a,b\n", "in:2:3: the row has 3 fields, and the heading 2"),
        ("id,text\n1,a\n2\n", "in:3:1: the row has 1 field, and the heading 2"),
        ('id,text\n1,"never closed\n2,b\n', "in:2: not valid CSV (unexpected end of data)"),
        ('id,text\n1,"a" b\n', "in:2: not valid CSV"),
        ("id,title\n1,a\n", 'in:2:1: there is no field "text"; fields with a string: "id", "ti'),
        ("text,text\n1,a\n", 'in:1: two columns have the name "text"'),
        ("id,text\n", "in: there are no documents"),
    ],
)
def test_a_broken_table_is_named(file: Path, content: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        _read(file, content.encode(), InputFormat.CSV)
    assert str(caught.value).startswith(problem)


def test_bytes_that_are_not_utf_8_are_named_with_their_place(file: Path) -> None:
    with pytest.raises(InputError, match=r"^in:3:3: not UTF-8 \(byte 0xfc\); give --encoding"):
        _read(file, b"one\n\n\xc3\xa4f\xfcr\n")
    assert read_documents(["in"], encoding="latin-1")[1].text == "Ã¤für"
    with pytest.raises(InputError, match=r"^in:3:1: not ASCII .*own encoding with --encoding"):
        read_documents(["in"], encoding="ascii")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"PK\x03\x04", "a zip archive"),
        ("ab\n".encode("utf-16-le"), "UTF-16"),
        ("ab\n".encode("utf-16-be"), "UTF-16"),
    ],
)
def test_a_file_that_is_no_text_is_refused(file: Path, content: bytes, what: str) -> None:
    with pytest.raises(InputError, match=f"^in: .*{what}"):
        _read(file, content)


@pytest.mark.parametrize("content", [b"", b"\n \t\n\xc2\xa0\n", codecs.BOM_UTF8])
def test_no_documents_is_an_error(file: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"^in: there are no documents"):
        _read(file, content)


def test_text_and_jsonl_files_may_be_mixed(folder: Path) -> None:
    (folder / "a").write_text("one\n")
    (folder / "b").write_text('{"text": "two"}\n')
    assert read_documents(["b", "a", "b"]) == [
        Input("two", "b", 1, {"text": "two"}),
        Input("one", "a", 1),
        Input("two", "b", 1, {"text": "two"}),
    ]


def test_a_file_that_cannot_be_read_is_named(folder: Path) -> None:
    for name in ("missing", str(folder)):
        with pytest.raises(InputError, match=f"^{name}: "):
            read_documents([name])
