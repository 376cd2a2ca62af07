"""The demo's corpus: what is read of a standard library, and what is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from assisters_rerank.demo.corpus import NoStandardLibraryError, Passage, read_passages

from .conftest import Reading

pytestmark = pytest.mark.xdist_group("standard library")  # one worker reads it


def _read(folder: Path, files: Mapping[str, str | bytes]) -> dict[str, Passage]:
    """The passages of a library made of `files`: path without `.py` -> content."""
    for name, content in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return {passage.name: passage for passage in read_passages(folder)}


DOCUMENTED = '"""What this module is about."""\n'


def test_the_real_standard_library_gives_thousands_of_passages(stdlib: list[Passage]) -> None:
    names = [passage.name for passage in stdlib]
    assert len(names) > 3_000
    assert len(set(names)) == len(names)
    assert {"subprocess", "subprocess.run", "subprocess.Popen.communicate", "io.open"} <= set(names)
    assert not [name for name in names if name.startswith("_") or "._" in name]
    modules = {name.split(".")[0] for name in names}
    assert modules.isdisjoint({"test", "idlelib", "lib2to3", "site-packages", "encodings"})


def test_a_passage_is_name_signature_and_docstring(stdlib: list[Passage]) -> None:
    run = next(passage for passage in stdlib if passage.name == "subprocess.run")
    heading, rest = run.text.split("\n", 1)
    assert heading.startswith("subprocess.run(*popenargs, input=None, capture_output=False")
    assert rest.startswith("Run command with arguments and return a CompletedProcess instance.")
    assert run.summary == "Run command with arguments and return a CompletedProcess instance."
    assert max(len(passage.text) for passage in stdlib) <= 1_600


def test_reading_imports_nothing(reading: Reading) -> None:
    """In a fresh interpreter: after reading, no module is loaded that was not before."""
    assert len(reading.passages) > 3_000
    # Codecs that source files declare are looked up to decode them.
    assert [name for name in reading.loaded if not name.startswith("encodings.")] == []


def test_files_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    found = _read(
        tmp_path,
        {
            "good": DOCUMENTED,
            "bad_syntax": "def (:\n",
            "bad_bytes": b'"""\xff\xfe is not UTF-8, is it?"""\n',
            "unknown_codec": b"# -*- coding: no-such-codec -*-\n" + DOCUMENTED.encode(),
            "null_byte": b'"""A null byte \0 in here."""\n',
            "too_deep": "x = " + "-" * 100_000 + "1\n",
        },
    )
    assert set(found) == {"good"}


def test_latin_1_source_is_decoded_as_it_declares(tmp_path: Path) -> None:
    source = '# -*- coding: latin-1 -*-\n"""Gr\xfc\xdfe an alle Leser."""\n'.encode("latin-1")
    assert _read(tmp_path, {"greetings": source})["greetings"].summary == "Grüße an alle Leser."


def test_private_and_foreign_modules_are_left_out(tmp_path: Path) -> None:
    found = _read(
        tmp_path,
        dict.fromkeys(
            [
                "public",
                "_private",
                "_pydecimal",
                "package/__init__",
                "package/__main__",
                "package/part",
                "package/_hidden",
                "package/tests/part",
                "site-packages/other",
                "config-3.11/script",
            ],
            DOCUMENTED,
        ),
    )
    # decimal's own documentation is compiled; its pure Python twin has the same.
    assert set(found) == {"public", "decimal", "package", "package.part"}


SHAPES = '''
class Shape(Base):
    """A thing with some area."""

    def __init__(self, *sides, unit="cm"):
        """Not listed, but its signature is the class's."""

    def area(self, precision=2, /):
        """Return how large this is."""

    @property
    def name(self):
        """What people call this shape."""

    @name.setter
    def name(self, value):
        """The second definition does not count."""

    @classmethod
    def unit_shape(cls):
        """Return the shape of size one."""

    @staticmethod
    def of(self, other):
        """Return a shape made of both."""

    def brief(self):
        """Too short."""

    def silent(self):
        pass

    def _inner(self):
        """Not part of the public interface."""

    class Corner:
        """Where two sides come together."""

if WINDOWS:
    def draw(handle):
        """Draw all shapes on Windows."""
else:
    def draw(display):
        """Draw all shapes on X11."""

try:
    import fast
except ImportError:
    async def measure():
        """Measure slowly, in pure Python."""
'''


def test_definitions_become_passages_with_the_signature_a_caller_sees(tmp_path: Path) -> None:
    found = _read(tmp_path, {"shapes": SHAPES})
    assert [passage.text.split("\n")[0] for passage in found.values()] == [
        "shapes.Shape(*sides, unit='cm')",
        "shapes.Shape.area(precision=2, /)",
        "shapes.Shape.name",
        "shapes.Shape.unit_shape()",
        "shapes.Shape.of(self, other)",
        "shapes.Shape.Corner",
        "shapes.draw(handle)",
        "shapes.measure()",
    ]
    assert found["shapes.Shape.name"].summary == "What people call this shape."
    assert found["shapes.draw"].summary == "Draw all shapes on Windows."


def test_names_are_the_ones_that_users_import(tmp_path: Path) -> None:
    """A package's own `__init__.py` says which definitions it offers, and under which names."""
    function = 'def {}():\n    """What this function does."""\n'
    found = _read(
        tmp_path,
        {
            "pkg/__init__": (
                "from ._local import *\n"
                "from ._hidden import shown\n"
                "from .tasks import *\n"
                "from .events import Loop, run as run_loop\n"
                "from ..other import far\n"
            ),
            "pkg/_local": function.format("path") + function.format("_inner"),
            "pkg/_hidden": DOCUMENTED + function.format("shown") + function.format("unshown"),
            "pkg/_unused": function.format("never"),
            "pkg/tasks": (
                "__all__ = ('wait',)\n" + function.format("wait") + function.format("internal")
            ),
            "pkg/events": function.format("run")
            + 'class Loop:\n    """Runs all the work there is."""\n',
            "pkg/other": function.format("far"),
        },
    )
    assert set(found) == {
        "pkg.path",
        "pkg.shown",
        "pkg.wait",
        "pkg.tasks.internal",
        "pkg.Loop",
        "pkg.events.run",
        "pkg.other.far",
    }


def test_real_names_can_be_imported(stdlib: list[Passage]) -> None:
    names = {passage.name for passage in stdlib}
    assert {"asyncio.wait_for", "pathlib.Path.rglob", "unittest.TestCase.assertRaises"} <= names
    assert "asyncio.tasks.wait_for" not in names


def test_a_long_docstring_is_cut_at_a_word(tmp_path: Path) -> None:
    text = _read(tmp_path, {"long": '"""' + "word " * 1_000 + '"""'})["long"].text
    assert 1_590 < len(text) <= 1_600
    assert text.endswith(" word")


@pytest.mark.parametrize(
    ("docstring", "summary"),
    [
        ("One line without a full stop", "One line without a full stop"),
        ("Over two\nlines. And a second sentence.", "Over two lines."),
        ("First paragraph here\n\nSecond paragraph.", "First paragraph here"),
        ("Since Python 3.11 this works.", "Since Python 3.11 this works."),
    ],
)
def test_the_summary_is_the_first_sentence(tmp_path: Path, docstring: str, summary: str) -> None:
    assert _read(tmp_path, {"module": f'"""{docstring}"""'})["module"].summary == summary


def test_a_library_without_source_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "compiled.pyc").write_bytes(b"\0")
    for folder in (tmp_path, tmp_path / "python311.zip"):
        with pytest.raises(NoStandardLibraryError, match="zipped or compiled") as caught:
            read_passages(folder)
        assert str(folder) in str(caught.value)


def test_progress_counts_every_file(tmp_path: Path) -> None:
    _read(tmp_path, {"one": DOCUMENTED, "two": DOCUMENTED, "broken": "def (:"})
    seen: list[tuple[int, int]] = []
    read_passages(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
