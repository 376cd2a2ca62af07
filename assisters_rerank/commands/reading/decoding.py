"""Bytes of a file as text: by a byte order mark, by the encoding that was given, else UTF-8."""

from __future__ import annotations

import codecs

from .records import InputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# How files begin that hold no text: their bytes would be ranked, and paid for.
_NO_TEXT = (
    (b"%PDF-", "a PDF: extract its text first, for example with pdftotext"),
    (b"\x1f\x8b", "compressed: unpack it first, for example with gzip -dc"),
    (b"BZh", "compressed: unpack it first, for example with bzip2 -dc"),
    (b"\xfd7zXZ\0", "compressed: unpack it first, for example with xz -dc"),
    (b"\x28\xb5\x2f\xfd", "compressed: unpack it first, for example with zstd -dc"),
    (b"PK\x03\x04", "a zip archive, as Word's and Excel's files are: save it as text or CSV first"),
    (b"\xd0\xcf\x11\xe0", "a file of an older Office program: save it as text or CSV first"),
    (b"PAR1", "a Parquet file: write it as JSONL first"),
    (b"ARROW1", "an Arrow file: write it as JSONL first"),
    (b"SQLite format 3\0", "an SQLite database: write its texts as JSONL or CSV first"),
)


def decoded(data: bytes, file: str, encoding: str | None) -> str:
    """The text of a file, without a byte order mark.

    Raises:
        InputError: the bytes are no text in this encoding; it says where, and what to change.
    """
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    chosen = encoding or marked or "utf-8"
    if encoding is None and marked is None:
        for beginning, what in _NO_TEXT:
            if data.startswith(beginning):
                raise InputError(f"{file}: the file is {what}")
        if _is_every_second_byte_zero(data):
            raise InputError(
                f"{file}: this looks like UTF-16 without a byte order mark; give --encoding "
                "utf-16-le or utf-16-be"
            )
    try:
        return data.decode(chosen).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(_problem(data, file, chosen, error, given=encoding is not None)) from None


def _problem(
    data: bytes, file: str, encoding: str, error: UnicodeDecodeError, *, given: bool
) -> str:
    before = data[: error.start].decode(encoding, "replace")
    line = before.count("\n") + 1
    column = len(before) - before.rfind("\n")
    byte = data[error.start]
    advice = (
        "give the file's own encoding with --encoding"
        if given
        else "give --encoding cp1252 for files of older Windows programs, or latin-1, or the "
        "file's own encoding"
    )
    return f"{file}:{line}:{column}: not {encoding.upper()} (byte 0x{byte:02x}); {advice}"


def _is_every_second_byte_zero(data: bytes) -> bool:
    """Whether it is mostly ASCII in units of two bytes."""
    start = data[:400]
    halves = start[::2].count(0), start[1::2].count(0)
    return len(start) >= 4 and min(halves) == 0 and max(halves) > 0.4 * len(start)
