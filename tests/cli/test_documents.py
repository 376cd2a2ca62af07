"""Documents from files: text and JSONL, told apart by their content."""

from __future__ import annotations

from pathlib import Path

import pytest

from assisters_rerank.commands.documents import Input, InputError, InputFormat, read_documents


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
        (b"", []),
        (b"\n \t\n\xc2\xa0\n", []),
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
    ],
)
def test_text_is_a_document_a_line(
    file: Path, content: bytes, documents: list[tuple[str, int]]
) -> None:
    assert _read(file, content) == [Input(text, "in", line) for text, line in documents]


@pytest.mark.parametrize(
    "content", ["{name}, hello\n", '"quoted"\n', "[1] A footnote\n", "{'text': 1}\n", "42\n"]
)
def test_what_only_looks_like_json_is_text(file: Path, content: str) -> None:
    assert _read(file, content.encode()) == [Input(content.rstrip("\n"), "in", 1)]


def test_a_text_file_may_hold_json_lines_later(file: Path) -> None:
    found = _read(file, b'a log of requests\n{"text": "a"}\n')
    assert [each.document for each in found] == ["a log of requests", '{"text": "a"}']


@pytest.mark.parametrize("start", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_a_file_that_begins_with_an_object_is_jsonl(file: Path, start: bytes) -> None:
    content = start + b'{"text": "one", "id": 12345678901234567890}\r\n\r\n {"text": ""}\n'
    first = start.count(b"\n") + 1
    assert _read(file, content) == [
        Input({"text": "one", "id": 12345678901234567890}, "in", first),
        Input({"text": ""}, "in", first + 2),
    ]


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (b"not JSON", "in:2: not valid JSON"),
        (b'{"text": "cut o', "in:2: not valid JSON"),
        (b"[1]", "in:2: not a JSON object"),
        (b'{"title": "x"}', 'in:2: the JSON object has no string under "text"'),
        (b'{"text": null}', 'in:2: the JSON object has no string under "text"'),
        (b'{"text": "x", "n": NaN}', "in:2: not valid JSON (NaN is not JSON)"),
        (b'{"text": "x", "n": 1e999}', "in:2: not valid JSON (1e999 is out of range)"),
        (b'{"a":' * 100_000, "in:2: not valid JSON"),
        (b'{"text": "\xff"}', "in:2: not UTF-8 (byte 0xff)"),
    ],
)
def test_a_broken_line_of_jsonl_is_named(file: Path, second: bytes, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        _read(file, b'{"text": "fine"}\n' + second + b"\n")
    assert str(caught.value).startswith(problem)


def test_objects_without_text_are_no_text(file: Path) -> None:
    with pytest.raises(InputError, match=r'^in:1: the JSON object has no string under "text"$'):
        _read(file, b'{"title": "a"}\n{"title": "b"}\n')


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b'[\n  {"text": "a"}\n]\n', "array"), (b'{\n  "text": "a"\n}\n', "object")],
)
def test_one_json_value_over_the_file_is_not_taken_for_lines(
    file: Path, content: bytes, kind: str
) -> None:
    with pytest.raises(
        InputError, match=f"^in: the file is one JSON {kind}; .*--input-format text"
    ):
        _read(file, content)


def test_the_format_can_be_given(file: Path) -> None:
    content = b'{"title": "a"}\n[\n'
    found = _read(file, content, InputFormat.TEXT)
    assert [each.document for each in found] == ['{"title": "a"}', "["]
    with pytest.raises(InputError, match=r"^in:1: not valid JSON"):
        _read(file, b"plain\n", InputFormat.JSONL)


def test_bytes_that_are_not_utf_8_are_named_with_their_line(file: Path) -> None:
    with pytest.raises(InputError, match=r"^in:3: not UTF-8 \(byte 0xfc\)"):
        _read(file, b"one\n\nf\xfcr\n")
    with pytest.raises(InputError, match=r"^in:1: not UTF-8 \(byte 0xff\)"):
        _read(file, "one\n".encode("utf-16"))


def test_text_and_jsonl_files_may_be_mixed(folder: Path) -> None:
    (folder / "a").write_text("one\n")
    (folder / "b").write_text('{"text": "two"}\n')
    assert read_documents(["b", "a", "b"]) == [
        Input({"text": "two"}, "b", 1),
        Input("one", "a", 1),
        Input({"text": "two"}, "b", 1),
    ]


def test_a_file_that_cannot_be_read_is_named(folder: Path) -> None:
    for name in ("missing", str(folder)):
        with pytest.raises(InputError, match=f"^{name}: "):
            read_documents([name])
