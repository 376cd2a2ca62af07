"""JSON in pieces: what is written is what would be written at once, and so is what is read."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import JsonValue

from assisters_rerank.text import blocks
from assisters_rerank.wire import large_json
from assisters_rerank.wire.messages import NOT_JSON, parsed

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]), max_size=12) | st.text(
    '\\"[]{},: \ud83d\ude00', max_size=30
)
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 1) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ANY_TEXT, inner, max_size=5),
    max_leaves=30,
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])


@pytest.fixture(autouse=True)
def tiny_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of eight characters or bytes, so that small values have many."""
    monkeypatch.setattr(large_json, "_PIECE", 8)
    monkeypatch.setattr(blocks, "BLOCK", 8)


@given(VALUES)
@example({"\ud800": 6.103515625e-05})
def test_written_as_at_once(value: JsonValue) -> None:
    written, whole = large_json.written(value), large_json.whole(value)
    try:
        large_json.to_json(value)
    except large_json.PydanticSerializationError:
        # Where half characters are repaired, another writer is at work: it writes the same numbers
        # in another way.
        assert json.loads(written) == json.loads(whole)
    else:
        assert written == whole


@given(VALUES, SEPARATORS, st.booleans())
def test_read_as_at_once(value: JsonValue, separators: tuple[str, str], escaped: bool) -> None:
    text = json.dumps(value, separators=separators, ensure_ascii=escaped)
    body = text.encode("utf-8", "replace")
    try:
        assert large_json.read(bytearray(body)) == large_json.from_json(body)
    except ValueError:  # half characters, of which only escapes are read, and only by json.loads
        with pytest.raises(ValueError, match=r"."):
            large_json.from_json(body)


@given(VALUES, st.integers(0, 400), st.sampled_from([*'[]{}",:\\ 1', ""]))
def test_what_is_no_json_is_refused_as_at_once(value: JsonValue, at: int, put: str) -> None:
    text = json.dumps(value)
    body = (text[:at] + put + text[at + 1 :]).encode()
    try:
        expected: object = large_json.from_json(body)
    except ValueError:
        expected = NOT_JSON
    try:
        found: object = large_json.read(body)
    except ValueError:
        found = NOT_JSON
    assert found == expected


ENTRY = '{"index": 0, "text": "a, ]} \\" \\\\"}'


@pytest.mark.parametrize(
    "text",
    [
        f"[{ENTRY}, {ENTRY}, {ENTRY}]",
        f'{{"a": [{ENTRY},{ENTRY}], "b": {{"c": [{ENTRY},{ENTRY}]}}, "a": [{ENTRY}, {ENTRY}]}}',
        f"[[{ENTRY}, {ENTRY}], [{ENTRY}, [1, 2, {{}}]]]",
    ],
)
def test_lists_are_read_in_parts(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    real = large_json.from_json

    def noted(data: bytes) -> object:
        sizes.append(len(data))
        return real(data)

    monkeypatch.setattr(large_json, "from_json", noted)
    assert large_json.read(text.encode()) == json.loads(text)
    assert len(sizes) > 2
    assert max(sizes) < len(text)


@pytest.mark.parametrize(
    "text",
    [
        f"[{ENTRY}, {ENTRY},]",
        f"[{ENTRY}, {ENTRY}, ",
        f"[{ENTRY}, {ENTRY}}}",
        f'{{"a": [{ENTRY}, {ENTRY}}}',
        f"[{ENTRY}, , {ENTRY}]",
        f"[{ENTRY}, {ENTRY}]]",
        f"[{ENTRY}, {ENTRY}] x",
        f"{{[{ENTRY}, {ENTRY}]: 1}}",
        f'{{"a": 1, [{ENTRY}, {ENTRY}]: 1}}',
        '["' + "a" * 40,
        '["' + "a" * 40 + "\\",
    ],
)
def test_lists_that_do_not_end_well(text: str) -> None:
    assert parsed(text.encode()) is NOT_JSON
    with pytest.raises(ValueError, match=r"."):
        large_json.read(text.encode())


def test_two_halves_of_a_character_become_one_in_any_place() -> None:
    for before in range(20):
        text = "a" * before + "\ud83d" + "\ude00" + "b" * 20
        assert json.loads(large_json.written([text])) == ["a" * before + "😀" + "b" * 20]
        assert "".join(blocks.blocks(text)) == text
        assert all(not block.endswith("\ud83d") for block in blocks.blocks(text))


def test_half_a_character_before_a_whole_one_does_not_part_that() -> None:
    for before in range(20):
        text = "a" * before + "\ud83d" + "\ud83d\ude00" + "b" * 20
        assert json.loads(large_json.written([text])) == ["a" * before + "\ufffd😀" + "b" * 20]


def test_other_encodings_are_read_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assisters_rerank.wire.messages._AT_ONCE", 4)
    value = {"results": [{"index": 0, "text": "\ud83d"}, {"index": 1, "text": "ü"}]}
    assert parsed(json.dumps(value).encode()) == value
    assert parsed(json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")) == value


@pytest.mark.timed
@pytest.mark.xdist_group("busy")
def test_the_time_grows_with_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    hard = '\\"' * 200_000 + "[" * 200_000
    body = json.dumps([{"text": hard}] * 4).encode()
    began = time.thread_time()
    assert large_json.read(body) == json.loads(body)
    assert large_json.written([hard] * 4) == json.dumps([hard] * 4, separators=(",", ":")).encode()
    assert time.thread_time() - began < 1
