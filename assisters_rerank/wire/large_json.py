"""JSON that is too large to be read or written at once.

Who reads or writes JSON holds the interpreter's lock from begin to end, in whatever thread, and no
event loop runs meanwhile. Here both are done in pieces, each a few milliseconds' work.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from pydantic_core import PydanticSerializationError, from_json, to_json

from ..text.blocks import BLOCK, blocks

# Characters, or bytes, that are read or written at once.
_PIECE = BLOCK

_LIST, _END_OF_LIST, _QUOTE = b'[]"'
_OPENING = b"[{"

_STRUCTURE = re.compile(rb'["\[\]{}]')
_IN_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_COMMA = re.compile(rb"[ \t\n\r]*,")


def written(value: object) -> bytes:
    """A value of JSON; half characters in its texts are repaired."""
    return b"".join(_pieces(value))


def _pieces(value: object) -> Iterator[bytes]:
    if _weight(value) <= _PIECE:
        yield whole(value)
    elif isinstance(value, str):
        yield b'"'
        for block in blocks(value):
            yield whole(block)[1:-1]
        yield b'"'
    elif isinstance(value, Mapping):
        for place, (name, inner) in enumerate(value.items()):
            yield (b"," if place else b"{") + whole(name) + b":"
            yield from _pieces(inner)
        yield b"}"
    elif isinstance(value, list | tuple):
        for place, group in enumerate(_groups(value)):
            yield b"," if place else b"["
            if len(group) == 1:
                yield from _pieces(group[0])
            else:
                yield whole(group)[1:-1]
        yield b"]"
    else:
        yield whole(value)


def _groups(values: Sequence[object]) -> Iterator[list[object]]:
    """Neighbours that are written together."""
    group: list[object] = []
    size = 0
    for value in values:
        weight = _weight(value)
        if group and size + weight > _PIECE:
            yield group
            group, size = [], 0
        group.append(value)
        size += weight
    yield group


def _weight(value: object) -> int:
    """About as many characters as it takes."""
    if isinstance(value, str):
        return len(value) + 3
    if isinstance(value, Mapping):
        return sum(len(name) + 4 + _weight(inner) for name, inner in value.items())
    if isinstance(value, list | tuple):
        return sum(map(_weight, value)) + 2
    return 20


def whole(value: object) -> bytes:
    """As `written`, at once."""
    try:
        return to_json(value)  # several times faster than json.dumps
    except PydanticSerializationError:
        # Half characters, as from a text cut in the middle of an emoji: two halves that stand
        # together become one character again, a lone one becomes U+FFFD.
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def read(body: bytes | bytearray) -> object:
    """The value of a body. Of long lists, whose entries are lists or objects, parts are read.

    Raises:
        ValueError: it is no JSON, or JSON of a kind that `json.loads` may take.
    """
    mark = secrets.token_hex(16)
    lists: list[list[object]] = []
    rest, done = bytearray(), 0
    for start, commas, end in _long_lists(body):
        entries: list[object] = []
        for before, after in pairwise((start, *commas, end)):
            part = from_json(b"[" + body[before + 1 : after] + b"]")
            if not part:
                raise ValueError("nothing stands after a comma")
            entries += part
        rest += body[done:start] + f'["{mark}",{len(lists)}]'.encode()
        lists.append(entries)
        done = end + 1
    rest += body[done:]
    return _filled(from_json(rest), mark, lists)


def _filled(value: object, mark: str, lists: list[list[object]]) -> object:
    """The value with the lists in the places that were marked; those are in no other list."""
    if isinstance(value, dict):
        return {name: _filled(inner, mark, lists) for name, inner in value.items()}
    if isinstance(value, list) and value[:1] == [mark]:
        return lists[value[1]]
    return value


def _long_lists(body: bytes | bytearray) -> Iterator[tuple[int, list[int], int]]:
    """Where lists that are in no other list begin and end, and commas between their entries."""
    depth = outer = 0
    start = last = -1
    commas: list[int] = []
    for at in _structure(body):
        if body[at] in _OPENING:
            depth += 1
            if start < 0 and body[at] == _LIST:
                start = last = at
                outer, commas = depth, []
            continue
        depth -= 1
        if start < 0:
            continue
        if depth == outer and at - last > _PIECE and (comma := _COMMA.match(body, at + 1)):
            last = comma.end() - 1
            commas.append(last)
        elif depth < outer:
            if body[at] != _END_OF_LIST:
                raise ValueError("a list does not end as one")
            if commas:
                yield start, commas, at
            start = -1


def _structure(body: bytes | bytearray) -> Iterator[int]:
    """The places of all brackets outside of strings."""
    at = 0
    while at < len(body):
        found = _STRUCTURE.search(body, at, at + _PIECE)
        if found is None:
            at += _PIECE
        elif body[found.start()] == _QUOTE:
            at = _end_of_string(body, found.end())
        else:
            yield found.start()
            at = found.end()


def _end_of_string(body: bytes | bytearray, at: int) -> int:
    while at < len(body) and body[at] != _QUOTE:
        inside = _IN_STRING.match(body, at, at + _PIECE)
        if inside is None or inside.end() == at:
            break
        at = inside.end()
    else:
        return at + 1
    raise ValueError("a string does not end")
